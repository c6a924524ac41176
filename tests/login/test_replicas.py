"""Processes of one service that do not fit together: another key, another clock. The log says which, as a warning."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest

from connect_core.crypto import token_hash
from connect_core.errors import ConnectError, StateExpired, StateInvalid
from connect_core.identity import ClientType
from connect_core.login.values import (
    AccountProved,
    CallbackRepeated,
    ChoiceNeeded,
    Delivery,
    Purpose,
    PurposeKind,
    SessionOpened,
)
from connect_core.observability.refusals import REFUSALS_A_MINUTE, RefusalLog
from connect_core.sessions import LiveSession, PresentedTokens

from ..conftest import MakeManager
from ..kit.acme import KEY, VISIT, begin, come_back, hand_in, outcome_of, rows
from ..kit.clock import Clock
from ..kit.first_logins import SmsCheck

OTHER_KEY = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q"
MINUTE = 60
EXTRA = (("sms", SmsCheck()),)
pytestmark = pytest.mark.usefixtures("database_url")


async def refusal_of(make_manager: MakeManager, **options: object) -> tuple[str, str, str]:
    """Begin a login here and come back to a process with `options`; the code, and the level and text of the line."""
    begun = await begin(make_manager())
    with pytest.raises(ConnectError) as caught:
        await come_back(make_manager(**options), begun)
    return line_of(caught.value)


def line_of(error: ConnectError) -> tuple[str, str, str]:
    """The code of an error, and the level and reason of its line."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    log = logging.getLogger("connect_login")
    log.addHandler(handler)
    level = log.level
    log.setLevel(logging.INFO)
    try:
        RefusalLog().note(error, {})
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    return error.code, records[0].levelname, vars(records[0])["reason"]


async def test_a_process_with_another_key(make_manager: MakeManager) -> None:
    """Its callbacks are refused, and a warning says what to compare."""
    code, level, reason = await refusal_of(make_manager, service={"secret_keys": [OTHER_KEY]})
    assert (code, level) == ("state_invalid", "WARNING")
    assert "have all processes the same secret_keys" in reason


async def test_a_key_that_is_being_replaced(make_manager: MakeManager) -> None:
    """While all processes have both keys, either seals."""
    begun = await begin(make_manager(service={"secret_keys": [OTHER_KEY, KEY]}))
    assert await come_back(make_manager(service={"secret_keys": [KEY, OTHER_KEY]}), begun)


async def test_a_choice_is_shown_again_by_another_process(make_manager: MakeManager, clock: Clock) -> None:
    """The process that made it may be gone; of JSON clients nothing is kept."""
    processes = [make_manager(service={"first_login": "choose"}, now=clock) for _ in range(2)]
    begun = await begin(processes[0])
    made, repeated = [await come_back(process, begun) for process in processes]
    assert repeated == made
    assert isinstance(repeated, ChoiceNeeded)
    ticket = processes[1].first_login_tickets.seal(repeated.pending)
    assert isinstance(await processes[1].finish_first_login(ticket, VISIT), SessionOpened)
    assert isinstance(await come_back(processes[0], begun), CallbackRepeated)


@pytest.mark.parametrize("has_account", [False, True])
async def test_a_choice_that_was_made_is_answered_by_another_process(
    make_manager: MakeManager, tmp_path: Path, clock: Clock, *, has_account: bool
) -> None:
    """The same session, until somebody has come with it; the process that opened it may be gone."""
    processes = [make_manager(service={"first_login": "choose"}, now=clock, extra=EXTRA) for _ in range(2)]
    rows(tmp_path, "INSERT INTO es_member (uname) VALUES ('m_1')")
    asked = await come_back(processes[0], await begin(processes[0]))
    assert isinstance(asked, ChoiceNeeded)
    ticket = processes[0].first_login_tickets.seal(asked.pending)
    credentials = {"sms_code": "424242"} if has_account else None
    made, *repeats = [
        await process.finish_first_login(ticket, VISIT, credentials) for process in [*processes, *processes]
    ]
    assert isinstance(made, SessionOpened)
    assert made.opened.row.member_id == (1 if has_account else 2)
    for repeat in repeats:
        assert isinstance(repeat, CallbackRepeated)
        assert repeat.opened is not None
        assert repeat.opened.token == made.opened.token
    assert await processes[1].current_member.find_member(PresentedTokens(session=made.opened.token))
    after = await processes[0].finish_first_login(ticket, VISIT, credentials)
    assert isinstance(after, CallbackRepeated)
    assert after.opened is None


async def test_a_choice_of_a_json_client_is_told_once(make_manager: MakeManager, tmp_path: Path) -> None:
    """Nothing of it is kept in the database."""
    manager = make_manager(service={"first_login": "choose"})
    begun = await begin(manager, delivery=Delivery.JSON)
    assert isinstance(await come_back(manager, begun, delivers_json=True), ChoiceNeeded)
    assert await outcome_of(come_back(manager, begun, delivers_json=True)) == "state_invalid"
    assert [row["result"] for row in rows(tmp_path, "SELECT result FROM es_connect_used_flow")] == [None, None]


