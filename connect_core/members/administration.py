"""What an operator sees of members and does to them, whoever they are and whether they are logged in or not.

Every change is one transaction, with an event and a record of the audit log that say who made it. Members who live in
the shop's own directory are disabled there; their connections and sessions are here. Never asks a provider.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from connect_core.acts import OperatorAct
from connect_core.errors import BadRequest, MemberDisabled, Unsupported
from connect_core.events import kinds
from connect_core.members import linking
from connect_core.members.operator_acts import record, write_event
from connect_core.members.services import Services
from connect_core.providers.hookspecs import LoginEvent
from connect_core.store import Transaction, connections, events, members, sessions
from connect_core.store import personal_data as store
from connect_core.store.connections import BoundConnection
from connect_core.store.members import MemberRow

T = TypeVar("T")

MOST_FOUND = 50
"""How many members `find` returns at most."""
LATEST_EVENTS = 20
_MERGED = 2


class Administration:
    """Finds members and shows them; disables, enables, logs out and unbinds them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database, self._members = services.database, services.members

    async def find(self, text: str, union_type: str = "") -> list[dict[str, Any]]:
        """Return at most `MOST_FOUND` members as `{"id", "uname", "nickname", "mobile", "state"}`.

        With `union_type`, `text` is an id at that vendor, byte for byte. Without it, it is a member's id, user name,
        mobile number or the beginning of a nickname; names are searched where members live in `es_member` alone. If
        nobody has it, it is an id at whichever vendor: that reads all connections.
        """

        def search(tx: Transaction) -> tuple[list[MemberRow], list[int]]:
            ids = [int(text)] if text.isascii() and text.isdecimal() and 0 < int(text) < 2**63 else []
            return members.find_named(tx, text, MOST_FOUND), ids

        if not text:
            return []
        matches: dict[int, dict[str, Any]] = {}
        if not union_type:
            named, ids = await self._database.read(search)
            for member_id in ids:
                if (shown := await self._find_shown(member_id)) is not None:
                    matches[member_id] = _summarise({"id": member_id, **shown})
            matches |= {row.id: _summarise({name: getattr(row, name) for name in _SUMMARY}) for row in named}
        return list(matches.values())[:MOST_FOUND] or await self._find_holders(text, union_type)

    async def show(self, member_id: int) -> dict[str, Any]:
        """Return `member`, `connections` with their `ids`, `sessions` and the latest `events`, the last one first.

        Raises `Unsupported` for a member who does not exist.
        """
        now = self._services.now()

        def collect(tx: Transaction) -> dict[str, Any]:
            return {
                "connections": [_describe_connection(tx, bound) for bound in connections.find_bound(tx, member_id)],
                "sessions": _find_sessions(tx, member_id, now),
                "events": events.find_latest(tx, member_id, LATEST_EVENTS),
            }

        held = await self._database.read(collect)
        member = await self._find_shown(member_id)
        if member is None and not any(held.values()):
            raise Unsupported("there is no such member")
        return {"member": None if member is None else {**member, "state": get_state(member)}, **held}

    async def find_sessions(self, member_id: int) -> list[dict[str, Any]]:
        """Return the live logins: `id`, `client_type`, `device_id`, `login_time`, `seen_time` (epoch seconds)."""
        now = self._services.now()
        return await self._database.read(lambda tx: _find_sessions(tx, member_id, now))

    async def disable(self, member_id: int, act: OperatorAct) -> bool:
        """Refuse the member's logins from now on, and end those that are; False when it was so already.

        Raises `Unsupported` where members live elsewhere, and for one who does not exist; `BadRequest` for one who was
        merged or erased.
        """
        return await self._set_disabled(member_id, 1, act)

    async def enable(self, member_id: int, act: OperatorAct) -> bool:
        """Let the member log in again; False when it was so already. Raises as `disable`."""
        return await self._set_disabled(member_id, 0, act)

    async def end_sessions(self, member_id: int, session_id: str | None, act: OperatorAct) -> int:
        """End one login, or all of them for None, and return how many. Raises `Unsupported` when it is none of them."""
        now = self._services.now()

        def end(tx: Transaction) -> tuple[int, list[LoginEvent]]:
            families = {row.family for row in sessions.find_of_member(tx, member_id, now)}
            if session_id is not None and session_id not in families:
                raise Unsupported("the member has no such session")
            if session_id is None:
                sessions.revoke_others(tx, member_id, "", now)
            else:
                sessions.revoke_family(tx, session_id, now)
            ended = len(families) if session_id is None else 1
            return ended, self._write(tx, kinds.SESSIONS_ENDED, member_id, act) if ended else []

        return await self._write_and_dispatch(end)

    async def unbind(self, member_id: int, union_type: str, act: OperatorAct, *, force: bool = False) -> None:
        """End the member's connection with a vendor, however young, and the sessions that came through it.

        Raises `Unsupported` when there is none, and `LastConnection` without `force` when nothing else leads to the
        member.
        """
        now = self._services.now()

        def end(tx: Transaction) -> tuple[None, list[LoginEvent]]:
            has_password = self._services.has_passwords and members.has_password(tx, member_id)
            has_other_way = force or has_password
            ended = linking.unbind(tx, member_id, union_type, now, has_other_way=has_other_way, minimum_age=0)
            sessions.revoke_opened_through(tx, member_id, ended.connect_id, "", now)
            return None, self._write(tx, kinds.UNBOUND, member_id, act, ended)

        await self._write_and_dispatch(end)

    async def _set_disabled(self, member_id: int, disabled: int, act: OperatorAct) -> bool:
        if not self._members.keeps_members:
            raise Unsupported("members live in the shop's own directory: disable and enable them there")
        now = self._services.now()

        def change(tx: Transaction) -> tuple[bool, list[LoginEvent]]:
            connections.lock_connections(tx, member_id)  # in the order of logins and erasures
            store.lock_member(tx, member_id)
            member = members.find_member(tx, member_id)
            if member is None:
                raise Unsupported("there is no such member")
            if (state := get_state({"uname": member.uname, "disabled": member.disabled})) in ("merged", "erased"):
                raise BadRequest(f"the member was {state}, and can be neither disabled nor enabled")
            if disabled:
                sessions.revoke_others(tx, member_id, "", now)
            if member.disabled == disabled:
                return False, []
            members.update_member(tx, member_id, {"disabled": disabled})
            return True, self._write(tx, kinds.DISABLED if disabled else kinds.ENABLED, member_id, act)

        return await self._write_and_dispatch(change)

    async def _find_holders(self, text: str, union_type: str) -> list[dict[str, Any]]:
        ids = await self._database.read(lambda tx: connections.find_holders(tx, union_type, text, MOST_FOUND))
        return [_summarise({"id": member_id, **(await self._find_shown(member_id) or {})}) for member_id in ids]

    async def _find_shown(self, member_id: int) -> dict[str, Any] | None:
        """Return what is known of the member where members live, or None."""
        row = await self._database.read(lambda tx: next(iter(store.find_all(tx, "es_member", member_id)), None))
        shown = await self._members.export(member_id, row)
        if shown is None or self._members.keeps_members:
            return None if shown is None else dict(shown)
        try:
            await self._members.check_enabled(member_id)
        except MemberDisabled:
            return {**shown, "disabled": 1}
        return {**shown, "disabled": 0}

    async def _write_and_dispatch(self, work: Callable[[Transaction], tuple[T, Sequence[LoginEvent]]]) -> T:
        result, written = await self._database.write(work)
        self._services.dispatcher.dispatch(*written)
        return result

    def _write(
        self, tx: Transaction, kind: str, member_id: int, act: OperatorAct, ended: BoundConnection | None = None
    ) -> list[LoginEvent]:
        record(tx, act, kind, member_id, self._services.now(), ended.union_type if ended else "")
        return write_event(self._services, tx, kind, member_id, act, ended)


