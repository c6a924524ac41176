"""What vendors answer, and how JSON is read: strictly, and never quoted in an error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from connect_core.errors import ProviderBadResponse, ProviderRefused

JSON_DEPTH = 32
"""How deep objects and arrays may be nested."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's HTTP response, read completely. Nothing in it has been checked yet."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    def json(self, encoding: str = "utf-8") -> dict[str, Any]:
        """Return the body, decoded from `encoding`, as a JSON object.

        Raises `ProviderBadResponse` when it is no JSON object, or as `parse_object` does.
        """
        try:
            text = self.content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            text = None
        if text is None:
            # raised outside of `except`: the decoding error would hang on it, and its repr shows the whole answer
            raise ProviderBadResponse("the answer is not in the expected charset")
        return parse_object(text)

    def raise_for_outage(self) -> Self:
        """Return the answer itself, so that calls can be chained.

        Raises `ProviderRefused` for status 429 and 5xx, with the vendor's `Retry-After` when it is in seconds, and
        `ProviderBadResponse` for a redirect. Its `trouble` is `outage` for 5xx, and for a 429 that says when to come
        again: without that, it may be about one person alone.
        """
        if self.status == 429 or self.status >= 500:
            hint = self.headers.get("retry-after", "")
            refused = ProviderRefused(
                f"the vendor answered HTTP {self.status}",
                retry_after=min(int(hint), 3600) if hint.isascii() and hint.isdigit() and len(hint) < 6 else None,
            )
            refused.trouble = "outage" if self.status >= 500 or refused.retry_after is not None else ""
            raise refused
        if 300 <= self.status < 400:
            raise ProviderBadResponse(f"the vendor answered with a redirect, HTTP {self.status}")
        return self


def parse_object(text: str, *, control_characters: bool = False) -> dict[str, Any]:
    """Parse a JSON object strictly: no duplicate names, no NaN, nested at most 32 deep. A BOM is ignored.

    `control_characters` accepts raw control characters inside strings, which some vendors send in nicknames. Raises
    `ProviderBadResponse`, which never quotes the text.
    """
    decoder = _LENIENT if control_characters else _STRICT
    try:
        value = decoder.decode(text.removeprefix("\ufeff"))
        _check_depth(value, JSON_DEPTH)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        # raised outside of `except`: the decoder's error, which contains the whole text, would hang on it
        raise ProviderBadResponse("the answer is no JSON object")
    return value


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError("not a JSON number")


def _check_depth(value: Any, levels_left: int) -> None:
    if not levels_left:
        raise ValueError("too deep")
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                _check_depth(item, levels_left - 1)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
_LENIENT = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_no_constant, strict=False)
