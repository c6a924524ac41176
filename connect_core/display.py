"""Cleans what is shown of a person: names, places and pictures, whoever sent them. Nothing here is refused.

A name is shown as its owner writes it, in any script and with signs of any year. What is taken out could harm those who
see it: characters that end a line, that turn the direction of the text after them, or that no database takes.
"""

import re
import unicodedata
from urllib.parse import quote, urlsplit

from connect_core.limits import PICTURE_LIMIT

_HARMFUL = re.compile(
    "["
    "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029"  # controls, line and paragraph separators
    "\\u202a-\\u202e\\u2066-\\u2069\\u206a-\\u206f"  # directions that last beyond the name (UAX #9); deprecated ones
    "\\ufeff\\ufff9-\\ufffb"  # byte order mark, annotations that hide text
    "\\ud800-\\udfff\\ufdd0-\\ufdef\\ufffe\\uffff"  # halves of surrogate pairs; no characters
    "\\U000e0001]"
    "|[" + "".join(f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)) + "]"
)
_JOINER = "\u200d"  # zero width joiner, which makes one emoji of several
_BLANKS = frozenset({"Cf", "Mn", "Zs"})  # categories of characters that show nothing by themselves
_SKIN_TONES, _TAGS, _FLAGS = range(0x1F3FB, 0x1F400), range(0xE0020, 0xE0080), range(0x1F1E6, 0x1F200)
_VISIBLE = 4
"""Characters that stay visible at each end of a shortened id."""
LONGEST_SIGN = 16
"""Characters of a sign, such as an emoji of several people, that is not cut into two."""


def clean_text(value: object, limit: int) -> str:
    """Return a text for display of at most `limit` characters; empty for what is no text, or shows nothing.

    It is cut between signs: no emoji is taken apart, and no accent off its letter.
    """
    if not isinstance(value, str):
        return ""
    if value.isascii() and value.isprintable() and len(value) <= limit:
        return value.strip()  # most names: what follows changes nothing of it, and costs ten times as much
    text = _HARMFUL.sub("", value[: limit * 8]).strip()
    if all(unicodedata.category(character) in _BLANKS for character in text):
        return ""
    return _cut(text, limit).strip().strip(_JOINER)


def _cut(text: str, limit: int) -> str:
    end, shortest = limit, max(limit - LONGEST_SIGN, 0)
    while shortest < end < len(text) and _is_inside_sign(text, end):
        end -= 1
    return text[: end if end > shortest else limit]


def _is_inside_sign(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if ord(before) in _FLAGS and ord(after) in _FLAGS:
        letters = re.search("[\U0001f1e6-\U0001f1ff]*$", text[:place])
        return letters is not None and len(letters[0]) % 2 == 1
    is_further_part = unicodedata.category(after).startswith("M") or ord(after) in _SKIN_TONES or ord(after) in _TAGS
    return is_further_part or _JOINER in (before, after)


def shorten(text: str) -> str:
    """Return the first and last characters of an id: enough to compare it, too little to use it."""
    visible = min(_VISIBLE, len(text) // 4)
    return f"{text[:visible]}…{text[len(text) - visible :]}"


def mask(mobile: str) -> str:
    """Return a mobile number as somebody sees it who must not call it, such as `138****1234`; empty for none."""
    if not mobile:
        return ""
    return f"{mobile[:3]}****{mobile[-4:]}" if len(mobile) > 8 else "****"


_PICTURE = re.compile(r"https://[!#-&(-;=?-\[\]-_a-~]+")
"""An https link in visible ASCII without what could leave an attribute or a style: no quote, bracket, backslash."""
_ASCII = "".join(map(chr, range(0x20, 0x7F)))


def clean_picture(value: object) -> str:
    """Return a picture's link, or the empty text for what is no link that a page can show.

    Vendors' hosts of pictures serve https, whatever their API says: a link without a scheme (`//host/…`) and one with
    http and no port of its own become https. Letters that are not ASCII are percent-encoded. A link that is longer than
    2048 characters after that is dropped, since half of it leads nowhere.
    """
    if not isinstance(value, str) or not 0 < len(value) <= PICTURE_LIMIT or _HARMFUL.search(link := value.strip()):
        return ""
    scheme, _, rest = link.partition("//")
    try:
        parts = urlsplit(f"https://{rest}")
        is_upgrade = scheme.lower() != "https:"
        if scheme.lower() not in ("https:", "http:", "") or not parts.hostname or not parts.netloc.isascii():
            return ""
        if is_upgrade and parts.port not in (None, 80):
            return ""
    except ValueError:
        return ""
    host = parts.netloc.removesuffix(":80") if is_upgrade else parts.netloc
    link = f"https://{host}{quote(rest[len(parts.netloc) :], safe=_ASCII)}"
    return link if len(link) <= PICTURE_LIMIT and _PICTURE.fullmatch(link) else ""
