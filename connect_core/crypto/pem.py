"""Text armour (RFC 7468), read leniently: what a console, an editor or an environment variable makes of a PEM file.

Owns nothing but text to bytes; what the bytes mean is the business of `rsa` and `certificates`.
"""

import base64
import binascii
import re
from collections.abc import Iterator

# no dash inside, so that a stranger's text with many openings and no end costs linear time
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")


def pem_blocks(text: str, label: str) -> Iterator[bytes]:
    """Yield the contents of every block whose label ends with `label`, in file order; damaged base64 yields no block.

    CRLF, blanks inside the base64, one long line, and a backslash followed by `n` for a line break are all let pass.
    """
    for found in _BLOCK.finditer(_unescaped(text)):
        if found[1].endswith(label):
            content = _decoded(found[2])
            if content:
                yield content


def pem_or_bare(text: str, label: str) -> bytes:
    """Return the first block whose label ends with `label`, or the bare base64 of a text that has no armour.

    Raises `ValueError`, which never quotes the text.
    """
    content = next(pem_blocks(text, label), b"") if "-----" in text else _decoded(_unescaped(text))
    if not content:
        raise ValueError(f"neither a PEM block {label} nor its base64")
    return content


def _unescaped(text: str) -> str:
    return text.replace("\\r", "").replace("\\n", "\n").replace("\ufeff", "")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
