"""Reading the answers of an OAuth 2.0 vendor: their formats, and which error of ours each of its errors is.

Owns the table of the standard's errors. Never makes a call and keeps nothing.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
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
from connect_core.http import Answer, note_trace, parse_object
from connect_core.providers.oauth2.quirks import AnswerForm, Quirks
from connect_core.vendor_values import is_absent, read_text

VendorRefusal = CodeInvalid | ProviderDenied | ProviderFault

ERRORS: Mapping[str, type[VendorRefusal]] = {
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
"""The standard's errors with ours. One that is neither here nor in the quirks is `ProviderRefused`."""

_OUTCOMES: Mapping[str, type[VendorRefusal]] = {
    kind.code: kind for kind in (CodeInvalid, ProviderDenied, ProviderConfig, ProviderRefused, ProviderBadResponse)
}
_INDEX = re.compile("[0-9]{1,6}")
_DOT = re.compile(r"(?<!\.)\.")
_JSONP = re.compile(r"\s*[\w.$]+\s*\(\s*(\{.*\})\s*\)\s*;?\s*", re.DOTALL)


def read_answer(answer: Answer, quirks: Quirks, operation: str) -> dict[str, Any]:
    """Return the object in a successful answer of `operation`, which the quirks may have in another form than JSON.

    The values of a form are texts, numbers too.

    Raises the error that the quirks or `ERRORS` have for the vendor's, `ProviderRefused` for any other refusal and for
    HTTP 429 and 5xx, and `ProviderBadResponse` for what cannot be read.
    """
    answer.raise_for_outage()
    is_refusal = answer.status >= 400
    try:
        content = _parse(answer.content, quirks.prefix, quirks.answer_forms[operation])
    except ProviderBadResponse:
        if not is_refusal:
            raise
        content = {}
    errors = list(_find_errors(content, quirks))
    trace = find_value(content, quirks.error_trace) if quirks.error_trace else None
    if errors or is_refusal:
        raise _refusal(errors, answer.status, trace, quirks)
    if trace:
        note_trace(trace)
    if not 200 <= answer.status < 300:
        raise ProviderBadResponse(f"the vendor answered HTTP {answer.status}")
    return content


def find_value(answer: Mapping[str, Any], path: str) -> Any:
    """Return the value at `path` (`data.user.id`, `data.0.id`, or a member whose name has dots), or None.

    A number leads into a list, which counts from 0, or to the member of an object that is called so. Of two dots the
    second belongs to the name: `error..tag` leads to the member `.tag` of `error`.
    """
    value: Any = answer.get(path)
    if value is not None or "." not in path:
        return value
    value = answer
    for name in _split_path(path):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list):
            value = value[int(name)] if _INDEX.fullmatch(name) and int(name) < len(value) else None
        else:
            return None
    return value


@lru_cache(maxsize=1024)
def _split_path(path: str) -> list[str]:
    return _DOT.split(path)


def open_envelope(answer: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Return the object at `path`, or the whole answer for an empty path. Raises `ProviderBadResponse`."""
    inner = find_value(answer, path) if path else answer
    if not isinstance(inner, Mapping):
        raise ProviderBadResponse(f"{path} is not an object")
    return inner


def _parse(content: bytes, prefix: str, form: AnswerForm) -> dict[str, Any]:
    # A byte that is no UTF-8 becomes half a surrogate pair: some vendors cut names in the middle of a character. In a
    # name it is taken out, in an id or token it is refused.
    text = content.decode("utf-8", "surrogateescape").removeprefix(prefix)
    # vendors that answer forms send their errors as JSON, or as JSONP
    if form != "json" and (wrapped := _JSONP.fullmatch(text)):
        text = wrapped[1]
    if form == "form" and not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return _parse_form(text)
    return parse_object(text, control_characters=True)


def _parse_form(text: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(text.strip(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=64)
    except ValueError:
        pairs = []
    if not any(value for _, value in pairs) or len(dict(pairs)) != len(pairs):
        raise ProviderBadResponse("the answer is no form")
    return dict(pairs)


def _find_errors(answer: Mapping[str, Any], quirks: Quirks) -> Iterator[str]:
    """Yield the errors in an answer, those at the vendor's own paths first; an object or list is the error `object`."""
    signs = {path: {success} for path, success in quirks.error_signs.items()}
    signs.setdefault("error", {"0", "false"})
    for path, successes in signs.items():
        value = find_value(answer, path)
        if is_absent(value) or value in ([], {}):
            continue
        if isinstance(value, Mapping | list):
            word = "" if any(other.startswith(f"{path}.") for other in signs) else "object"
        else:
            word = read_text(value) or str(value).lower()
        if word and word not in successes:
            yield word


def _refusal(errors: list[str], status: int, trace: object, quirks: Quirks) -> VendorRefusal:
    known = (_OUTCOMES[quirks.outcomes[error]] for error in errors if error in quirks.outcomes)
    standard = (ERRORS[error] for error in errors if error in ERRORS)
    kind = next(known, None) or next(standard, ProviderRefused)
    vendor = {"error": " ".join(printable(error) for error in errors)} if errors else {"status": str(status)}
    if isinstance(trace, str | int) and trace:
        vendor["trace"] = printable(str(trace))
    return kind("the vendor answered with an error", vendor=vendor)
