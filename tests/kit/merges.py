"""Merges for tests: a shop that plans them, two vendors, and members who prove that they are one person."""

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from connect_core.errors import ConnectError
from connect_core.identity import ClientType, Identity, Language
from connect_core.login.values import AccountProved, Purpose, PurposeKind, SessionOpened
from connect_core.manager import ConnectManager
from connect_core.members import merge_rules
from connect_core.members.merge_rules import Proof
from connect_core.plugin import AuthorizationResponse, MergeEvent, MergePlan, hookimpl
from connect_core.sessions import LiveSession
from connect_core.store import Transaction
from connect_core.store.merges import MergeRow

from ..conftest import MakeManager
from .acme import NOW, VISIT, Acme, AcmeProvider, PluginOf, provider_of, rows

T = TypeVar("T")
WEEK = 7 * 24 * 3600
PEOPLE = ("es_member", "es_connect", "es_connect_alias")
_codes = itertools.count()


@dataclass
class Planner:
    """A shop that plans merges, and hears of them. `plan` is its answer."""

    plan: MergePlan | None = field(default_factory=lambda: MergePlan(["3 orders"]))
    requests: list[tuple[int, int, str]] = field(default_factory=list)
    heard: list[MergeEvent] = field(default_factory=list)

    @hookimpl
    def connect_plan_merge(
        self, kept_id: int, merged_id: int, language: Language, language_tag: Language
    ) -> MergePlan | None:
        """Answer what the test said."""
        self.requests.append((kept_id, merged_id, language))
        return self.plan

    @hookimpl
    def connect_merged(self, event: MergeEvent) -> None:
        """Listen."""
        self.heard.append(event)

    @hookimpl
    def connect_merge_undone(self, event: MergeEvent) -> None:
        """Listen."""
        self.heard.append(event)

    def wait_for(self, *kinds: str) -> None:
        """Wait until it has heard of so many, and fail unless these were they: notices come after the answer."""
        ends = time.monotonic() + 10
        while len(self.heard) < len(kinds) and time.monotonic() < ends:
            time.sleep(0.01)
        assert [event.kind for event in self.heard] == list(kinds)


def vendor(union_type: str) -> type[AcmeProvider]:
    """A vendor like Acme, with persons of its own."""
    name = union_type

    class Vendor(provider_of(Acme())):  # type: ignore[misc]
        """Acme under another name."""

        union_type = name

        async def login_callback(self, response: AuthorizationResponse) -> Identity:
            """Name the person as Acme does."""
            return replace(await super().login_callback(response), union_type=name)

    return Vendor


@pytest.fixture
def make_shop(make_manager: MakeManager) -> MakeManager:
    """`make_shop(planner=..., **options)`: a shop with the vendors Acme, Beta and Gamma that plans merges."""

    def make(
        *, planner: Planner | None = None, extra: tuple[tuple[str, object], ...] = (), **options: Any
    ) -> ConnectManager:
        others = PluginOf(beta=vendor("BETA"), gamma=vendor("GAMMA"))
        defaults = {
            "clients": {client: ["acme", "beta", "gamma"] for client in ClientType},
            "providers": {"acme": {}, "beta": {}, "gamma": {}},
        }
        plugins = [("others", others), ("planner", planner or Planner()), *extra]
        return make_manager(extra=plugins, **defaults | options)

    return make


@pytest.fixture
async def manager(make_shop: MakeManager) -> ConnectManager:
    """A shop with the vendors Acme, Beta and Gamma that plans merges."""
    return make_shop()


def fresh_code(person: str) -> dict[str, str]:
    """A code that was never handed in."""
    return {"code": f"{person}.{next(_codes)}"}


async def log_in(manager: ConnectManager, provider: str, person: str) -> LiveSession:
    """Log in, and return the session."""
    login = await manager.login_with_code(provider, "mini", fresh_code(person), VISIT)
    assert isinstance(login, SessionOpened)
    row = login.opened.row
    return LiveSession(row.member_id, ClientType(row.client_type), row.family, row.create_time)


async def bind(manager: ConnectManager, session: LiveSession, provider: str, person: str) -> None:
    """Bind an identity to the member of `session`."""
    await manager.login_with_code(provider, "mini", fresh_code(person), VISIT, Purpose(PurposeKind.LINK, session))


async def two_members(manager: ConnectManager) -> tuple[LiveSession, LiveSession]:
    """Lihua with Acme, and the same person with Beta and a second Acme."""
    kept = await log_in(manager, "acme", "lihua")
    merged = await log_in(manager, "beta", "lihua")
    await bind(manager, merged, "acme", "lihua-2")
    return kept, merged


async def prove(manager: ConnectManager, session: LiveSession, provider: str, person: str) -> str:
    """Prove that the member of `session` is that person too; returns the ticket."""
    purpose = Purpose(PurposeKind.PROVE, session)
    outcome = await manager.login_with_code(provider, "mini", fresh_code(person), VISIT, purpose)
    assert isinstance(outcome, AccountProved)
    return manager.merges.seal(outcome.proof)


async def confirm(manager: ConnectManager, session: LiveSession, ticket: str) -> MergeRow:
    """Agree to the merge."""
    return await manager.merges.confirm(ticket, session, "en", "r-1")


async def merge(manager: ConnectManager, session: LiveSession, provider: str, person: str) -> MergeRow:
    """Prove and agree."""
    return await confirm(manager, session, await prove(manager, session, provider, person))


async def undo(manager: ConnectManager, session: LiveSession, merge_id: int) -> list[str]:
    """Undo a merge."""
    return await manager.merges.undo(session, merge_id, "r-2")


async def outcome(doing: Awaitable[object]) -> str:
    """The code of the error that it ends with, or `ok`."""
    try:
        await doing
    except ConnectError as error:
        return error.code
    return "ok"


async def during(manager: ConnectManager, work: Callable[[Transaction], object], other: Awaitable[T]) -> T:
    """Await `other` while `work` has been done and is not committed yet, as far as the engine lets it come."""
    is_done = threading.Event()

    def do(tx: Transaction) -> None:
        work(tx)
        is_done.set()
        time.sleep(0.3)

    working = asyncio.create_task(manager.database.write(do, is_long=True))
    assert await asyncio.to_thread(is_done.wait, 5)
    try:
        return await other
    finally:
        await working


def merging_work(manager: ConnectManager, proof: Proof) -> Callable[[Transaction], object]:
    """The transaction of a merge."""
    used = replace(proof, key=f"key-{next(_codes)}", expiry_time=NOW + 600)
    return lambda tx: merge_rules.merge(tx, used, manager.services.members, manager.services.now(), WEEK)


def everybody(folder: Path) -> Mapping[str, list[dict[str, Any]]]:
    """Every member, connection and id, as they stand."""
    return {table: rows(folder, f"SELECT * FROM {table} ORDER BY id") for table in PEOPLE}


def bound(folder: Path) -> list[tuple[int, str]]:
    """Member and union type of every active connection."""
    connections = rows(folder, "SELECT member_id, union_type FROM es_connect WHERE unbound_time IS NULL ORDER BY 1, 2")
    return [(row["member_id"], row["union_type"]) for row in connections]
