"""Reading what an OAuth 2.0 vendor answers: its formats, its ways to say no, and what each of its errors is to us.

Owns the one table of the standard's errors. Never calls anybody and keeps nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from connect_core.errors import (
    CodeInvalid,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderFault,
    ProviderRefused,
    printable,
)
from connect_core.http import Answer, parse_object
from connect_core.providers.oauth2.quirks import Quirks

Refusal = CodeInvalid | ProviderDenied | ProviderFault

ERRORS: Mapping[str, type[Refusal]] = {
    # RFC 6749 §5.2 and §4.1.2.1
    "access_denied": ProviderDenied,
    "invalid_client": ProviderConfig,
    "invalid_grant": CodeInvalid,
    "invalid_request": ProviderConfig,
    "invalid_scope": ProviderConfig,
    "redirect_uri_mismatch": ProviderConfig,
    "server_error": ProviderRefused,
    "temporarily_unavailable": ProviderRefused,
    "unauthorized_client": ProviderConfig,
    "unsupported_grant_type": ProviderConfig,
    "unsupported_response_type": ProviderConfig,
    # RFC 6750 §3.1
    "insufficient_scope": ProviderConfig,
    "invalid_token": CodeInvalid,
}
"""What the standard's errors are to us; one that neither stands here nor in the quirks is `ProviderRefused`."""

_OUTCOMES: Mapping[str, type[Refusal]] = {
    kind.code: kind for kind in (CodeInvalid, ProviderDenied, ProviderConfig, ProviderRefused, ProviderBadResponse)
}
_JSONP = re.compile(r"\s*[\w.$]+\s*\(\s*(\{.*\})\s*\)\s*;?\s*", re.DOTALL)


def read_answer(answer: Answer, quirks: Quirks, *, form: bool = False) -> dict[str, Any]:
    """Return the object that the vendor sent, which names no error. `form`: it may be form-encoded.

    Raises as `ERRORS` and the quirks say, `ProviderRefused` for any other refusal, or `ProviderBadResponse`.
    """
    answer.raise_for_outage()
    is_refusal = answer.status >= 400
    try:
        found = _parse(answer.content, quirks, form=form)
    except ProviderBadResponse:
        if not is_refusal:
            raise
        found = {}
    said = list(_find_errors(found, quirks))
    if said or is_refusal:
        raise _refusal(said, answer.status, find_value(found, quirks.error_trace), quirks)
    if not 200 <= answer.status < 300:
        raise ProviderBadResponse(f"the vendor answered HTTP {answer.status}")
    return found


def find_value(found: Mapping[str, Any], path: str) -> Any:
    """Return what stands at `path` (`data.user.id`, or a name that has dots itself), else None."""
    if path in found:
        return found[path]
    value: Any = found
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def open_envelope(found: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Return the object at `path`; the whole answer for the empty one. Raises `ProviderBadResponse`."""
    inner = find_value(found, path) if path else found
    if not isinstance(inner, Mapping):
        raise ProviderBadResponse(f"{path} is not an object")
    return inner


def _parse(content: bytes, quirks: Quirks, *, form: bool) -> dict[str, Any]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    if text is None:
        # raised out here: a decoding error shows the whole answer in its repr
        raise ProviderBadResponse("the answer is not UTF-8")
    text = text.removeprefix(quirks.prefix)
    # a vendor that answers forms may still say no in JSON, and wrapped as for a script
    if quirks.answer != "json" and (wrapped := _JSONP.fullmatch(text)):
        text = wrapped[1]
    if form and quirks.answer == "form" and not text.lstrip().startswith("{"):
        return _parse_form(text)
    return parse_object(text, control_characters=True)


def _parse_form(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=64)
    except ValueError:
        pairs = []
    if not pairs or len(dict(pairs)) != len(pairs):
        raise ProviderBadResponse("the answer is no form")
    return dict(pairs)


def _find_errors(found: Mapping[str, Any], quirks: Quirks) -> Iterator[str]:
    """Find the vendor's words for what went wrong, its own first; an object or list is one without a word."""
    signs = {path: {fine} for path, fine in quirks.error_signs.items()}
    signs.setdefault("error", {"0", "false"})
    for path, fine in signs.items():
        value = find_value(found, path)
        if value in (None, "", [], {}):
            continue
        if isinstance(value, Mapping | list):
            word = "" if any(other.startswith(f"{path}.") for other in signs) else "object"
        else:
            word = str(value).lower() if isinstance(value, bool) else str(value)
        if word and word not in fine:
            yield word


def _refusal(said: list[str], status: int, trace: object, quirks: Quirks) -> Refusal:
    known = (_OUTCOMES[quirks.outcomes[word]] for word in said if word in quirks.outcomes)
    standard = (ERRORS[word] for word in said if word in ERRORS)
    kind = next(known, None) or next(standard, ProviderRefused)
    vendor = {"error": " ".join(printable(word) for word in said)} if said else {"status": str(status)}
    if isinstance(trace, str | int) and trace:
        vendor["trace"] = printable(str(trace))
    return kind("the vendor answered with an error", vendor=vendor)
