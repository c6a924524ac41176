"""Splits a V2 answer of the gateway into the signed text, the signature and the certificate's serial.

https://opendocs.alipay.com/common/02mse7

Alipay signs the exact characters of one JSON member, so its source text is cut out of the body; parsing and serialising
it again would change it. Verifies no signature.
"""

import json
import re
from dataclasses import dataclass, field

from connect_core.plugin import ProviderBadResponse

_CIPHER_TEXT = re.compile(rb'\s*"?((?:[A-Za-z0-9+/]{4}){5,}[A-Za-z0-9+/=]{4})"?\s*')  # base64 of a block or more
_SPACE = re.compile("[ \t\r\n]*")


def _refuse(constant: str) -> object:
    raise ValueError("not a JSON number")


_JSON = json.JSONDecoder(parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of an answer.

    `source` is the source text of the member's value, which the signature covers; `is_error` is True for the member
    `error_response`; `sign` is the signature (base64) and `serial` that of the certificate, each empty when missing.
    """

    source: str = field(repr=False)
    is_error: bool
    sign: str = field(repr=False)
    serial: str

    @property
    def is_encrypted(self) -> bool:
        """Whether the value is a JSON string, which holds the encrypted answer."""
        return self.source.startswith('"')


def read_reply(content: bytes, charset: str, method: str) -> Reply:
    """Return the parts of the answer to `method` in `content`, a body in `charset`.

    A body of nothing but cipher text, with or without quotes, is a refusal without a signature.

    Raises `ProviderBadResponse` when the body is no JSON object in that charset, or has neither an answer to this
    method nor an error, or has both.
    """
    if cipher_text := _CIPHER_TEXT.fullmatch(content):
        return Reply(f'"{cipher_text[1].decode()}"', is_error=True, sign="", serial="")
    try:
        members = find_members(content.decode(charset).removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        members = None
    if members is None:
        # Raised outside the except block: a UnicodeDecodeError as the cause would carry the whole answer.
        raise ProviderBadResponse(f"the answer to {method} is no JSON object in {charset}")
    success, error = members.get(f"{method.replace('.', '_')}_response"), members.get("error_response")
    source = success or error
    if not source or (success and error) or source[0] not in '{"':
        raise ProviderBadResponse(f"the answer to {method} holds no response of this method alone")
    return Reply(source, not success, _text(members.get("sign")), _text(members.get("alipay_cert_sn")))


def find_members(text: str) -> dict[str, str]:
    """Return the members of the JSON object `text`: name = source text of the value, without surrounding white space.

    Raises `ValueError` unless `text` is exactly one object without repeated names, `RecursionError` when it is nested
    too deeply.
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
    start = _skip(text, place)
    if not text.startswith(mark, start):
        raise ValueError(f"{mark} is missing")
    return _skip(text, start + 1)


def _skip(text: str, place: int) -> int:
    return _SPACE.match(text, place).end()  # type: ignore[union-attr]  # it matches the empty text too


def _text(source: str | None) -> str:
    value = json.loads(source) if source and source.startswith('"') else ""
    return str(value)