_SUMMARY = ("id", "uname", "nickname", "mobile", "disabled")


def get_state(member: dict[str, Any]) -> str:
    """Return `active`, `disabled`, `merged` or `erased` for what is shown of a member."""
    if member.get("disabled") == _MERGED:
        return "merged"
    if str(member.get("uname", "")).startswith(store.ERASED_NAME) and member.get("disabled"):
        return "erased"
    return "disabled" if member.get("disabled") else "active"


def _summarise(shown: dict[str, Any]) -> dict[str, Any]:
    texts = {name: str(shown.get(name) or "") for name in ("uname", "nickname", "mobile")}
    return {"id": shown["id"], **texts, "state": get_state(shown)}


def _describe_connection(tx: Transaction, bound: BoundConnection) -> dict[str, Any]:
    ids = connections.find_aliases(tx, bound.connect_id)
    return {
        "union_type": bound.union_type,
        "nickname": bound.nickname,
        "since": bound.create_time,
        "ids": [{"kind": i.kind.value, "scope": i.scope, "value": i.value} for i in ids]
        or [{"kind": "union_id", "scope": "", "value": bound.union_id}],
    }


def _find_sessions(tx: Transaction, member_id: int, now: int) -> list[dict[str, Any]]:
    by_family = {row.family: row for row in sessions.find_of_member(tx, member_id, now)}
    return [
        {
            "id": row.family,
            "client_type": row.client_type,
            "device_id": row.device_id,
            "login_time": row.create_time,
            "seen_time": row.seen_time,
        }
        for row in by_family.values()
    ]
