"""How a method of a provider is called: under a deadline, measured, and with whatever it raises made a `ConnectError`.

Does not look at results; `calls` does.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

from connect_core import measurements, spans
from connect_core.deadlines import Failure, run_within
from connect_core.errors import (
    ConnectError,
    PluginFailed,
    ProviderConfig,
    ProviderFault,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnsigned,
    RequestRefused,
)
from connect_core.http import Http
from connect_core.providers.provider import Provider
from connect_core.providers.redaction import Given, redact

T = TypeVar("T")


async def guarded(
    operation: str,
    ask: Callable[[], Awaitable[T]],
    seconds: float,
    provider: Provider,
    *given: Given,
) -> T:
    """Await `ask`, for `seconds` at most; `given` is what the plugin was handed, and must not repeat in an error.

    `operation` is the name of the provider's method, for the measurements.
    """
    name, began_at = _get_name(provider), time.monotonic()
    with spans.current.start(f"provider.{operation}") as span:
        if span.is_recording:
            span.describe({"connect.provider": name, "connect.operation": operation})
        outcome = await run_within(ask, seconds, name)
        error = _find_error(outcome.error, provider, given) if isinstance(outcome, Failure) else None
        result = "ok" if error is None else _describe(error)
        if error is not None:
            span.fail(result)
    measurements.current.observe_provider_call(name, operation, result, time.monotonic() - began_at)
    if error is not None:  # raised outside of any handler: the plugin's exception, whose text may hold a secret, is not
        raise error  # chained to it
    return cast("T", outcome)


def _find_error(error: BaseException, provider: Provider, given: Sequence[Given]) -> BaseException:
    """Return what to raise for what a plugin raised."""
    match error:
        case ConnectError():
            redact(error, provider, *given)
            return error
        case KeyboardInterrupt():
            return error
        case TimeoutError():
            fault = ProviderTimeout("the provider did not finish in time")
            fault.trouble = "timeout"
            return fault
        case _:  # not even a SystemExit out of a plugin may stop the service, nor a CancelledError its request
            return blame(error)


def _describe(error: BaseException) -> str:
    """Return the outcome of a call that failed, in a word of `Measurements.observe_provider_call`."""
    match error:
        case ProviderFault(trouble=str(trouble)) if trouble:
            return trouble
        case ProviderUnsigned():
            return "unsigned"
        case ProviderTimeout():
            return "timeout"
        case ProviderConfig() | ProviderRefused() | RequestRefused():
            return "refused"
    return "bad"


def _get_name(provider: Provider) -> str:
    http = getattr(provider, "http", None)  # a plugin's constructor may have left it out
    return http.name if isinstance(http, Http) else f"{type(provider).__module__}.{type(provider).__qualname__}"


def blame(error: BaseException) -> PluginFailed:
    """Return the error for an exception of a plugin: its type and where it was raised, never its text."""
    return PluginFailed(f"the plugin raised {type(error).__name__}{_place(error)}")


def _place(error: BaseException) -> str:
    """Return the function and line that raised, without the exception's text, which may hold a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
