"""Many processes at the same moment."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from tests.kit.acme import begin, execute, hand_in
from tests.kit.databases import ENGINES, check, is_answering, new_database, server_of

from .services import Tell, script, sized

TABLES = ("es_member", "es_connect", "es_connect_alias", "es_member_session")
PROCESSES, EACH = 4, 16
ROUNDS = sized(3, 50)


class Crowd:
    """Four processes of one shop."""

    def __init__(self, workers: list[subprocess.Popen[str]]) -> None:
        self._workers = workers

    def do(self, *parts: tuple[str, list[Any]]) -> Counter[str]:
        """Have each process do its part at the same moment; returns how everything ended."""
        for worker, (work, values) in zip(self._workers, parts, strict=True):
            self._say(worker, json.dumps({"work": work, "values": values}))
        for worker in self._workers:
            assert self._hear(worker) == "ready"
        for worker in self._workers:
            self._say(worker, "go")
        ended: Counter[str] = Counter()
        for worker in self._workers:
            ended.update(json.loads(self._hear(worker)))
        return ended

    def _say(self, worker: subprocess.Popen[str], line: str) -> None:
        assert worker.stdin is not None
        print(line, file=worker.stdin, flush=True)

    def _hear(self, worker: subprocess.Popen[str]) -> str:
        assert worker.stdout is not None
        return worker.stdout.readline().strip()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, require: Callable[[object, str], None]) -> str:
    """SQLite, PostgreSQL, MariaDB, each for all tests of this page."""
    require(is_answering(server_of(request.param)), f"{request.param} does not answer on this machine")
    return str(request.param)


@pytest.fixture(scope="module")
def url(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh database of the engine, looked through at the end."""
    with new_database(server_of(engine), tmp_path_factory.mktemp("crowd")) as address:
        yield address
        check(address)


@pytest.fixture(scope="module")
def crowd(url: str) -> Iterator[Crowd]:
    """The processes, running."""
    with ExitStack() as stack:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        workers = [stack.enter_context(subprocess.Popen(**script("crowd", url), **pipes)) for _ in range(PROCESSES)]
        yield Crowd(workers)
        for worker in workers:
            worker.communicate(timeout=30)
            assert worker.returncode == 0


def made(url: str) -> list[int]:
    """How many members, connections, ids and sessions there are."""
    return [int(execute(url, f"SELECT COUNT(*) AS n FROM {table}")[0]["n"]) for table in TABLES]


def codes(name: str) -> list[list[str]]:
    return [[f"{name}.{part}.{number}" for number in range(EACH)] for part in range(PROCESSES)]


def in_rounds(url: str, crowd: Crowd, parts: Callable[[int], list[Any]]) -> tuple[Counter[str], list[int]]:
    """Have the crowd do its parts in every round; returns how all ended, and what was made of it."""
    ended: Counter[str] = Counter()
    before = made(url)
    for place in range(ROUNDS):
        ended += crowd.do(*parts(place))
    return ended, [after - early for early, after in zip(before, made(url), strict=True)]


def test_first_logins_of_one_person_are_one_member(url: str, crowd: Crowd, tell: Tell) -> None:
    """64 at once from 4 processes, every round somebody else: a member each, nobody is refused."""
    ended, new = in_rounds(url, crowd, lambda place: [("hand_in", part) for part in codes(f"one{place}")])
    shown = f"{summary(ended)}, {new[0]} members in {ROUNDS} rounds"
    tell("64 first logins of one person", shown, "1 member a round, 64 ok")
    assert ended == {"ok": 64 * ROUNDS}
    assert new == [ROUNDS, ROUNDS, 2 * ROUNDS, 64 * ROUNDS]


def test_one_person_through_two_apps_is_one_member(url: str, crowd: Crowd, tell: Tell) -> None:
    """Two open ids and one union id, 32 logins each at once: one member with three ids."""
    ways = ("hand_in", "hand_in", "hand_in_to_second_app", "hand_in_to_second_app")
    ended, new = in_rounds(url, crowd, lambda place: list(zip(ways, codes(f"two{place}"), strict=True)))
    shown = f"{summary(ended)}, {new[0]} members in {ROUNDS} rounds"
    tell("64 first logins through two apps", shown, "1 member a round, 64 ok")
    assert ended == {"ok": 64 * ROUNDS}
    assert new == [ROUNDS, ROUNDS, 3 * ROUNDS, 64 * ROUNDS]


def test_one_code_is_of_use_once(url: str, crowd: Crowd, tell: Tell) -> None:
    """64 hand in one mini-program code: one login, the others are told that it was seen."""
    ended, new = in_rounds(url, crowd, lambda place: [("hand_in", [f"code{place}.1"] * EACH)] * PROCESSES)
    tell("64 uses of one code", f"{summary(ended)} in {ROUNDS} rounds", "1 effect a round")
    assert ended == {"ok": ROUNDS, "code_seen": 63 * ROUNDS}
    assert new[3] == ROUNDS


async def test_one_state_is_of_use_once(url: str, crowd: Crowd, tell: Tell, manager: ConnectManager) -> None:
    """64 come back with one state and its code: one session, the others are sent where it leads, without one."""
    begun = [await begin(manager) for _ in range(ROUNDS)]

    def parts(place: int) -> list[Any]:
        return [("come_back", [(*begun[place], f"state{place}.1")] * EACH)] * PROCESSES

    ended, new = in_rounds(url, crowd, parts)
    tell("64 uses of one state", f"{summary(ended)} in {ROUNDS} rounds", "1 effect a round")
    assert ended == {"ok": ROUNDS, "repeated": 63 * ROUNDS}
    assert new[3] == ROUNDS


async def test_one_refresh_token_stays_one_login(url: str, crowd: Crowd, tell: Tell, manager: ConnectManager) -> None:
    """64 refresh with one token within its grace: all are answered; once a successor was used, nobody is."""
    login = await hand_in(manager, "refresher.1")
    assert isinstance(login, SessionOpened)
    token, family = login.opened.token, login.opened.row.family
    before = made(url)
    ended = crowd.do(*[("refresh", [token] * EACH)] * PROCESSES)
    late = "UPDATE es_member_session SET rotated_time = rotated_time - 60 WHERE rotated_time IS NOT NULL"
    execute(url, late)
    newest = execute(url, "SELECT MAX(id) AS id FROM es_member_session WHERE family = ?", family)[0]["id"]
    execute(url, "UPDATE es_member_session SET rotated_time = seen_time WHERE id = ?", newest)
    refused = crowd.do(*[("refresh", [token] * EACH)] * PROCESSES)
    alive = "SELECT COUNT(*) AS n FROM es_member_session WHERE family = ? AND revoked_time IS NULL"
    left, new = execute(url, alive, family)[0]["n"], made(url)[3] - before[3]
    tell(
        "64 uses of one refresh token",
        f"{summary(ended)}; later {summary(refused)}, {left} alive",
        "1 family; later 0 alive",
    )
    assert (ended, refused, left, new) == ({"ok": 64}, {"token_invalid": 64}, 0, 64)


def summary(ended: Counter[str]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(ended.items()))
