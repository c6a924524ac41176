"""Reading the gateway's V2 answers: which characters were signed, by whom. Verifies nothing, believes nothing.

The signature covers the exact source text of one member, so the members are found with their places, never
serialised again. https://opendocs.alipay.com/common/02mse7
"""

import json
import re
from dataclasses import dataclass, field

from connect_core.plugin import ProviderBadResponse

_SPACE = re.compile("[ \t\r\n]*")


def _refuse(constant: str) -> object:
    raise ValueError("not a JSON number")


_JSON = json.JSONDecoder(parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class Reply:
    """The one answer in a body.

    `source` is the text of its value, from the first to the last character; `sign` and `serial` (of the certificate)
    are empty when missing; `is_error` tells that it stands under `error_response`.
    """

    source: str = field(repr=False)
    is_error: bool
    sign: str = field(repr=False)
    serial: str

    @property
    def is_encrypted(self) -> bool:
        """Whether the value is a text, which holds a cipher text."""
        return self.source.startswith('"')


def read_reply(content: bytes, charset: str, method: str) -> Reply:
    """Return the answer to `method` in a body of `charset`.

    Raises `ProviderBadResponse` when there is none, or one beside an error.
    """
    try:
        members = find_members(content.decode(charset).removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        members = None
    if members is None:
        # raised out here: a decoder's error keeps the whole answer
        raise ProviderBadResponse(f"the answer to {method} is no JSON object in {charset}")
    found, refused = members.get(f"{method.replace('.', '_')}_response"), members.get("error_response")
    source = found or refused
    if not source or (found and refused) or source[0] not in '{"':
        raise ProviderBadResponse(f"the answer to {method} holds no response of this method alone")
    return Reply(source, not found, _text(members.get("sign")), _text(members.get("alipay_cert_sn")))


def find_members(text: str) -> dict[str, str]:
    """Return the members of a JSON object, each with the source text of its value, white space around it left out.

    Raises `ValueError` for anything but one object without repeated names, `RecursionError` for too deep a one.
    """
    members: dict[str, str] = {}
    place = _after(text, "{", 0)
    while True:
        name, place = _JSON.raw_decode(text, place)
        if not isinstance(name, str) or name in members:
            raise ValueError("a member's name is no text, or repeated")
        start = _after(text, ":", place)
        _, end = _JSON.raw_decode(text, start)
        members[name] = text[start:end]
        if not text.startswith(",", _skip(text, end)):
            break
        place = _after(text, ",", end)
    if _after(text, "}", end) != len(text):
        raise ValueError("something follows the object")
    return members


def _after(text: str, mark: str, place: int) -> int:
    found = _skip(text, place)
    if not text.startswith(mark, found):
        raise ValueError(f"{mark} is missing")
    return _skip(text, found + 1)


def _skip(text: str, place: int) -> int:
    return _SPACE.match(text, place).end()  # type: ignore[union-attr]  # it matches the empty text too


def _text(source: str | None) -> str:
    value = json.loads(source) if source and source.startswith('"') else ""
    return str(value)
