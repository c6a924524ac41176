"""Everything that is held about a member: exported as a whole, and erased as a whole.

Erased are the ids, the profiles, the sessions, and whatever of the member's events could be compared with a person,
also where another member had one of the identities before. The row in `es_member` stays, disabled and with nothing in
it: a shop's orders point at its id, and must be kept longer. Never touches what the shop itself keeps about its member.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from connect_core.acts import OperatorAct
from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import Unavailable, Unsupported
from connect_core.events import kinds
from connect_core.http import TOTAL_DEADLINE
from connect_core.identity import STRENGTH, Identity, IdKind, PersonId
from connect_core.members.operator_acts import record
from connect_core.members.services import Services
from connect_core.providers import calls
from connect_core.providers.abilities import Revokes
from connect_core.providers.hookspecs import ErasedEvent
from connect_core.providers.provider import Provider
from connect_core.providers.registry import Registry
from connect_core.store import Transaction, connections, erasure, merges
from connect_core.store import personal_data as store


class PersonalData:
    """Exports and erases members, whoever asks for it: they themselves, or the operator for them."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._services = services
        self._database, self._members = services.database, services.members
        self._registry = registry

    async def export(self, member_id: int, act: OperatorAct | None = None) -> dict[str, Any]:
        """Return all that is held: `member`, `connections` with `ids`, `consents`, `sessions`, `events`.

        It contains no hash and no token. `merges` tells who was merged into whom, and `merged` the same as here of each
        who was merged into this member. `act` is that of an operator who exports it. Raises `Unsupported` for a member
        of whom nothing is held.
        """
        held = await self._database.read(lambda tx: _collect(tx, member_id))
        await self._complete(member_id, held)
        if not any(held.values()):
            raise Unsupported("nothing is held about such a member")
        if act is not None:
            now = self._services.now()
            await self._database.write(lambda tx: record(tx, act, "exported", member_id, now))
        return held

    async def _complete(self, member_id: int, held: dict[str, Any]) -> None:
        """Add what is held of the member, and of those merged into this one, where members live."""
        held["member"] = await self._members.export(member_id, held["member"])
        merged_ids = [row["merged_id"] for row in held["merges"] if row["kept_id"] == member_id]
        for merged_id, held_of_merged in zip(merged_ids, held["merged"], strict=True):
            await self._complete(merged_id, held_of_merged)

    async def erase(self, member_id: int, request_id: str, act: OperatorAct | None = None) -> bool:
        """Erase the member, at the vendors and in the directory as far as they can; False when it was done before.

        Whoever was merged into the member is the same person, and is erased too. It may be repeated, and goes on where
        it was broken off. `act` is that of an operator who erases the member. Raises `Unsupported` for a member who
        never was, and `Unavailable` with our rows untouched when the directory fails.
        """
        identities, member_ids = await self._database.read(
            lambda tx: (_find_identities(tx, member_id), [*_find_with_merged(tx, member_id)])
        )
        for provider, identity in self._find_revokers(identities):
            await calls.revoke(provider, identity, TOTAL_DEADLINE)
        for erased_id in member_ids:
            await self._members.erase(erased_id)
        now = self._services.now()
        dispatcher, event = self._services.dispatcher, ErasedEvent(member_id, request_id, now)
        keeps_count = self._members.counts_unbinds

        def erase(tx: Transaction) -> list[ErasedEvent]:
            erased = _erase(tx, event, keeps_count=keeps_count)
            if act is not None:
                for each in erased:
                    record(tx, act, kinds.ERASED, each.member_id, now)
            return dispatcher.write(tx, erased, 0, "")

        events = await self._database.write(erase)
        with suppress(Unavailable):  # the rows are gone; while others write, SQLite's own next checkpoint does the rest
            await self._database.scrub()
        dispatcher.dispatch(*events)
        return bool(events)

    def _find_revokers(self, identities: list[Identity]) -> list[tuple[Provider, Identity]]:
        by_type: Mapping[str, Identity] = {identity.union_type: identity for identity in identities}
        return [
            (configured.provider, by_type[configured.provider.union_type])
            for configured in self._registry
            if configured.provider.union_type in by_type and isinstance(configured.provider, Revokes)
        ]


