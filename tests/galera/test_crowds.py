"""Many at once on three nodes: one member for each person, and nobody is turned away."""

import asyncio
from collections import Counter
from pathlib import Path

from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.sessions import PresentedTokens

from ..kit.acme import VISIT, begin, come_back, counts, outcome_of, rows
from ..kit.galera import GaleraNode
from ..kit.merges import fresh_code, outcome

ROUNDS, CROWD = 5, 48


async def log_in(manager: ConnectManager, person: str, provider: str = "acme") -> SessionOpened:
    """Log in with a fresh code."""
    login = await manager.login_with_code(provider, "mini", fresh_code(person), VISIT)
    assert isinstance(login, SessionOpened)
    return login


async def test_first_logins_of_one_person_are_one_member(managers: list[ConnectManager], tmp_path: Path) -> None:
    """A crowd on three nodes, every round somebody else."""
    for number in range(ROUNDS):
        logins = (log_in(managers[place % 3], f"p{number}") for place in range(CROWD))
        assert Counter(await asyncio.gather(*map(outcome, logins))) == {"ok": CROWD}
    made = counts(tmp_path, "es_member", "es_connect", "es_connect_alias", "es_member_session")
    assert list(made.values()) == [ROUNDS, ROUNDS, 2 * ROUNDS, ROUNDS * CROWD]


async def test_logins_of_one_known_person_all_count(managers: list[ConnectManager], tmp_path: Path) -> None:
    """Each raises the count of one row, on whichever node."""
    await log_in(managers[0], "p")
    logins = (log_in(managers[place % 3], "p") for place in range(CROWD))
    assert Counter(await asyncio.gather(*map(outcome, logins))) == {"ok": CROWD}
    assert rows(tmp_path, "SELECT login_count FROM es_member") == [{"login_count": CROWD + 1}]


async def test_one_state_logs_in_once(managers: list[ConnectManager], tmp_path: Path) -> None:
    """Come back to three nodes at once: one session, and everybody else is sent where it leads."""
    for number in range(ROUNDS):
        begun = await begin(managers[0])
        logins = (come_back(managers[place % 3], begun, f"p{number}.1") for place in range(12))
        ended = await asyncio.gather(*logins)
        assert sum(isinstance(login, SessionOpened) for login in ended) == 1
    assert counts(tmp_path, "es_member_session") == {"es_member_session": ROUNDS}


async def test_one_code_logs_in_once(managers: list[ConnectManager]) -> None:
    """Handed in on three nodes at once."""
    for number in range(ROUNDS):
        code = {"code": f"p{number}.1"}
        logins = (managers[place % 3].login_with_code("acme", "mini", code, VISIT) for place in range(12))
        assert Counter(await asyncio.gather(*map(outcome_of, logins))) == {"ok": 1, "code_seen": 11}


async def test_what_one_node_wrote_is_read_on_the_others(
    managers: list[ConnectManager], nodes: list[GaleraNode], tmp_path: Path
) -> None:
    """A session that was opened on one node counts on the next at once, and is over at once when it was ended there."""
    lock = "INSERT INTO es_member_consent (member_id, terms_version, create_time) SELECT 0, '', 0 FROM seq_1_to_20000"
    for _ in range(ROUNDS):
        await asyncio.to_thread(rows, tmp_path, lock)  # the other nodes are still applying it
        login = await log_in(managers[0], "p")
        answer = managers[0].current_member.issue_tokens(login.opened)
        presented = PresentedTokens(bearer=str(answer["access_token"]))
        found = await asyncio.gather(*(manager.current_member.find_member(presented) for manager in managers[1:]))
        assert all(found)
        await managers[1].current_member.logout(login.opened.token)
        assert await managers[2].current_member.find_member(presented) is None


async def test_a_transaction_waits_once(managers: list[ConnectManager], nodes: list[GaleraNode]) -> None:
    """However many statements it has, it waits for the other nodes before its first."""
    await log_in(managers[0], "p")
    before = nodes[0].read_status("wsrep_causal_reads")
    await managers[0].database.read(lambda tx: [tx.cursor.execute("SELECT COUNT(*) FROM es_member") for _ in range(9)])
    assert nodes[0].read_status("wsrep_causal_reads") - before == 1
