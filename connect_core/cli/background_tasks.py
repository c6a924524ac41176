"""What `serve` does about tasks that plugins start: reports those that fail, and does not wait for them at the end.

Only for a process that is the service's alone: in an application that mounts the service, tasks are its host's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from connect_core.deadlines import GRACE_SECONDS, release

log = logging.getLogger("connect_login")


def supervise_tasks(app: Starlette) -> Starlette:
    """Return `app`, whose lifespan now takes care of tasks that others start on its event loop.

    A task that fails while nobody waits for it is logged as `background_task_failed`. asyncio's own line would show the
    exception's text, which may hold a secret. When the service stops, tasks that still run are cancelled, and those
    that ignore it are left behind: `asyncio.run` would wait until they end.
    """
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def supervised(app: Starlette) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_failure)
        of_server = asyncio.all_tasks()
        async with lifespan(app) as state:
            yield state
        await _end(asyncio.all_tasks() - of_server)
        loop.set_exception_handler(_ignore)  # what is collected when the process ends can no longer be logged

    app.router.lifespan_context = supervised
    return app


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        _, stubborn = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        for task in stubborn:
            release(task)


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    pass


def _log_failure(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error: BaseException | None = context.get("exception")
    if error is None:  # without an exception the message is one of asyncio's own, without values
        log.error("background_task_failed", extra={"error": context["message"], "place": ""})
        return
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f"{last.tb_frame.f_code.co_qualname}:{last.tb_lineno}" if last else ""
    log.error("background_task_failed", extra={"error": type(error).__name__, "place": place})
