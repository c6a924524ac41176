"""Events: written with the login that made them happen, told to plugins once it is committed, and the log of refusals.

A plugin that fails to take a notice harms nobody. No id, code, token or state stands in an event or a log line.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from connect_core.errors import ConnectError, NotLoggedIn, ProviderFault, RequestRefused
from connect_core.hookspecs import HookCaller, HookRelay, LoginEvent, RefusedEvent
from connect_core.store import Transaction, events

log = logging.getLogger("connect_login")

DRAIN_SECONDS = 5
_LOGGED = {"logged_in": logging.INFO, "identity_conflict": logging.WARNING, "handover_conflict": logging.WARNING}
REGISTERED, LOGGED_IN, BOUND, UNBOUND = "registered", "logged_in", "bound", "unbound"
CONFLICT = "identity_conflict"
HANDED_OVER, HANDOVER_CONFLICT = "handed_over", "handover_conflict"


def write(transaction: Transaction, happened: Sequence[LoginEvent], connect_id: int, subject_hash: str) -> None:
    """Write events beside what they tell of; `subject_hash` is keyed: it can be compared and not guessed."""
    if not happened:
        return
    rows = [
        {
            "kind": event.kind,
            "member_id": event.member_id,
            "connect_id": connect_id,
            "provider": event.provider,
            "client_type": event.client_type,
            "union_type": event.union_type,
            "subject_hash": subject_hash,
            "request_id": event.request_id,
            "create_time": event.time,
        }
        for event in happened
    ]
    events.insert_events(transaction, rows)


class Notices:
    """Tells plugins what was committed or refused, off the event loop and never in the way of the answer."""

    def __init__(self, hooks: HookRelay) -> None:
        self._hooks = hooks
        self._running: set[asyncio.Future[None]] = set()

    def tell(self, event: LoginEvent | RefusedEvent) -> None:
        """Call `connect_<kind>` of every plugin that has it. A login is one line in the log, a conflict one more."""
        kind = "login_refused" if isinstance(event, RefusedEvent) else event.kind
        if isinstance(event, LoginEvent) and kind in _LOGGED:
            log.log(_LOGGED[kind], kind, extra=_told(event))
        caller = getattr(self._hooks, f"connect_{kind}", None)
        if caller is None or not caller.get_hookimpls():
            return
        running = asyncio.get_running_loop().run_in_executor(None, _call, caller, event)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Wait a moment for the notices that are still being told."""
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_SECONDS)


def _call(caller: HookCaller, event: LoginEvent | RefusedEvent) -> None:
    for plugin in reversed(caller.get_hookimpls()):  # one by one: pluggy stops at the first that raises
        try:
            plugin.function(*(event for _ in plugin.argnames))
        except BaseException as error:  # noqa: BLE001 - a stranger's hook may raise anything, and its text hold anything
            told = {"hook": caller.name, "plugin": plugin.plugin_name, "error": type(error).__name__}
            log.error("notice_failed", extra=told)


def _told(event: LoginEvent) -> dict[str, object]:
    names = ("member_id", "is_new_member", "provider", "client_type", "union_type", "request_id")
    return {name: getattr(event, name) for name in names}


def log_refusal(error: ConnectError, context: Mapping[str, object]) -> None:
    """Log a refusal: a warning where the operator must act, else information."""
    is_operators = isinstance(error, ProviderFault) or not isinstance(error, RequestRefused)
    level = logging.WARNING if is_operators else logging.DEBUG if isinstance(error, NotLoggedIn) else logging.INFO
    vendor = {f"vendor_{key}": value for key, value in error.vendor.items()}
    log.log(level, "login_refused", extra={"code": error.code, "reason": str(error), **context, **vendor})
