"""What can go wrong with a vendor, on order: the fault script, and the faults that need no vendor to play them."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache

from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

TRANSPORT_FAULTS = frozenset(
    {
        *("bomb", "charset", "delay", "drip", "drop", "echo", "empty", "garbage", "gzip", "html", "huge", "redirect"),
        *("repeat", "replace", "status", "truncate"),
    }
)
"""The faults that every sandbox can play; see `Fault`."""
MISFIRED = "this fault found nothing to spoil"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong.

    `kind` is one of `TRANSPORT_FAULTS`, which the kit plays itself, or a word of the vendor's sandbox (`unsigned`,
    `wrong_sign`, `swapped_id`, `missing_id`, `error` …). `value`: seconds for `delay` and `drip` (between bytes), the
    number for `status`, the location for `redirect`, the body for `garbage`, the codec for `charset`, a JSON array of
    a text of the answer and the JSON that takes its place for `replace`, the vendor's own error code for `error`.
    """

    kind: str
    value: str = ""


class FaultScript:
    """Faults waiting for their request: each is used a stated number of times, in the order they were asked for."""

    def __init__(self, own: Collection[str] = ()) -> None:
        """`own` are the words of the vendor's sandbox."""
        self._known = TRANSPORT_FAULTS | set(own)
        self._waiting: list[tuple[str, Fault, int]] = []
        self.misfired: list[Fault] = []

    def add(self, kind: str, value: object = "", *, on: str = "*", times: int = 1) -> None:
        """Let the next `times` requests for operation `on` (`*`: any) meet this fault.

        Raises `ValueError` for a fault that this sandbox does not know, and for no request at all.
        """
        if kind not in self._known:
            raise ValueError(f"this sandbox knows no fault {kind}; it knows {', '.join(sorted(self._known))}")
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
        """Forget what was asked for and not used, and what misfired."""
        self._waiting.clear()
        self.misfired.clear()

    @property
    def unused(self) -> int:
        """How many faults nobody met yet."""
        return len(self._waiting)


async def play(fault: Fault, reply: Callable[[], Response], given: Mapping[str, str]) -> Response:
    """Answer as `reply` does, spoiled on the way as one of `TRANSPORT_FAULTS` says; `given` is what was sent.

    Raises `LookupError` where the answer has nothing that this fault could spoil.
    """
    match fault.kind:
        case "delay":
            await asyncio.sleep(float(fault.value))
            return reply()
        case "drip":
            return StreamingResponse(_drip(bytes(reply().body), float(fault.value)), media_type="application/json")
        case "drop":
            return _Dropped(bytes(reply().body), media_type="application/json")
        case "huge":
            return StreamingResponse(_endless(), media_type="application/json")
        case "status":
            return Response("<h1>Service unavailable</h1>", int(fault.value), {"retry-after": "7"}, "text/html")
        case "html":
            return HTMLResponse("<!doctype html><title>系统繁忙</title><h1>系统繁忙，请稍后再试</h1>")
        case "redirect":
            return Response(status_code=302, headers={"location": fault.value or "http://127.0.0.1:1/"})
        case "gzip" | "bomb":
            body = gzip.compress(bytes(reply().body)) if fault.kind == "gzip" else _bomb()
            return Response(body, headers={"content-encoding": "gzip"}, media_type="application/json")
        case _:
            return Response(_spoil(fault, lambda: bytes(reply().body), given), media_type="application/json")


def _spoil(fault: Fault, body: Callable[[], bytes], given: Mapping[str, str]) -> bytes:
    match fault.kind:
        case "charset":
            return body().decode("utf-8", "replace").encode(fault.value, "replace")
        case "echo":
            return json.dumps(dict.fromkeys(_SAID, " ".join(given.values())) | {"error": "echo", "errcode": 1}).encode()
        case "empty":
            return b""
        case "repeat":
            return _repeated(body())
        case "replace":
            return _replaced(body(), *json.loads(fault.value))
        case "truncate":
            return body()[: len(body()) // 2]
        case _:
            return fault.value.encode("utf-8", "surrogatepass")


_SAID = ("error_description", "errmsg", "msg", "message", "sub_msg")
"""Where vendors say what they did not like."""


def _repeated(body: bytes) -> bytes:
    """Name every member of a JSON object twice."""
    if not (body.startswith(b"{") and body.endswith(b"}")) or len(body) == 2:
        raise LookupError(MISFIRED)
    return b"{" + body[1:-1] + b"," + body[1:-1] + b"}"


def _replaced(body: bytes, old: str, new: str) -> bytes:
    """Put `new`, which is JSON, wherever the text or number `old` stands in a JSON answer."""
    spellings = (json.dumps(old, ensure_ascii=False).encode(), json.dumps(old).encode(), old.encode())
    found = next((spelling for spelling in spellings if spelling in body), None)
    if found is None or b"{" not in body:
        raise LookupError(MISFIRED)
    return body.replace(found, new.encode("utf-8", "surrogatepass"))


class _Dropped(Response):
    """Says how long it is, sends half of it and hangs up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})


async def _drip(body: bytes, pause: float) -> AsyncIterator[bytes]:
    for place in range(len(body)):
        yield body[place : place + 1]
        await asyncio.sleep(pause)


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"padding":"'
    for _ in range(1600):
        yield b"x" * 65536


@cache
def _bomb() -> bytes:
    """170 KB, less than is read of an answer, that unpack to 40 MB."""
    return gzip.compress(bytes(40_000_000), 1)
