"""Holds logins back while their vendor is down: a circuit breaker for each provider, in each process.

A circuit is closed while logins work, and opens after several outages in a row. After a pause it is half-open: a single
login goes through as the probe, and decides whether the circuit closes, or is open again for twice as long. Only the
start of a login is held back. Whoever comes back from the vendor has a code in hand, and that login is tried.

The only module that imports interlock. Knows nothing of plugins, and never calls a vendor.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context

from interlock import CircuitBreaker, CircuitOpenError, Config, CoreEventListener, State, WindowType
from limits import parse

from connect_core import measurements
from connect_core.errors import ConnectError, ProviderDown, ProviderFault, ProviderTimeout

FIRST_PAUSE, LONGEST_PAUSE = 15.0, 120.0
"""Seconds that a circuit is open; each probe that fails doubles them, up to the longest."""
LONGEST_RETRY_AFTER = 600.0
"""Seconds that a vendor's own `Retry-After` is respected."""
PROBE_SECONDS = 30.0
"""How long the others wait for the probe. Its person may never come back, or only want to keep the others waiting.
Afterwards everybody may begin, and the next login that ends decides."""
OUTAGES = frozenset({"connect", "dns", "outage", "timeout"})
"""Troubles of a `ProviderFault` that say that the vendor is down; see there."""
log = logging.getLogger("connect_login")


class _Outage(Exception):
    pass


def is_outage(error: BaseException) -> bool:
    """Tell whether an error says that the vendor is down.

    A vendor that refuses a code, a person or our registration is up, and so is one whose answer cannot be used.
    """
    return isinstance(error, ProviderTimeout) or (isinstance(error, ProviderFault) and error.trouble in OUTAGES)


class Circuit(CoreEventListener):
    """The circuit of one provider. While everything works it costs two comparisons for each login."""

    def __init__(self, name: str, rule: str, monotonic: Callable[[], float]) -> None:
        """`rule` is how many outages in a row open it, and within which period, such as `5/minute`; `off` for never."""
        self._name = name
        self._rule = None if rule == "off" else parse(rule)
        self.monotonic = monotonic  # what interlock calls a `Clock`
        self._breaker: CircuitBreaker | None = None  # there is one from the first outage to the next login that works
        self._probe: Context | None = None
        self._held_until = 0.0
        self._era = 0

    def set_rule(self, rule: str) -> None:
        """Go by another rule from now on; with `off` no login is held back any more."""
        self._rule = None if rule == "off" else parse(rule)
        if self._rule is None and self._breaker is not None:
            self._close()

    @property
    def seconds_held(self) -> int:
        """In how many seconds a login may begin; 0 for now."""
        return max(0, math.ceil(self._held_until - self.monotonic())) if self._held_until else 0

    def check(self) -> None:
        """Raise `ProviderDown` while no login may begin."""
        if seconds := self.seconds_held:
            raise ProviderDown("the last logins found the vendor down", retry_after=seconds)

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Watch the start of a login, which becomes the probe where one is due. Raises `ProviderDown`."""
        self.check()
        if not self._held_until or self._probe is not None:
            with self._watching():
                yield
            return
        probe = self._begin_probe()
        try:
            with self._watching():
                yield
        except BaseException:
            self._give_up(probe)
            raise

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Watch the call that proves who the person is. It is never held back, and closes the circuit when it works."""
        with self._watching():
            yield
        if self._breaker is not None:
            self._close()

    def on_state_change(self, *, name: str, old: State, new: State) -> None:
        """Count and log a change of state."""
        self._era += 1
        measurements.current.set_provider_circuit(self._name, str(new))
        level = logging.WARNING if new is State.OPEN else logging.INFO
        log.log(level, "provider_circuit", extra={"provider": self._name, "state": str(new)})

    @contextmanager
    def _watching(self) -> Iterator[None]:
        era = self._era
        try:
            yield
        except ConnectError as error:
            # a call that began before the last change says nothing about the state since
            if self._rule is not None and era == self._era and is_outage(error):
                self._note_outage(error.retry_after or 0)
            raise

    def _note_outage(self, retry_after: float) -> None:
        breaker = self._breaker = self._breaker or self._make_breaker()
        block, self._probe = self._probe or _enter(breaker), None
        if block is not None:
            _leave(breaker, block, _Outage())
        if breaker.state is State.OPEN:
            pause = max(_get_pause(breaker), min(retry_after, LONGEST_RETRY_AFTER))
            self._held_until = self.monotonic() + pause

    def _make_breaker(self) -> CircuitBreaker:
        """Return a breaker that is told outages alone: its window has those since the last login that worked."""
        assert self._rule is not None
        config = Config(
            failure_rate_threshold=1.0,
            minimum_number_of_calls=self._rule.amount,
            window_type=WindowType.TIME_BASED,
            window_size=self._rule.get_expiry(),
            slow_call_duration_threshold=math.inf,
            permitted_calls_in_half_open=1,
            wait_duration_in_open=FIRST_PAUSE,
            wait_duration_backoff_multiplier=2.0,
            wait_duration_in_open_max=LONGEST_PAUSE,
        )
        return CircuitBreaker(name=self._name, config=config, clock=self, listener=self)

    def _begin_probe(self) -> Context | None:
        assert self._breaker is not None
        self._probe = _enter(self._breaker)
        self._held_until = self.monotonic() + PROBE_SECONDS
        return self._probe

    def _give_up(self, probe: Context | None) -> None:
        """Make room for the next login where the probe failed and said nothing about the vendor."""
        if self._breaker is not None and probe is not None and self._probe is probe:
            _leave(self._breaker, probe, GeneratorExit())
            self._probe, self._held_until = None, self.monotonic()

    def _close(self) -> None:
        assert self._breaker is not None
        self._breaker.reset()
        self._breaker, self._probe, self._held_until = None, None, 0.0


class Circuits:
    """The circuits of a process, by provider."""

    def __init__(self, rule: str = "off", monotonic: Callable[[], float] = time.monotonic) -> None:
        """`rule` as for a `Circuit`; `monotonic` answers seconds on a clock that never goes back."""
        self._rule, self._monotonic = rule, monotonic
        self._circuits: dict[str, Circuit] = {}

    def set_rule(self, rule: str) -> None:
        """Go by another rule from now on, in the circuits that there are too."""
        self._rule = rule
        for circuit in list(self._circuits.values()):
            circuit.set_rule(rule)

    def for_provider(self, name: str) -> Circuit:
        """Return the circuit of the provider `name`; always the same one."""
        return self._circuits.setdefault(name, Circuit(name, self._rule, self._monotonic))


def _enter(breaker: CircuitBreaker) -> Context | None:
    """Enter the breaker, for another request to leave it: interlock notes that in a context. None while it is open."""
    block = Context()
    try:
        block.run(breaker.__enter__)
    except CircuitOpenError:
        return None
    return block


def _leave(breaker: CircuitBreaker, block: Context, error: BaseException) -> None:
    """Leave the breaker: with an exception it counts an outage, with another `BaseException` nothing.

    `error` was never raised. The breaker keeps it, and a traceback would keep what the login held, such as its code.
    """
    block.run(breaker.__exit__, type(error), error, None)


def _get_pause(breaker: CircuitBreaker) -> float:
    """Return how long the breaker will be open, which it says only when it rejects a call."""
    try:
        breaker.call_sync(lambda: None)
    except CircuitOpenError as error:
        return error.retry_after or 0.0
    return 0.0
