"""What can go wrong with a vendor, on order: the fault script, and the faults that need no vendor to play them."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response, StreamingResponse

TRANSPORT_FAULTS = frozenset(
    {"delay", "drip", "truncate", "status", "html", "huge", "gzip", "redirect", "empty", "garbage"}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong.

    `kind` is one of `TRANSPORT_FAULTS`, which the kit plays itself, or a word of the vendor's sandbox (`unsigned`,
    `wrong_sign`, `swapped_id`, `missing_id`, `error` …). `value`: seconds for `delay` and `drip` (between bytes), the
    number for `status`, the location for `redirect`, the body for `garbage`, the vendor's own error code for `error`.
    """

    kind: str
    value: str = ""


class FaultScript:
    """Faults waiting for their request: each is used a stated number of times, in the order they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Fault, int]] = []

    def add(self, kind: str, value: object = "", *, on: str = "*", times: int = 1) -> None:
        """Let the next `times` requests for operation `on` (`*`: any) meet this fault. Raises `ValueError` for none."""
        if times < 1:
            raise ValueError("times is at least 1")
        self._waiting.append((on, Fault(kind, str(value)), times))

    def take(self, operation: str) -> Fault | None:
        """Return the fault that this request meets, or None."""
        for place, (on, fault, times) in enumerate(self._waiting):
            if on in ("*", operation):
                self._waiting[place : place + 1] = [(on, fault, times - 1)] if times > 1 else []
                return fault
        return None

    def clear(self) -> None:
        """Forget what was asked for and not used."""
        self._waiting.clear()

    @property
    def unused(self) -> int:
        """How many faults nobody met yet."""
        return len(self._waiting)


async def play(fault: Fault, reply: Callable[[], Response]) -> Response:
    """Answer as `reply` does, spoiled on the way as one of `TRANSPORT_FAULTS` says."""
    match fault.kind:
        case "delay":
            await asyncio.sleep(float(fault.value))
            return reply()
        case "drip":
            return StreamingResponse(_drip(bytes(reply().body), float(fault.value)), media_type="application/json")
        case "truncate":
            body = bytes(reply().body)
            return Response(body[: len(body) // 2], media_type="application/json")
        case "status":
            return Response("<h1>Service unavailable</h1>", int(fault.value), {"retry-after": "7"}, "text/html")
        case "html":
            return HTMLResponse("<!doctype html><title>系统繁忙</title><h1>系统繁忙，请稍后再试</h1>")
        case "huge":
            return StreamingResponse(_endless(), media_type="application/json")
        case "gzip":
            body = gzip.compress(bytes(reply().body))
            return Response(body, headers={"content-encoding": "gzip"}, media_type="application/json")
        case "redirect":
            return Response(status_code=302, headers={"location": fault.value or "http://127.0.0.1:1/"})
        case "empty":
            return Response(b"", media_type="application/json")
        case _:
            return Response(fault.value.encode("utf-8", "surrogatepass"), media_type="application/json")


async def _drip(body: bytes, pause: float) -> AsyncIterator[bytes]:
    for place in range(len(body)):
        yield body[place : place + 1]
        await asyncio.sleep(pause)


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"padding":"'
    for _ in range(1600):
        yield b"x" * 65536