async def test_what_is_kept_of_a_choice_is_sealed(make_manager: MakeManager, tmp_path: Path) -> None:
    """It opens neither as a ticket nor with the key in its row, and goes with the flow."""
    manager = make_manager(service={"first_login": "choose"})
    begun = await begin(manager)
    await come_back(manager, begun)
    query = "SELECT hash, result FROM es_connect_used_flow WHERE result IS NOT NULL"
    [row] = rows(tmp_path, query)
    assert row["hash"] == token_hash(begun[0])
    for key in (begun[0], row["hash"]):
        with pytest.raises(StateInvalid):
            manager.first_login_tickets.open(f"{key}.{row['result']}")
    rows(tmp_path, "UPDATE es_connect_used_flow SET expiry_time = 1")
    await manager.sweep()
    assert rows(tmp_path, query) == []


async def test_a_proof_is_given_again_by_another_process(make_manager: MakeManager) -> None:
    """To the session that began it, as long as that is the visitor's."""
    processes = [make_manager() for _ in range(2)]
    await hand_in(processes[0], "second.1")
    login = await hand_in(processes[0], "first.1")
    assert isinstance(login, SessionOpened)
    row = login.opened.row
    session = LiveSession(row.member_id, ClientType(row.client_type), row.family, row.create_time)
    bearer = str(processes[0].current_member.issue_tokens(login.opened)["access_token"])
    visit = replace(VISIT, presented=PresentedTokens(bearer=bearer))
    state, sealed = await begin(processes[0], purpose=Purpose(PurposeKind.PROVE, session))
    parameters = {"code": "second.2", "state": state}
    made, repeated = [await process.login_callback("acme", "pc", parameters, sealed, visit) for process in processes]
    assert isinstance(made, AccountProved)
    assert repeated == made
    other = await processes[1].login_callback("acme", "pc", parameters, sealed, VISIT)
    assert isinstance(other, CallbackRepeated)


async def test_a_cookie_that_is_absent_or_altered(make_manager: MakeManager) -> None:
    """Told apart: nothing was sent, something was altered, or it is no cookie of ours."""
    manager = make_manager()
    state, sealed = await begin(manager)
    other_state, _ = await begin(manager)
    lines = []
    for begun in [
        (state, ""),
        (state, sealed[:-4] + "AAAA"),
        (other_state, sealed),
        (state, "junk"),
        ("short", sealed),
    ]:
        with pytest.raises(StateInvalid) as caught:
            await come_back(manager, begun)
        lines.append(line_of(caught.value)[1:])
    assert lines == [
        ("INFO", "the flow of this state is not this browser's: it sent no cookie"),
        *[("WARNING", "the flow of this state does not open: it was altered, or belongs to another key")] * 3,
        ("INFO", "the state is none of ours"),
    ]


@pytest.mark.parametrize("minutes", [20, 60, 24 * 60])
async def test_a_process_whose_clock_is_ahead(make_manager: MakeManager, minutes: int) -> None:
    """The browser would have dropped the cookie of a login that is really so old."""
    code, level, reason = await refusal_of(make_manager, now=Clock(time.time() + minutes * MINUTE))
    assert (code, level) == ("state_expired", "WARNING")
    assert "compare the clocks" in reason


async def test_a_visitor_who_is_late(make_manager: MakeManager) -> None:
    """Twelve minutes after the start is the visitor's doing, and no warning."""
    code, level, _ = await refusal_of(make_manager, now=Clock(time.time() + 12 * MINUTE))
    assert (code, level) == ("state_expired", "INFO")


async def test_an_apps_old_ticket_is_no_warning(make_manager: MakeManager) -> None:
    """An app keeps its ticket for as long as it likes."""
    manager = make_manager()
    start = await manager.get_login_url("acme", "pc", VISIT)
    assert start.flow is not None
    with pytest.raises(StateExpired) as caught:
        manager.flows.open_ticket(manager.flows.seal_ticket(start.flow), int(time.time()) + 3600)
    assert line_of(caught.value)[1] == "INFO"


@pytest.mark.parametrize(("minutes", "lines"), [(-20, 1), (-0.5, 0), (0, 0)])
async def test_a_process_whose_clock_is_behind(
    make_manager: MakeManager, caplog: pytest.LogCaptureFixture, minutes: float, lines: int
) -> None:
    """The login works, and one warning a minute says by how much the clocks differ."""
    other = make_manager(now=Clock(time.time() + minutes * MINUTE))
    for number in range(3):
        begun = await begin(make_manager())
        assert await come_back(other, begun, f"lihua.{number}")
    warnings = [record for record in caplog.records if record.message == "clocks_differ"]
    assert len(warnings) == lines
    assert all(abs(vars(record)["seconds"] - 20 * MINUTE) < 5 for record in warnings)


def test_what_an_operator_must_see_is_not_left_out(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """A flood of visitors without a cookie does not use up the lines of a cookie that does not open."""
    caplog.set_level(logging.INFO, "connect_login")
    refusals = RefusalLog()
    for _ in range(REFUSALS_A_MINUTE * 2):
        refusals.note(StateInvalid("no cookie"), {})
    refusals.note(StateInvalid("another key", needs_operator=True), {})
    assert vars(caplog.records[-1])["reason"] == "another key"
