"""Finds the lines of one login in a log: those of a request, and of the other requests that the same login took.

A login that goes through a browser takes two requests or more. `flow` links its start with its callback, `choice` a
callback with the choice that a person makes at a first login. Never prints, and never asks the database.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Any

from connect_core.errors import printable

LINKS = ("flow", "choice")
"""Fields whose equal values link the requests of one login."""
VALUE_LIMIT = 300
"""Characters that are read of a field."""
_MOST_LINES = 1000
"""Lines of one login at most: a flow can be presented again and again."""


@dataclass(slots=True)
class LoginLog:
    """What a log says of one login.

    `lines` are in order of time, each with its cleaned fields; `requests` are the ids of the login's requests. `read`
    counts every line of the log, `first_time` and `last_time` are those of the first and last line of ours.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)
    requests: set[str] = field(default_factory=set)
    read: int = 0
    first_time: str = ""
    last_time: str = ""


def find_login(log: IO[bytes], request_id: str) -> LoginLog:
    """Return what `log` says of the login that `request_id` belongs to. `log` is read several times, from its start.

    A line that is no JSON object of ours, such as one of another program, is passed over.
    """
    links: set[str] = set()
    login = LoginLog(requests={request_id})
    while True:
        known = len(login.requests) + len(links)
        wanted = [text.encode() for text in login.requests | links]
        log.seek(0)
        _read(log, login, wanted, links)
        links |= {str(line[name]) for line in login.lines for name in LINKS if name in line}
        login.requests |= {str(line["request_id"]) for line in login.lines if line.get("request_id")}
        if len(login.requests) + len(links) == known:
            login.lines.sort(key=lambda line: str(line.get("time", "")))
            return login


def _read(log: Iterable[bytes], login: LoginLog, wanted: list[bytes], links: set[str]) -> None:
    login.lines, login.read, last = [], 0, b""
    for raw in log:
        login.read += 1
        if b'"event"' not in raw:
            continue
        if not login.first_time:
            login.first_time = str((_parse(raw) or {}).get("time", ""))
        last = raw
        if len(login.lines) < _MOST_LINES and any(text in raw for text in wanted):
            line = _parse(raw)
            if line is not None and _belongs(line, login.requests, links):
                login.lines.append(line)
    login.last_time = str((_parse(last) or {}).get("time", ""))


def _parse(raw: bytes) -> dict[str, Any] | None:
    """Return the fields of a line, also where another program put its own prefix in front; None for another's line."""
    try:
        fields = json.loads(raw[max(0, raw.find(b"{")) :])
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("event"), str):
        return None
    return {printable(name): _clean(value) for name, value in fields.items()}


def _clean(value: object) -> object:
    """Return a value that is safe to print: a visitor may have sent a terminal's control characters."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)[:VALUE_LIMIT])


def _belongs(line: dict[str, Any], requests: set[str], links: set[str]) -> bool:
    return line.get("request_id") in requests or any(line.get(name) in links for name in LINKS)
