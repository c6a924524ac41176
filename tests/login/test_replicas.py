"""Processes of one service that do not fit together: another key, another clock. The log says which, as a warning."""

import logging
import time
from pathlib import Path

import pytest

from connect_core.errors import ConnectError, StateExpired, StateInvalid
from connect_core.observability.refusals import REFUSALS_A_MINUTE, RefusalLog

from ..conftest import MakeManager
from ..kit.acme import KEY, VISIT, begin, come_back
from ..kit.clock import Clock

OTHER_KEY = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q"
MINUTE = 60
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
