"""When the spans of this process are recorded, and by whom: as the environment says, or the application around us.

Traces are off unless one of these is true where the service starts:

- the application that mounts the service has set a tracer provider for the process: spans go there;
- `OTEL_TRACES_EXPORTER` is set, and not to `none`;
- `OTEL_TRACES_EXPORTER` is not set, but `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is.

`OTEL_SDK_DISABLED=true` switches the last two off. They need the extra `otel`.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from connect_core import spans
from connect_core.errors import SettingsError
from connect_core.spans import Spans

FLUSH_SECONDS = 5
"""How long the end of the service waits for its last spans to be sent."""
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
log = logging.getLogger("connect_login")


def are_wanted(environment: Mapping[str, str]) -> bool:
    """Tell whether the variables of OpenTelemetry ask for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if exporter := environment.get("OTEL_TRACES_EXPORTER", "").strip():
        return exporter != "none"
    return any(environment.get(name, "").strip() for name in _ENDPOINTS)


@asynccontextmanager
async def exporting_traces() -> AsyncIterator[None]:
    """Record the spans of this process until the block ends, if they are wanted, and send the last ones then.

    Enter it in the process that serves: the exporter's thread does not survive a fork. What keeps traces from being
    exported is logged, and keeps no service from starting.
    """
    before, end = spans.current, export_traces()
    recorder = spans.current
    try:
        yield
    finally:
        if end is not None:
            if spans.current is recorder:
                spans.listen(before)
            await _end_within(end)


def export_traces() -> Callable[[], None] | None:
    """Do the same without an end, for a server that runs no lifespan.

    Returns what sends the last spans; None where no traces are wanted.
    """
    recorder, end = _start()
    if recorder is None:
        return None
    spans.listen(recorder)
    return end


def _start() -> tuple[Spans | None, Callable[[], None]]:
    is_wanted = are_wanted(os.environ)
    if not is_wanted and "opentelemetry" not in sys.modules:  # nobody in this process can have set a provider
        return None, _nothing
    try:
        from connect_core.observability import tracing  # noqa: PLC0415 - OpenTelemetry is an extra
    except ImportError as error:
        if is_wanted:
            reason = f"{error.name} is not installed; install connect-login[otel]"
            log.error("traces_not_exported", extra={"reason": reason})
        return None, _nothing
    if shared := tracing.find_global_provider():
        return tracing.Tracing(shared), _nothing
    if not is_wanted:
        return None, _nothing
    try:
        provider = tracing.make_provider(os.environ.get("OTEL_TRACES_EXPORTER", "").strip())
    except SettingsError as error:
        log.error("traces_not_exported", extra={"reason": str(error)})
        return None, _nothing
    except Exception as error:  # noqa: BLE001 - an exporter's constructor may raise anything about a variable's value
        log.error("traces_not_exported", extra={"reason": f"the exporter raised {type(error).__name__}"})
        return None, _nothing
    return tracing.Tracing(provider), provider.shutdown


def _nothing() -> None:
    pass


async def _end_within(end: Callable[[], None]) -> None:
    """Let the exporter send what it has. Its own limit is longer than a shutdown may take."""
    thread = threading.Thread(target=end, name="traces", daemon=True)
    thread.start()
    ends = asyncio.get_running_loop().time() + FLUSH_SECONDS
    while thread.is_alive() and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110 - a thread has no awaitable end
        await asyncio.sleep(0.02)
