"""Leaving, as the shop is told: its own directory first, which may fail, and plugins once it is done."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import TypeVar

from connect_core.errors import Unavailable
from connect_core.harness import Visitor
from connect_core.identity import ClientType, Identity, PersonId
from connect_core.members import personal_data
from connect_core.members.directory import BuiltInMembers
from connect_core.members.resolution import login_by_unionid
from connect_core.members.values import LoginAttempt, ResolvedMember
from connect_core.plugin import ErasedEvent
from connect_core.sessions import NewSession, Sessions
from connect_core.settings import SessionLifetimes as Lifetimes
from connect_core.store import Database, Transaction, bulk
from connect_core.store.engine.backend import Extent
from connect_core.store.engine.workers import Deadline
from connect_core.store.identities import KnownPerson
from connect_core.store.members import MemberRow
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.acme import DAY, NOW
from ..kit.hook_shops import Directory, Erasing, Listener, shop

T = TypeVar("T")


def run(database: Database, work: Callable[[Transaction], T]) -> T:
    """Run `work` in a transaction on this thread."""
    return database._run(work, Deadline(), Extent.WORK)


def log_in(visitor: Visitor) -> dict[str, str]:
    """Log in from a mini program; returns the header that goes with it."""
    return {"authorization": f"Bearer {visitor.log_in('acme', 'mini').json()['access_token']}"}


def test_members_elsewhere_are_erased_there_and_here() -> None:
    """The directory is told; the person who comes again is a new member in both places."""
    directory = Erasing()
    with shop(directory) as running_shop, Visitor(running_shop) as visitor:
        for _ in range(2):
            headers = log_in(visitor)
            exported = visitor.http.get("/connect/account/export", headers=headers).json()
            assert [exported["member"]["id"]] == list(directory.members)
            assert visitor.http.delete("/connect/account", headers=headers).status_code == 204
        assert len(set(directory.erased)) == 2
        assert (
            running_shop.rows("es_connect")
            == running_shop.rows("es_connect_alias")
            == running_shop.rows("es_member_session")
            == []
        )


def test_a_directory_that_fails_keeps_our_rows() -> None:
    """503, nothing of ours is erased, and the next try succeeds."""
    directory = Erasing(is_down=True)
    with shop(directory) as running_shop, Visitor(running_shop) as visitor:
        headers = log_in(visitor)
        answer = visitor.http.delete("/connect/account", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (Unavailable.status, Unavailable.code)
        assert len(running_shop.rows("es_connect")) == 1
        directory.is_down = False
        assert visitor.http.delete("/connect/account", headers=headers).status_code == 204


def test_without_an_erase_the_person_comes_back_to_the_same_member() -> None:
    """Ours goes; the shop still knows its member."""
    with shop(Directory()) as running_shop, Visitor(running_shop) as visitor:
        uids = []
        for _ in range(2):
            headers = log_in(visitor)
            uids.append(visitor.http.get("/connect/me", headers=headers).json()["uid"])
            visitor.http.delete("/connect/account", headers=headers)
        assert uids[0] == uids[1]
        assert running_shop.rows("es_connect") == []


def test_connect_erased_is_told_once_with_nothing_but_the_number() -> None:
    """After the commit; a second erasure of the same member tells nothing."""
    listener = Listener()
    with shop(listener, now=lambda: NOW) as running_shop, Visitor(running_shop) as visitor:
        headers = log_in(visitor)
        listener.wait_for("registered", "bound", "logged_in")
        listener.heard.clear()
        answers = [visitor.http.delete("/connect/account", headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [204, 401]
        assert listener.wait_for("erased") == [ErasedEvent(1, answers[0].headers["x-request-id"], NOW)]


class Slow(BuiltInMembers):
    """Members who are looked up in no hurry; `is_met` once the login has found its connection."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.is_met = threading.Event()

    def find(self, transaction: Transaction, person: KnownPerson) -> MemberRow | None:
        """Let the erasure begin right here."""
        member = super().find(transaction, person)
        self.is_met.set()
        time.sleep(0.5)
        return member


def test_an_erasure_waits_for_the_login_that_began_before_it(empty: str) -> None:
    """Whatever that login writes after the look-up goes with the rest, on each engine."""
    lihua = Identity("ACME", (PersonId.user_id("u-lihua"),), "app")
    ring = [bytes(32)]
    lasting = Sessions(ring, "http://127.0.0.1:1", Lifetimes())

    def log_in_with(members: BuiltInMembers, tx: Transaction) -> None:
        attempt = LoginAttempt(lihua, lihua, ClientType.PC, NOW, DAY, was_asked=True)
        resolved = login_by_unionid(tx, attempt, members)
        assert isinstance(resolved, ResolvedMember)
        lasting.open(tx, NewSession(resolved.member.id, ClientType.PC, connect_id=resolved.connect_id), NOW)

    with closing(Database(empty)) as database, closing(Database(empty)) as other, ThreadPoolExecutor(1) as threads:
        upgrade_schema(database)
        slow = Slow(database)
        run(database, partial(log_in_with, BuiltInMembers(database)))
        login = threads.submit(run, database, partial(log_in_with, slow))
        assert slow.is_met.wait(5)
        assert run(other, lambda tx: personal_data._erase(tx, ErasedEvent(1, "r", NOW)))
        login.result()
        for table in ("es_connect", "es_connect_alias", "es_member_session"):
            assert database.read_blocking(partial(bulk.find_rows, table=table)) == []
        run(database, partial(log_in_with, BuiltInMembers(database)))
        assert [row["disabled"] for row in database.read_blocking(partial(bulk.find_rows, table="es_member"))] == [1, 0]
