"""Many at once: four processes on one file, one state used by a crowd, a database that is in the way or gone."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.errors import Unavailable
from connect_core.identity import Identity
from connect_core.login.values import Delivery, SessionOpened
from connect_core.manager import ConnectManager
from connect_core.providers.provider import AuthorizationResponse

from ..conftest import MakeManager
from ..kit import acme as script
from ..kit.acme import (
    Acme,
    AcmeProvider,
    Lock,
    begin,
    come_back,
    counts,
    hand_in,
    locked,
    outcome_of,
    provider_of,
    rows,
    url_of,
    using,
)

pytestmark = pytest.mark.usefixtures("database_url")

PEOPLE = ("es_member", "es_connect", "es_connect_alias")
WRITTEN = (*PEOPLE, "es_member_session", "es_connect_event")


def in_processes(folder: Path, *parts: tuple[str, list[str]]) -> Counter[str]:
    """Log in from as many processes as there are parts, all at the same moment; returns how the logins ended."""
    workers = [
        subprocess.Popen(
            [sys.executable, script.__file__, str(folder), app_id, *codes],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for app_id, codes in parts
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    ended: Counter[str] = Counter()
    for worker in workers:
        ended.update(json.loads(worker.communicate(timeout=30)[0]))
        assert worker.returncode == 0
    return ended


def test_64_first_logins_of_one_person_from_4_processes(tmp_path: Path) -> None:
    """One member, one connection, sixty-four successes, sixty-four sessions."""
    codes = [[f"lihua.{part}.{number}" for number in range(16)] for part in range(4)]
    assert in_processes(tmp_path, *(("acme-1", part) for part in codes)) == {"ok": 64}
    assert list(counts(tmp_path, *WRITTEN).values()) == [1, 1, 2, 64, 66]
    assert rows(tmp_path, "SELECT login_count FROM es_member") == [{"login_count": 64}]


def test_one_person_comes_through_two_apps_at_once(tmp_path: Path) -> None:
    """Two open ids and one union id are one member, whoever is first."""
    apps = [(f"acme-{app}", [f"lihua.{app}.{number}" for number in range(16)]) for app in (1, 2)]
    assert in_processes(tmp_path, *apps) == {"ok": 32}
    assert list(counts(tmp_path, *PEOPLE).values()) == [1, 1, 3]
    ids = rows(tmp_path, "SELECT kind, scope, value FROM es_connect_alias ORDER BY kind, scope")
    assert [tuple(row.values()) for row in ids] == [
        ("open_id", "acme-1", "o-lihua"),
        ("open_id", "acme-2", "o-lihua"),
        ("union_id", "", "u-lihua"),
    ]


def test_one_code_handed_in_64_times_from_4_processes_logs_in_once(tmp_path: Path) -> None:
    """The others are told that it was seen, and there is one session."""
    assert in_processes(tmp_path, *[("acme-1", ["lihua.1"] * 16)] * 4) == {"ok": 1, "code_seen": 63}
    assert counts(tmp_path, "es_member_session") == {"es_member_session": 1}


async def test_many_persons_at_once_are_as_many_members(manager: ConnectManager, tmp_path: Path) -> None:
    """A hundred first logins: nobody waits in vain, nobody is mixed up."""
    outcomes = await asyncio.gather(*(outcome_of(hand_in(manager, f"person-{n}.1")) for n in range(100)))
    assert Counter(outcomes) == {"ok": 100}
    assert list(counts(tmp_path, *PEOPLE).values()) == [100, 100, 200]
    pairs = rows(
        tmp_path,
        "SELECT m.nickname, c.union_id FROM es_member m JOIN es_connect c ON c.member_id = m.id",
    )
    assert all(pair["union_id"] == f"u-{pair['nickname']}" for pair in pairs)


async def test_one_state_used_64_times_by_its_browser_logs_in_once(make_manager: MakeManager, tmp_path: Path) -> None:
    """One of them opens the session; the others are sent where it leads, without one, however slow the vendor is."""
    acme = Acme(pause=0.05)
    manager = make_manager(provider=provider_of(acme))
    begun = await begin(manager, return_to="/cart")
    logins = await asyncio.gather(*(come_back(manager, begun) for _ in range(64)))
    assert sum(isinstance(login, SessionOpened) for login in logins) == 1
    assert {login.return_to for login in logins} == {"https://shop.example/cart"}
    assert acme.requests == ["login lihua", "profile lihua"]
    assert counts(tmp_path, "es_member_session") == {"es_member_session": 1}


async def test_one_state_used_64_times_with_as_many_codes_logs_in_once(manager: ConnectManager, tmp_path: Path) -> None:
    """The front end's own page gets tokens once; everybody else, with another code too, is refused."""
    begun = await begin(manager, redirect_uri="https://shop.example/page", delivery=Delivery.JSON)
    tries = (come_back(manager, begun, f"person-{n}.1", delivers_json=True) for n in range(64))
    outcomes = await asyncio.gather(*(outcome_of(login) for login in tries))
    assert Counter(outcomes) == {"ok": 1, "state_invalid": 63}
    assert counts(tmp_path, "es_member", "es_member_session") == {"es_member": 1, "es_member_session": 1}


