"""The circuit of a provider: what opens it, how long it is open, who is the probe, and what closes it."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

import pytest

from connect_core import measurements
from connect_core.errors import (
    CodeInvalid,
    ConnectError,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDown,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnsigned,
    Unavailable,
)
from connect_core.http import Answer
from connect_core.measurements import Measurements
from connect_core.providers.circuits import Circuit, Circuits, is_outage

from ..kit.clock import Clock


class States(Measurements):
    """What was measured of circuits."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def set_provider_circuit(self, provider: str, state: str) -> None:
        """Keep it."""
        self.seen.append((provider, state))


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock(1000.0)


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    """A circuit that opens after three outages within a minute."""
    return Circuits("3/minute", clock).for_provider("acme")


@pytest.fixture
def states() -> Iterator[States]:
    """Listens to what is measured."""
    listener = States()
    before = measurements.listen(listener)
    yield listener
    measurements.listen(before)


def status(number: int, **headers: str) -> ProviderRefused:
    """The error for a vendor's HTTP status."""
    with pytest.raises(ProviderRefused) as caught:
        Answer(number, {name.replace("_", "-"): value for name, value in headers.items()}, b"").raise_for_outage()
    return caught.value


def start(circuit: Circuit) -> None:
    """Begin a login."""
    with circuit.starting():
        pass


def finish(circuit: Circuit, error: BaseException | None = None, times: int = 1) -> None:
    """End a login `times` times, each with `error`."""
    for _ in range(times):
        with suppress(type(error) if error else ()), circuit.finishing():
            if error is not None:
                raise error


def is_held(circuit: Circuit) -> bool:
    """Try to begin a login."""
    with suppress(ProviderDown):
        start(circuit)
        return False
    return True


@pytest.mark.parametrize("outage", [ProviderTimeout(), status(500), status(503), status(429, retry_after="7")])
def test_it_opens_after_the_third_outage_in_a_row(circuit: Circuit, outage: ConnectError) -> None:
    """Two are not enough; the third one holds the next login back for the first pause."""
    finish(circuit, outage, 2)
    assert not is_held(circuit)
    finish(circuit, outage)
    assert is_held(circuit)
    assert circuit.seconds_held == 15


@pytest.mark.parametrize("trouble", ["dns", "connect"])
def test_a_vendor_that_cannot_be_reached_is_down(circuit: Circuit, trouble: str) -> None:
    """Nobody answers at its address."""
    error = ProviderRefused()
    error.trouble = trouble
    finish(circuit, error, 3)
    assert is_held(circuit)


@pytest.mark.parametrize(
    "error",
    [
        *(CodeInvalid(), ProviderConfig(), ProviderUnsigned(), ProviderRefused(), ProviderBadResponse(), Unavailable()),
        *(status(429), asyncio.CancelledError(), ValueError()),
    ],
    ids=repr,
)
def test_what_is_no_outage_never_opens_it(circuit: Circuit, error: BaseException) -> None:
    """Whoever posts made-up codes holds nobody back, nor does a wrong key, a plugin's mistake or our own database."""
    assert not is_outage(error)
    finish(circuit, error, 100)
    assert not is_held(circuit)


def test_a_login_that_works_forgets_the_outages_before_it(circuit: Circuit) -> None:
    """Only outages in a row count."""
    for _ in range(5):
        finish(circuit, ProviderTimeout(), 2)
        finish(circuit)
    assert not is_held(circuit)


def test_a_start_that_works_forgets_nothing(circuit: Circuit) -> None:
    """Most login URLs are made without the vendor."""
    for _ in range(3):
        start(circuit)
        finish(circuit, ProviderTimeout())
    assert is_held(circuit)


def test_outages_far_apart_do_not_add_up(circuit: Circuit, clock: Clock) -> None:
    """The third one within a minute opens it, not the third one of the day."""
    for _ in range(10):
        finish(circuit, ProviderTimeout())
        clock.advance(31)
    assert not is_held(circuit)


def test_each_failed_probe_doubles_the_pause_up_to_two_minutes(circuit: Circuit, clock: Clock) -> None:
    """And a login that works brings back the first pause."""
    finish(circuit, ProviderTimeout(), 3)
    pauses = []
    for _ in range(5):
        pauses.append(circuit.seconds_held)
        clock.advance(circuit.seconds_held)
        start(circuit)
        finish(circuit, ProviderTimeout())
    assert pauses == [15, 30, 60, 120, 120]
    finish(circuit)
    finish(circuit, ProviderTimeout(), 3)
    assert circuit.seconds_held == 15


def test_a_vendor_says_itself_when_to_come_again(circuit: Circuit, clock: Clock) -> None:
    """Its `Retry-After` is respected where it is longer than the pause, for ten minutes at most."""
    finish(circuit, status(429, retry_after="90"), 3)
    assert circuit.seconds_held == 90
    clock.advance(89)
    assert is_held(circuit)
    clock.advance(1)
    start(circuit)
    finish(circuit, status(503, retry_after="3600"))
    assert circuit.seconds_held == 600


def test_a_probe_lets_nobody_else_through(circuit: Circuit, clock: Clock) -> None:
    """Until it has shown that the vendor is up."""
    finish(circuit, ProviderTimeout(), 3)
    clock.advance(15)
    assert [is_held(circuit) for _ in range(20)] == [False] + [True] * 19
    assert circuit.seconds_held == 30
    finish(circuit)
    assert not any(is_held(circuit) for _ in range(20))


