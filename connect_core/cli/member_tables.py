"""What `connect-login members` prints for people to read: lines of columns, with times in UTC and shortened ids."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from unicodedata import east_asian_width

from connect_core.display import shorten
from connect_core.members.conflicts import Conflict, ConflictView


def list_members(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a heading and a line for each member; nothing for nobody."""
    return _align(("id", "uname", "nickname", "mobile", "state"), members)


def list_sessions(sessions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a heading and a line for each session; nothing for none."""
    rows = [
        {
            "id": session["id"],
            "client": session["client_type"],
            "device": session["device_id"],
            "login": format_time(session["login_time"]),
            "last seen": format_time(session["seen_time"]),
        }
        for session in sessions
    ]
    return _align(("id", "client", "device", "login", "last seen"), rows)


def describe_member(shown: Mapping[str, Any]) -> list[str]:
    """Return the lines of `members show`, from what `Administration.show` returns."""
    member = shown["member"] or {}
    texts = {name: format_time(value) if name in _TIMES else value for name, value in member.items()}
    member_rows = [{"name": name, "value": clean(value)} for name, value in texts.items() if value not in ("", None)]
    ids = [
        {
            "union type": connection["union_type"],
            "nickname": connection["nickname"],
            "since": format_time(connection["since"]),
            "kind": person_id["kind"],
            "id": person_id["value"],
            "app": person_id["scope"],
        }
        for connection in shown["connections"]
        for person_id in connection["ids"]
    ]
    events = [{**event, "time": format_time(event["create_time"])} for event in shown["events"]]
    return [
        *(_align(("name", "value"), member_rows)[1:] or ["the member directory does not know this member"]),
        *("", "connections", *(_indent(_align(("union type", "nickname", "since", "kind", "id", "app"), ids)))),
        *("", "sessions", *_indent(list_sessions(shown["sessions"]))),
        *("", "events", *_indent(_align(("time", "kind", "provider", "union_type", "detail", "request_id"), events))),
    ]


def summarise_conflict(conflict: Conflict) -> dict[str, Any]:
    """Return what a list shows of a conflict; `members` begins with the one who is logged in."""
    return {
        "id": conflict.event_id,
        "time": conflict.time,
        "provider": conflict.provider,
        "union_type": conflict.union_type,
        "members": list(conflict.member_ids),
    }


def list_conflicts(conflicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a heading and a line for each conflict; nothing for none."""
    rows = [
        {**row, "time": format_time(row["time"]), "members": ", ".join(map(str, row["members"]))} for row in conflicts
    ]
    return _align(("id", "time", "provider", "union_type", "members"), rows)


def dump_conflict(view: ConflictView, *, full: bool) -> dict[str, Any]:
    """Return a conflict with its sides, as JSON can hold it; ids are shortened unless `full`."""
    return {
        **summarise_conflict(view.conflict),
        "obstacle": view.obstacle,
        "sides": [
            {
                "member": side.member_id,
                "has_other_way": side.has_other_way,
                "since": side.connection.create_time if side.connection else 0,
                "ids": [
                    {
                        "kind": person_id.kind.value,
                        "scope": person_id.scope,
                        "value": person_id.value if full else shorten(person_id.value),
                    }
                    for person_id in side.ids
                ],
            }
            for side in view.sides
        ],
    }


def describe_conflict(shown: Mapping[str, Any]) -> list[str]:
    """Return the lines of one conflict, from what `dump_conflict` returns."""
    rows = [
        {
            "member": side["member"],
            "since": format_time(side["since"]),
            "kind": person_id["kind"],
            "id": person_id["value"],
            "app": person_id["scope"],
            "other way in": "yes" if side["has_other_way"] else "no",
        }
        for side in shown["sides"]
        for person_id in side["ids"] or [{"kind": "", "value": "", "scope": ""}]
    ]
    return [
        f"{shown['union_type']}, by a login of {format_time(shown['time'])} through {shown['provider']}",
        *_align(("member", "since", "kind", "id", "app", "other way in"), rows),
        *([f"only --keep is possible: {shown['obstacle']}"] if shown["obstacle"] else []),
    ]


def shorten_ids(shown: dict[str, Any]) -> None:
    """Replace the vendors' ids in what `Administration.show` returns by their ends."""
    for connection in shown["connections"]:
        for person_id in connection["ids"]:
            person_id["value"] = shorten(person_id["value"])


def get_name(member: Mapping[str, Any]) -> str:
    """Return what a member is called: user name and nickname, as far as there are any."""
    names = dict.fromkeys(clean(member.get(key) or "") for key in ("uname", "nickname"))
    return ", ".join(filter(None, names))


def format_time(seconds: int) -> str:
    """Return a time given in seconds since the epoch, such as `2026-03-01 09:30 UTC`; `-` for 0."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC") if seconds else "-"


def clean(value: object) -> str:
    """Return the text without characters that would move a terminal's cursor: names come from vendors."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))


_TIMES = frozenset({"create_time", "last_login"})


def _indent(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines] or ["  none"]


def _align(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a heading and a line for each row, in columns; nothing without rows. Chinese letters count double."""
    if not rows:
        return []
    lines = [list(columns), *([clean(row.get(column, "")) or "-" for column in columns] for row in rows)]
    widths = [max(map(_get_width, cells)) for cells in zip(*lines, strict=True)]
    return [
        "  ".join(cell + " " * (width - _get_width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _get_width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
