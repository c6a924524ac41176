"""R3, R4, M01, M02: many processes at the same moment."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from connect_core.manager import ConnectManager
from tests.acme import begin, execute, hand_in, using

from .stand import Tell, script, sized

PROCESSES, EACH = 4, 16
ROUNDS = sized(3, 50)


class Crowd:
    """Four processes of one shop; the last two of them may be of another app."""

    def __init__(self, workers: list[subprocess.Popen[str]]) -> None:
        self._workers = workers

    def do(self, work: str, *parts: list[Any]) -> Counter[str]:
        """Have each process do its part at the same moment; returns how everything ended."""
        for worker, values in zip(self._workers, parts, strict=True):
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


@contextmanager
def crowd(url: str, *, second_app: str = "acme-1") -> Iterator[Crowd]:
    """Start them; the second half is of `second_app`."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                subprocess.Popen(**script("crowd", url, app), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            for app in ("acme-1", "acme-1", second_app, second_app)
        ]
        yield Crowd(workers)
        for worker in workers:
            worker.communicate(timeout=30)
            assert worker.returncode == 0


def shop_on(url: str) -> dict[str, Any]:
    return {"service": {"database_url": url}}


def count(url: str, table: str) -> int:
    return int(execute(url, f"SELECT count(*) AS n FROM {table}")[0]["n"])


def codes(name: str) -> list[list[str]]:
    return [[f"{name}.{part}.{number}" for number in range(EACH)] for part in range(PROCESSES)]


def test_m01_first_logins_of_one_person_are_one_member(url: str, tell: Tell) -> None:
    """64 at once from 4 processes, every round somebody else: a member each, nobody is refused."""
    ended: Counter[str] = Counter()
    with crowd(url) as four:
        for place in range(ROUNDS):
            ended += four.do("hand_in", *codes(f"person{place}"))
    made = count(url, "es_member"), count(url, "es_connect"), count(url, "es_connect_alias")
    tell("R3 64 first logins of one person", f"{dict(ended)} {made[0]} members in {ROUNDS} rounds", "1 member, 64 ok")
    assert ended == {"ok": 64 * ROUNDS}
    assert made == (ROUNDS, ROUNDS, 2 * ROUNDS)
    assert count(url, "es_member_session") == 64 * ROUNDS


def test_m02_one_person_through_two_apps_is_one_member(url: str, tell: Tell) -> None:
    """Two open ids and one union id, 32 logins each at once: one member with three ids."""
    ended: Counter[str] = Counter()
    with crowd(url, second_app="acme-2") as four:
        for place in range(ROUNDS):
            ended += four.do("hand_in", *codes(f"person{place}"))
    made = count(url, "es_member"), count(url, "es_connect"), count(url, "es_connect_alias")
    tell(
        "R3 64 first logins through two apps", f"{dict(ended)} {made[0]} members in {ROUNDS} rounds", "1 member, 64 ok"
    )
    assert ended == {"ok": 64 * ROUNDS}
    assert made == (ROUNDS, ROUNDS, 3 * ROUNDS)


def test_one_code_is_of_use_once(url: str, tell: Tell) -> None:
    """64 hand in one mini-program code: one login, the others are told that it was seen."""
    ended: Counter[str] = Counter()
    with crowd(url) as four:
        for place in range(ROUNDS):
            ended += four.do("hand_in", *[[f"person{place}.1"] * EACH] * PROCESSES)
    tell("R4 64 uses of one code", f"{dict(ended)} in {ROUNDS} rounds", "1 effect")
    assert ended == {"ok": ROUNDS, "code_seen": 63 * ROUNDS}
    assert count(url, "es_member_session") == ROUNDS


def test_one_state_is_of_use_once(url: str, tell: Tell, tmp_path: Path) -> None:
    """64 come back with one state and its code: one session, the others are sent where it leads, without one."""
    ended: Counter[str] = Counter()
    with crowd(url) as four:
        for place in range(ROUNDS):
            begun = using(tmp_path, begin, **shop_on(url))
            ended += four.do("come_back", *[[(*begun, f"person{place}.1")] * EACH] * PROCESSES)
    tell("R4 64 uses of one state", f"{dict(ended)} in {ROUNDS} rounds", "1 effect")
    assert ended == {"ok": ROUNDS, "repeated": 63 * ROUNDS}
    assert count(url, "es_member_session") == ROUNDS


def test_one_refresh_token_stays_one_login(url: str, tell: Tell, tmp_path: Path) -> None:
    """64 refresh with one token within its grace: all are answered and of one family; too late, nobody is."""

    async def open_session(manager: ConnectManager) -> str:
        login = await hand_in(manager, f"lihua.{count(url, 'es_member_session')}")
        assert login.opened is not None
        return login.opened.token

    with crowd(url) as four:
        token = using(tmp_path, open_session, **shop_on(url))
        ended = four.do("refresh", *[[token] * EACH] * PROCESSES)
        assert ended == {"ok": 64}
        execute(url, "UPDATE es_member_session SET rotated_time = rotated_time - 60 WHERE rotated_time IS NOT NULL")
        late = four.do("refresh", *[[token] * EACH] * PROCESSES)
    alive = execute(url, "SELECT count(*) AS n FROM es_member_session WHERE revoked_time IS NULL")[0]["n"]
    families = execute(url, "SELECT count(DISTINCT family) AS n FROM es_member_session")[0]["n"]
    tell("R4 64 uses of one refresh token", f"{families} family; {dict(late)} later, {alive} alive", "1 effect")
    assert (late, alive, families) == ({"token_invalid": 64}, 0, 1)