def _collect(tx: Transaction, member_id: int) -> dict[str, Any]:
    merges_of_member = store.find_all(tx, "es_member_merge", member_id)
    return {
        "member": next(iter(store.find_all(tx, "es_member", member_id)), None),
        "connections": [
            {
                **connection,
                "profile": json.loads(connection["profile"] or "{}"),
                "ids": store.find_all(tx, "es_connect_alias", connection["id"]),
            }
            for connection in store.find_all(tx, "es_connect", member_id)
        ],
        "consents": store.find_all(tx, "es_member_consent", member_id),
        "sessions": [
            {**session, "location": json.loads(session["location"] or "{}")}
            for session in store.find_all(tx, "es_member_session", member_id)
        ],
        "events": store.find_all(tx, "es_connect_event", member_id),
        "merges": merges_of_member,
        "merged": [_collect(tx, row["merged_id"]) for row in merges_of_member if row["kept_id"] == member_id],
    }


def _find_identities(tx: Transaction, member_id: int) -> list[Identity]:
    identities = []
    for connection in connections.find_bound(tx, member_id):
        aliases = connections.find_aliases(tx, connection.connect_id)
        ids = sorted(aliases, key=lambda person_id: STRENGTH.index(person_id.kind))
        # a row that another system wrote has no aliases, only its union id
        known_ids = tuple(ids) or (PersonId(IdKind.UNION_ID, connection.union_id),)
        identities.append(Identity(connection.union_type, known_ids, ""))
    return identities


def _find_with_merged(tx: Transaction, member_id: int) -> Iterator[int]:
    """The member, and whoever was merged into this one or into one of those."""
    yield member_id
    for merged_id in merges.find_merged_into(tx, member_id):
        yield from _find_with_merged(tx, merged_id)


def _erase(tx: Transaction, event: ErasedEvent, *, keeps_count: bool = False) -> list[ErasedEvent]:
    """Erase every row of ours, and return the events: none when the member was erased before.

    Ended connections of other members with one of the member's identities are about the same person and go too;
    `keeps_count` is that of `erasure.erase_ended`. No choice that waits for one of the identities can be made any more.

    A login, bind or refresh that runs at the same time has either committed and its rows are erased too, or waits for
    the locks and then finds nothing.
    """
    member_id = event.member_id
    name, tokens, held = None, 0, set[int]()
    for _ in range(2):  # the second round erases what those wrote whose locks the first round waited for
        held.update(connections.lock_connections(tx, member_id))
        name = store.lock_member(tx, member_id)
        tokens += store.delete_sessions(tx, member_id)
    ids = [stored for connect_id in sorted(held) for stored in erasure.find_ids(tx, connect_id)]
    for connect_id in held:
        store.delete_connection(tx, connect_id)
    erasure.erase_ended(tx, ids, keeps_count=keeps_count)
    store.delete_consents(tx, member_id)
    erasure.mark_erased(tx, ids, event.time + TICKET_SECONDS)
    was_known = store.forget_subjects(tx, member_id)
    if name is not None:
        store.anonymise_member(tx, member_id, store.ERASED_NAME + secrets.token_hex(8))
    merged = merges.find_merged_into(tx, member_id)
    erased = [
        other
        for merged_id in merged
        for other in _erase(tx, replace(event, member_id=merged_id), keeps_count=keeps_count)
    ]
    was_merged = len(merged) + store.delete_merges(tx, member_id)
    if not (held or tokens or was_known or was_merged or name is not None):
        raise Unsupported("nothing is held about such a member")
    if held or tokens or was_merged or (name is not None and not name.startswith(store.ERASED_NAME)):
        erased.append(event)
    return erased
