"""Awaits a plugin's code under a deadline that holds even when the code ignores its cancellation.

`asyncio.timeout` ends when the cancelled code has ended, so a plugin that catches `CancelledError`, or awaits in a
`finally`, decides how long a visitor waits. Here the code runs in a task of its own, which is left behind when it does
not end. Knows which calls are under way; never knows what they do.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from connect_core.errors import Unavailable

GRACE_SECONDS = 0.2
"""How long code may go on after its cancellation, for its `finally` blocks."""
ABANDONED_LIMIT = 100
"""Calls of one provider that may still run after they were abandoned; with more, new calls are refused."""
RETRY_AFTER_SECONDS = 5
log = logging.getLogger("connect_login")
T = TypeVar("T")
_under_way: dict[asyncio.Task[Any], str] = {}
_abandoned: dict[asyncio.Task[Any], str] = {}  # by task; also keeps a reference, or a task could vanish half done


@dataclass(frozen=True, slots=True)
class Failure:
    """What the awaited code raised, or a `TimeoutError` when it did not end in time."""

    error: BaseException


async def run_within(ask: Callable[[], Awaitable[T]], seconds: float, provider: str) -> T | Failure:
    """Return what `ask()` returns or raises, awaited in a task of its own for `seconds` at most.

    At the deadline, or when the caller is cancelled, the task is cancelled once. It then has `GRACE_SECONDS`: a result
    or an error from that time counts. A task that is still running afterwards is abandoned. The caller goes on, the log
    gets `plugin_ignores_cancellation`, and what the task returns or raises later is dropped, since nobody waits for it
    and its text may hold a secret. The task sees a copy of the caller's context variables.

    `provider` is the name that the log shows. While more than `ABANDONED_LIMIT` abandoned calls of one provider run,
    further ones are not begun, so that a plugin that hangs while its vendor is down does not fill the memory.

    Raises `Unavailable` for such a call, and `CancelledError` only when the caller was cancelled. Everything that the
    code raises is returned as a `Failure`, even `SystemExit`, which would stop the event loop out of a task.
    """
    if _count_abandoned(provider) > ABANDONED_LIMIT:
        raise Unavailable("too many abandoned calls of this plugin still run", retry_after=RETRY_AFTER_SECONDS)
    task = asyncio.create_task(_catch(ask))
    _under_way[task] = provider
    was_cancelled = False
    try:
        try:
            await asyncio.wait([task], timeout=seconds)
        finally:
            if was_cancelled := not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=GRACE_SECONDS)
    finally:
        del _under_way[task]
        if not task.done():
            _abandon(task, provider, seconds)
    if not task.done() or task.cancelled():
        return Failure(TimeoutError())
    outcome = task.result()
    if was_cancelled and isinstance(outcome, Failure) and isinstance(outcome.error, asyncio.CancelledError):
        return Failure(TimeoutError())
    return outcome


def get_providers_under_way() -> list[str]:
    """Return the providers whose code the running event loop is waiting for, in alphabetical order."""
    loop = asyncio.get_running_loop()
    return sorted({provider for task, provider in list(_under_way.items()) if task.get_loop() is loop})


def release(task: asyncio.Task[Any]) -> None:
    """Take `task` off the list of those that `asyncio.run` waits for, and that asyncio reports when the loop ends."""
    asyncio._unregister_task(task)  # documented: https://docs.python.org/3/library/asyncio-extending.html
    task._log_destroy_pending = False  # type: ignore[attr-defined]


async def _catch(ask: Callable[[], Awaitable[T]]) -> T | Failure:
    try:
        return await ask()
    except BaseException as error:  # the caller decides; a SystemExit would stop the event loop
        task = asyncio.current_task()
        if isinstance(error, KeyboardInterrupt) and task in _abandoned:
            raise  # Ctrl-C, and no caller is left to pass it on
        return Failure(error)


def _abandon(task: asyncio.Task[Any], provider: str, seconds: float) -> None:
    _abandoned[task] = provider
    task.add_done_callback(_forget)
    release(task)
    log.warning("plugin_ignores_cancellation", extra={"provider": provider, "seconds": round(seconds, 3)})


def _forget(task: asyncio.Task[Any]) -> None:
    del _abandoned[task]
    if not task.cancelled():
        task.exception()  # retrieved, or asyncio logs it


def _count_abandoned(provider: str) -> int:
    if not _abandoned:
        return 0
    loop = asyncio.get_running_loop()
    return sum(1 for task, name in list(_abandoned.items()) if name == provider and task.get_loop() is loop)
