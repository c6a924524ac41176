"""Tells the story of one login in plain sentences, from its log lines and the events of the database.

Only puts into words what is there: it reads no log, and asks no database.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connect_core.errors import ConnectError, every_error
from connect_core.observability.advice import ADVICE

Fields = Mapping[str, Any]
_NOBODY_CAME_BACK = (
    "That is the last that the log tells: nobody came back from the vendor. The person left its page, or the vendor "
    "showed an error there, or it refuses our callback address."
)
_ERRORS: Mapping[str, type[ConnectError]] = {error.code: error for error in every_error()}
_NOT_TOLD = frozenset(
    {"time", "level", "pid", "logger", "event", "request_id", "address", "duration_ms", "flow", "choice"}
)
"""Fields that a sentence about a line of another kind leaves out."""


def tell(lines: Sequence[Fields], events: Sequence[Fields]) -> list[str]:
    """Return the story, a paragraph for each thing that happened, in order of time.

    `events` are rows of `es_connect_event`. One that the log tells already is not told again.
    """
    logged = {(line["event"], line.get("request_id")) for line in lines}
    unlogged = [event for event in events if (event["kind"], event["request_id"]) not in logged]
    paragraphs = [(str(line.get("time", "")), _tell_line(line)) for line in lines]
    paragraphs += [(_get_time(event), _tell_event(event)) for event in unlogged]
    paragraphs.sort(key=lambda pair: pair[0])
    story = [f"{time[:19].replace('T', ' ')}  {text}" for time, text in paragraphs]
    return [*story, *_tell_end(lines, events)]


def _get_time(event: Fields) -> str:
    return datetime.fromtimestamp(event["create_time"], UTC).isoformat(timespec="milliseconds")


def _tell_line(line: Fields) -> str:
    tell = _LINES.get(line["event"])
    return tell(line) if tell else f"{line['event']}{_list_fields(line)}"


def _list_fields(line: Fields) -> str:
    fields = [f"{name}={value}" for name, value in line.items() if name not in _NOT_TOLD]
    return f": {', '.join(fields)}" if fields else ""


def _name_login(line: Fields) -> str:
    """Say by which provider, on which client type."""
    provider, client = line.get("provider", ""), line.get("client_type") or line.get("client", "")
    names = f" with {provider}" if provider else ""
    return f"{names} on {client}" if client else names


def _tell_started(line: Fields) -> str:
    purpose = line.get("purpose", "login")
    what = {"login": "A login", "link": "The linking of one more login", "confirm": "A login that confirms who it is"}
    return f"{what.get(purpose, f'A login for the purpose {purpose}')}{_name_login(line)} was started: {_at(line)}"


def _at(line: Fields) -> str:
    return f"the browser or app was led to the vendor (request {line.get('request_id', '')})."


def _tell_refused(line: Fields) -> str:
    code = str(line.get("code", ""))
    error, reason = _ERRORS.get(code), line.get("reason") or "not logged"
    meaning = " ".join((error.__doc__ or "").split("\n\n")[0].split()) if error else "This version knows no such code."
    status = f" ({error.status})" if error else ""
    refused = f"was refused with {code}{status} (request {line.get('request_id', '')})"
    parts = [
        f"The request{_name_login(line)} {refused}. {meaning}",
        f"Reason: {reason}.",
        *_tell_vendor(line),
        f"What to do: {ADVICE.get(code, 'see the page of errors in the documentation.')}",
    ]
    return "\n    ".join(parts)


def _tell_vendor(line: Fields) -> list[str]:
    codes = [f"{name.removeprefix('vendor_')}={value}" for name, value in line.items() if name.startswith("vendor_")]
    return [f"If you ask the vendor, quote: {', '.join(codes)}."] if codes else []


def _tell_logged_in(line: Fields) -> str:
    duration = f", {line['duration_ms']} ms after the request arrived" if "duration_ms" in line else ""
    request = f" (request {line.get('request_id', '')})"
    logged_in = f"Member {line.get('member_id')} was logged in{_name_login(line)}{duration}{request}."
    return "\n    ".join([logged_in, *_tell_vendor(line)])


def _tell_registered(line: Fields) -> str:
    return f"Nobody was known by this identity, and member {line.get('member_id')} was registered."


def _tell_bound(line: Fields) -> str:
    return f"The {line.get('union_type', '')} identity was linked to member {line.get('member_id')}."


def _tell_conflict(line: Fields) -> str:
    return (
        f"The vendor's ids of this person lead to two members. The strongest id decided for member "
        f"{line.get('member_id')}, and nothing was moved. Look at both: connect-login explain --identity says who."
    )


def _tell_choice(line: Fields) -> str:
    question = f"Nobody was known by this identity{_name_login(line)}, and the person was asked whether they are new."
    return "\n    ".join([question, *_tell_vendor(line)])


def _tell_incomplete(line: Fields) -> str:
    missing = "profile" if line["event"] == "profile_refused" else "phone number"
    reason = f"{line.get('code', '')}: {line.get('reason', '')}"
    happened = f"The vendor gave no {missing} ({reason}); the login went on without it."
    return "\n    ".join([happened, *_tell_vendor(line)])


def _tell_unhandled(line: Fields) -> str:
    return (
        f"A programming mistake ended the request with {line.get('error', '')} at {line.get('place', '')}; the visitor "
        f"got 503. What to do: {ADVICE['unavailable'] if not line.get('place') else 'report it, with this line.'}"
    )


_LINES: Mapping[str, Callable[[Fields], str]] = {
    "login_started": _tell_started,
    "login_refused": _tell_refused,
    "logged_in": _tell_logged_in,
    "registered": _tell_registered,
    "bound": _tell_bound,
    "identity_conflict": _tell_conflict,
    "choice_needed": _tell_choice,
    "profile_refused": _tell_incomplete,
    "phone_refused": _tell_incomplete,
    "unhandled": _tell_unhandled,
}


def _tell_event(event: Fields) -> str:
    line = {"event": event["kind"], **{name: value for name, value in event.items() if value not in ("", None)}}
    if tell := _LINES.get(event["kind"]):
        return tell(line)
    detail = f" ({event['detail']})" if event.get("detail") else ""
    return f"{event['kind']} was stored for member {event['member_id']}{detail}."


def _tell_end(lines: Sequence[Fields], events: Iterable[Fields]) -> list[str]:
    """Say what a story that stops means."""
    kinds = {line["event"] for line in lines} | {event["kind"] for event in events}
    ids = sorted({str(line["trace_id"]) for line in lines if line.get("trace_id")})
    traces = [f"In your traces: {', '.join(ids)}."] if ids else []
    if kinds == {"login_started"}:
        return [_NOBODY_CAME_BACK, *traces]
    return traces
