"""Reads PEM (RFC 7468) leniently: a console, an editor or an environment variable may have reformatted the file.

Only turns text into bytes; `rsa`, `jose` and `certificates` parse them.
"""

import base64
import binascii
import re
from collections.abc import Iterator

# no dash inside, so that a text with many BEGIN lines and no END line is read in linear time
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")


def pem_blocks(text: str, label: str) -> Iterator[bytes]:
    """Yield the content of each block whose label ends with `label`, in file order; skips blocks with invalid base64.

    Accepts CRLF, blanks inside the base64, one long line, and a backslash followed by `n` instead of a line break.
    """
    for block in _BLOCK.finditer(_unescaped(text)):
        if block[1].endswith(label):
            content = _decoded(block[2])
            if content:
                yield content


def pem_or_bare(text: str, label: str) -> bytes:
    """Return the content of the first block whose label ends with `label`; a text without BEGIN is bare base64.

    Raises `ValueError`, which never quotes the text, when there is neither.
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
