"""Everything that is held about a member: told as a whole, and erased as a whole.

Erased are the ids, the profiles, the sessions, and whatever of the member's events could be compared with a person. The
row in `es_member` stays, disabled and with nothing in it: a shop's orders point at its id, and must be kept longer.
Never touches what the shop itself keeps about its member.
"""

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from connect_core import events, exchange
from connect_core.directory import GuardedDirectory
from connect_core.errors import Unsupported
from connect_core.events import Notices
from connect_core.hookspecs import ErasedEvent
from connect_core.http import TOTAL_DEADLINE
from connect_core.identity import STRENGTH, Identity, IdKind, PersonId
from connect_core.provider import Provider, Revokes
from connect_core.registry import Registry
from connect_core.store import Database, Transaction, people
from connect_core.store import personal_data as store

log = logging.getLogger("connect_login")


class PersonalData:
    """Exports and erases members, whoever asks for it: they themselves, or the operator for them."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        directory: GuardedDirectory | None,
        notices: Notices,
        now: Callable[[], float],
    ) -> None:
        """`directory` is where members live when not in the built-in table; `now` answers seconds since the epoch."""
        self._database = database
        self._registry = registry
        self._directory = directory
        self._notices = notices
        self._now = now

    async def export(self, member_id: int) -> dict[str, Any]:
        """Return all that is held: `member`, `connections` with `ids`, `sessions`, `events`; no hash, no token.

        Raises `Unsupported` for a member of whom nothing is held.
        """

        def look(tx: Transaction) -> dict[str, Any]:
            connections = store.find_all(tx, "es_connect", member_id)
            return {
                "member": next(iter(store.find_all(tx, "es_member", member_id)), None),
                "connections": [
                    {
                        **one,
                        "profile": json.loads(one["profile"] or "{}"),
                        "ids": store.find_all(tx, "es_connect_alias", one["id"]),
                    }
                    for one in connections
                ],
                "sessions": store.find_all(tx, "es_member_session", member_id),
                "events": store.find_all(tx, "es_connect_event", member_id),
            }

        held = await self._database.read(look)
        if self._directory is not None:
            shown = await self._directory.find(member_id)
            held["member"] = None if shown is None else {"id": member_id, **shown}
        if not any(held.values()):
            raise Unsupported("nothing is held about such a member")
        return held

    async def erase(self, member_id: int, request_id: str) -> bool:
        """Erase the member, at the vendors and in the directory as far as they can; False when it was done before.

        It may be repeated, and goes on where it was broken off. Raises `Unsupported` for a member who never was, and
        `Unavailable` with our rows untouched when the directory fails.
        """
        identities = await self._database.read(lambda tx: _find_identities(tx, member_id))
        for provider, identity in self._find_revokers(identities):
            await exchange.revoke(provider, identity, TOTAL_DEADLINE)
        if self._directory is not None:
            await self._directory.erase(member_id)
        event = ErasedEvent(member_id, request_id, int(self._now()))
        if not await self._database.write(lambda tx: _erase(tx, event)):
            return False
        log.info("erased", extra={"member_id": member_id, "request_id": request_id})
        self._notices.tell(event)
        return True

    def _find_revokers(self, identities: list[Identity]) -> list[tuple[Provider, Identity]]:
        by_type: Mapping[str, Identity] = {one.union_type: one for one in identities}
        return [
            (offer.provider, by_type[offer.provider.union_type])
            for offer in self._registry
            if offer.provider.union_type in by_type and isinstance(offer.provider, Revokes)
        ]


def _find_identities(tx: Transaction, member_id: int) -> list[Identity]:
    found = []
    for bound in people.find_bound(tx, member_id):
        ids = sorted(people.find_aliases(tx, bound.connect_id), key=lambda one: STRENGTH.index(one.kind))
        # a row that another system wrote has its union id alone
        known = tuple(ids) or (PersonId(IdKind.UNION_ID, bound.union_id),)
        found.append(Identity(bound.union_type, known, ""))
    return found


def _erase(tx: Transaction, event: ErasedEvent) -> bool:
    """Erase every row of ours; a login, bind or refresh under way is either seen here, or finds nothing any more."""
    member_id = event.member_id
    name, tokens, connections = None, 0, set[int]()
    for _ in range(2):  # the second round meets what was written by those whom the first one waited for
        connections.update(store.lock_connections(tx, member_id))
        name = store.lock_member(tx, member_id)
        tokens += store.delete_sessions(tx, member_id)
    for connect_id in connections:
        store.delete_connection(tx, connect_id)
    was_known = store.forget_subjects(tx, member_id)
    if name is not None:
        store.anonymise_member(tx, member_id, store.ERASED_NAME + secrets.token_hex(8))
    if not (connections or tokens or was_known or name is not None):
        raise Unsupported("nothing is held about such a member")
    if not connections and not tokens and (name is None or name.startswith(store.ERASED_NAME)):
        return False
    events.write_erased(tx, event)
    return True