def test_a_probe_that_never_comes_back_holds_nobody_for_long(circuit: Circuit, clock: Clock) -> None:
    """Somebody could begin a login again and again to keep the others out: after half a minute everybody may begin.

    A single outage then opens the circuit again.
    """
    finish(circuit, ProviderTimeout(), 3)
    clock.advance(15)
    start(circuit)
    clock.advance(30)
    assert not any(is_held(circuit) for _ in range(20))
    finish(circuit, ProviderTimeout())
    assert circuit.seconds_held == 30


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ProviderConfig(), SystemExit()], ids=repr)
def test_a_probe_that_says_nothing_makes_room_for_the_next(
    circuit: Circuit, clock: Clock, error: BaseException
) -> None:
    """A start that was cancelled, or failed for another reason, does not keep the others waiting."""
    finish(circuit, ProviderTimeout(), 3)
    clock.advance(15)
    with pytest.raises(type(error)), circuit.starting():
        raise error
    assert [is_held(circuit) for _ in range(2)] == [False, True]


def test_a_start_that_finds_the_vendor_down_is_a_failed_probe(circuit: Circuit, clock: Clock) -> None:
    """A vendor may be asked for the login URL already."""
    finish(circuit, ProviderTimeout(), 3)
    clock.advance(15)
    with pytest.raises(ProviderTimeout), circuit.starting():
        raise ProviderTimeout
    assert circuit.seconds_held == 30


def test_a_wrong_code_does_not_decide_the_probe(circuit: Circuit, clock: Clock) -> None:
    """Anybody can post one."""
    finish(circuit, ProviderTimeout(), 3)
    clock.advance(15)
    start(circuit)
    finish(circuit, CodeInvalid())
    assert is_held(circuit)


def test_calls_from_before_a_change_do_not_count_after_it(circuit: Circuit, clock: Clock, states: States) -> None:
    """Logins that hang together fail together: the last of them say nothing about the probe, which began later."""
    with suppress(ProviderTimeout), circuit.finishing():
        finish(circuit, ProviderTimeout(), 3)
        clock.advance(15)
        start(circuit)
        raise ProviderTimeout
    assert [state for _, state in states.seen] == ["open", "half_open"]


def test_the_error_says_when_to_come_again(circuit: Circuit, clock: Clock) -> None:
    """In whole seconds, rounded up."""
    finish(circuit, ProviderTimeout(), 3)
    clock.advance(2.5)
    with pytest.raises(ProviderDown) as caught:
        start(circuit)
    assert caught.value.retry_after == circuit.seconds_held == 13


def test_a_login_that_was_under_way_closes_it(circuit: Circuit) -> None:
    """Whoever comes back from the vendor is not held back, and shows that it is up again."""
    finish(circuit, ProviderTimeout(), 3)
    finish(circuit, ProviderTimeout())
    assert circuit.seconds_held == 15
    finish(circuit)
    assert not is_held(circuit)


def test_changes_are_counted_and_logged(
    circuit: Circuit, clock: Clock, states: States, caplog: pytest.LogCaptureFixture
) -> None:
    """Each change once: a warning when it opens, information else."""
    caplog.set_level(logging.INFO, "connect_login")
    finish(circuit, ProviderTimeout(), 3)
    clock.advance(15)
    start(circuit)
    finish(circuit)
    assert states.seen == [("acme", "open"), ("acme", "half_open"), ("acme", "closed")]
    lines = [(record.levelname, record.message, vars(record)["state"]) for record in caplog.records]
    assert lines == [
        ("WARNING", "provider_circuit", "open"),
        ("INFO", "provider_circuit", "half_open"),
        ("INFO", "provider_circuit", "closed"),
    ]
    assert {vars(record)["provider"] for record in caplog.records} == {"acme"}


def test_outages_without_a_change_are_not_logged(
    circuit: Circuit, states: States, caplog: pytest.LogCaptureFixture
) -> None:
    """Two outages, then a login that works: nothing has changed."""
    caplog.set_level(logging.INFO, "connect_login")
    finish(circuit, ProviderTimeout(), 2)
    finish(circuit)
    assert (states.seen, caplog.records) == ([], [])


def test_providers_have_circuits_of_their_own(clock: Clock) -> None:
    """One vendor's outage holds nobody else's logins back; the same name has the same circuit."""
    circuits = Circuits("3/minute", clock)
    finish(circuits.for_provider("acme"), ProviderTimeout(), 3)
    assert is_held(circuits.for_provider("acme"))
    assert not is_held(circuits.for_provider("summit"))


def test_off_is_off(clock: Clock) -> None:
    """With `off` nothing is ever held back."""
    circuit = Circuits("off", clock).for_provider("acme")
    finish(circuit, ProviderTimeout(), 1000)
    assert not is_held(circuit)


def test_another_rule_holds_in_the_circuits_that_there_are(clock: Clock) -> None:
    """A changed `vendor_outages`: `off` lets everybody through at once, and a new number counts from now on."""
    circuits = Circuits("3/minute", clock)
    circuit = circuits.for_provider("acme")
    finish(circuit, ProviderTimeout(), 3)
    assert is_held(circuit)
    circuits.set_rule("off")
    assert not is_held(circuit)
    circuits.set_rule("2/minute")
    finish(circuit, ProviderTimeout(), 2)
    assert is_held(circuit)