async def test_one_refresh_token_used_by_a_crowd_keeps_one_login(manager: ConnectManager, tmp_path: Path) -> None:
    """Each tab gets a successor of its own, all of one family."""
    login = await hand_in(manager, "lihua.1")
    assert isinstance(login, SessionOpened)
    refreshed = await asyncio.gather(*(manager.current_member.refresh(login.opened.token) for _ in range(16)))
    assert len({tokens.refresh_token for tokens in refreshed}) == 16
    assert len(rows(tmp_path, "SELECT DISTINCT family FROM es_member_session")) == 1


# a database in the way


async def test_a_locked_database_burns_no_code(manager: ConnectManager, acme: Acme, tmp_path: Path) -> None:
    """503 with a hint, the vendor is not asked, and the very same address works a moment later."""
    begun = await begin(manager)
    with locked(tmp_path), pytest.raises(Unavailable) as caught:
        await come_back(manager, begun)
    assert caught.value.retry_after == 2
    assert acme.requests == []
    assert await outcome_of(come_back(manager, begun)) == "ok"


class Losing(AcmeProvider):
    """A vendor during whose answer the database goes away."""

    acme = Acme()
    lock: Lock

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Lock it before answering."""
        if response.code == "lihua.1":
            self.lock.take()
        return await super().login_callback(response)


async def test_a_database_lost_after_the_exchange_leaves_nothing_half(
    make_manager: MakeManager, tmp_path: Path
) -> None:
    """503, no member, no session; the next login works."""
    manager = make_manager(provider=Losing)
    with closing(Lock(url_of(tmp_path))) as Losing.lock:
        assert await outcome_of(hand_in(manager, "lihua.1")) == "unavailable"
        Losing.lock.give()
        assert set(counts(tmp_path, *WRITTEN).values()) == {0}
        assert await outcome_of(hand_in(manager, "lihua.2")) == "ok"
    assert list(counts(tmp_path, *PEOPLE).values()) == [1, 1, 2]


class Dying(AcmeProvider):
    """A vendor whose profile kills the process."""

    acme = Acme()

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Raise what nobody catches."""
        raise KeyboardInterrupt


def test_a_process_that_dies_between_two_steps_leaves_a_whole_database(tmp_path: Path) -> None:
    """After the code was taken and before anybody was registered: the code stays dead, everything else works."""
    # KeyboardInterrupt ends the event loop that it is raised in, so each login runs in a loop of its own
    with pytest.raises(KeyboardInterrupt):
        using(tmp_path, lambda manager: hand_in(manager, "lihua.1"), provider=Dying)
    assert set(counts(tmp_path, *WRITTEN).values()) == {0}
    assert using(tmp_path, lambda manager: outcome_of(hand_in(manager, "lihua.1"))) == "code_seen"
    assert using(tmp_path, lambda manager: outcome_of(hand_in(manager, "lihua.2"))) == "ok"
