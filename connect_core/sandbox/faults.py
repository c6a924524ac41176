"""`FaultScript`: which answers of a sandbox go wrong, and how; and the faults that are the same for every vendor.

Owns the waiting faults and those of the transport. What a vendor's own faults do is in its sandbox.
"""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, urlencode

from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from connect_core.sandbox.pages import get_error_page

TRANSPORT_FAULTS = frozenset(
    {
        *("bomb", "charset", "delay", "drip", "drop", "echo", "empty", "garbage", "gzip", "html", "huge", "redirect"),
        *("repeat", "replace", "status", "truncate"),
    }
)
"""The faults that every sandbox can play; see `Fault`."""
MISFIRED = "this fault found nothing to spoil"
"""The body of the HTTP 500 for an answer that a fault could not change."""


class FaultMisfired(LookupError):
    """The answer has nothing that the fault could change. A sandbox may raise it for one of its `own_faults`."""

    def __init__(self) -> None:
        super().__init__(MISFIRED)


@dataclass(frozen=True, slots=True)
class Fault:
    """One answer that goes wrong. `kind` is one of `TRANSPORT_FAULTS` or of the sandbox's `own_faults`.

    Transport faults, with what `value` means where they need one:

    - `delay` (seconds): the answer is late. `drip` (seconds): it comes byte by byte, with a pause after each.
    - `status` (number): an HTML page with that HTTP status. `html`: an HTML page with status 200.
    - `redirect` (URL): a redirect to there, which a provider must not follow.
    - `empty`, `truncate`, `drop`: no body; half of it; half of it and a closed connection.
    - `garbage` (text): this body. `huge`: 100 MiB. `gzip`, `bomb`: a compressed body; one that unpacks to 128 MB.
    - `charset` (codec): the body in another encoding. `repeat`: each member of the JSON object, or field of
      the form, twice.
    - `replace` (JSON array of two texts): the first, a text or number in the answer, is replaced by the second, JSON.
    - `echo`: an error whose message repeats every parameter that was sent, secrets included.

    Frequent faults of sandboxes: `unsigned`, `wrong_sign`, `missing_id`, `swapped_id` (another person's id), and
    `error` with the vendor's error code.
    """

    kind: str
    value: str = ""


class FaultScript:
    """The faults that wait for a request, in the order in which they were added. Every sandbox has one as `faults`.

        sandbox.faults.add("error", "invalid_grant", on="token")   # the next token call fails
        sandbox.faults.add("delay", 2, times=3)                    # then three calls of any kind take 2 seconds

    `misfired` lists the faults that met an answer which they could not change.
    """

    def __init__(self, vendor_faults: Collection[str] = (), operations: Collection[str] = ()) -> None:
        """`vendor_faults` are the kinds that the sandbox plays itself, besides `TRANSPORT_FAULTS`.

        `operations` are the names of its endpoints; without them a fault may wait for any name.
        """
        self._known = TRANSPORT_FAULTS | set(vendor_faults)
        self._operations = operations
        self._waiting: list[tuple[str, Fault, int]] = []
        self.misfired: list[Fault] = []

    def add(self, kind: str, value: object = "", *, on: str = "*", times: int = 1) -> None:
        """Add a fault for the next `times` requests of the operation `on`; `*` is any operation.

        `kind` and `value` are as in `Fault`; `value` may be a number.

        Raises `ValueError` for a kind or an operation that this sandbox does not know, and for `times` below 1.
        """
        if kind not in self._known:
            raise ValueError(f"this sandbox knows no fault {kind}; it knows {', '.join(sorted(self._known))}")
        if self._operations and on not in ("*", *self._operations):
            raise ValueError(f"this sandbox has no operation {on}; it has {', '.join(self._operations)}")
        if times < 1:
            raise ValueError("times is at least 1")
        self._waiting.append((on, Fault(kind, str(value)), times))

    def take(self, operation: str) -> Fault | None:
        """Return the fault for a request of `operation`, which is then used up once, or None."""
        for index, (on, fault, times) in enumerate(self._waiting):
            if on in ("*", operation):
                self._waiting[index : index + 1] = [(on, fault, times - 1)] if times > 1 else []
                return fault
        return None

    def clear(self) -> None:
        """Remove the faults that wait, and forget those that misfired."""
        self._waiting.clear()
        self.misfired.clear()

    @property
    def unused(self) -> int:
        """How many faults still wait for a request."""
        return len(self._waiting)


async def play(fault: Fault, reply: Callable[[], Response], parameters: Mapping[str, str]) -> Response:
    """Return the response of `reply`, changed as a fault of `TRANSPORT_FAULTS` says.

    `parameters` are those of the request. Raises `FaultMisfired` when the answer has nothing to change.
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
            return HTMLResponse(get_error_page("系统繁忙", "请稍后再试"))
        case "redirect":
            return Response(status_code=302, headers={"location": fault.value or "http://127.0.0.1:1/"})
        case "gzip" | "bomb":
            body = gzip.compress(bytes(reply().body)) if fault.kind == "gzip" else _bomb()
            return Response(body, headers={"content-encoding": "gzip"}, media_type="application/json")
        case _:
            return Response(_spoil(fault, lambda: bytes(reply().body), parameters), media_type="application/json")


def _spoil(fault: Fault, body: Callable[[], bytes], parameters: Mapping[str, str]) -> bytes:
    match fault.kind:
        case "charset":
            return body().decode("utf-8", "replace").encode(fault.value, "replace")
        case "echo":
            message = " ".join(parameters.values())
            return json.dumps(dict.fromkeys(_MESSAGES, message) | {"error": "echo", "errcode": 1}).encode()
        case "empty":
            return b""
        case "repeat":
            return _repeated(body())
        case "replace":
            return replace_value(body(), *json.loads(fault.value))
        case "truncate":
            return body()[: len(body()) // 2]
        case _:
            return fault.value.encode("utf-8", "surrogatepass")


_MESSAGES = ("error_description", "errmsg", "msg", "message", "sub_msg")
"""Where vendors put the message of an error."""


def _repeated(body: bytes) -> bytes:
    """Write every member of a JSON object, or every field of a form, twice."""
    start, end = body.find(b"{"), body.rfind(b"}")
    if start >= 0 and body[start + 1 : end].strip():
        return body[:end] + b"," + body[start + 1 :]
    if start < 0 and b"=" in body:
        return body + b"&" + body
    raise FaultMisfired


def replace_value(body: bytes, old: str, new: str) -> bytes:
    """Replace the text or number `old` in an answer by `new`, which is JSON; in a form by the text of `new`.

    Raises `FaultMisfired` when no value is `old`.
    """
    if b"{" not in body:
        return _replaced_in_form(body, old, new)
    spellings = {re.escape(json.dumps(old, ensure_ascii=is_ascii)) for is_ascii in (True, False)}
    if re.fullmatch("-?[0-9]+", old):
        spellings.add(rf"(?<=[\s:,\[]){old}(?=[\s,}}\]])")
    pattern, value = "|".join(sorted(spellings)).encode(), new.encode("utf-8", "surrogatepass")
    replaced, count = re.subn(pattern, lambda _: value, body)
    if not count:
        raise FaultMisfired
    return replaced


def _replaced_in_form(body: bytes, old: str, new: str) -> bytes:
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    if old not in dict(fields).values():
        raise FaultMisfired
    value = json.loads(new)
    text = value if isinstance(value, str) else new
    return urlencode([(name, text if value == old else value) for name, value in fields], errors="replace").encode()


class _Dropped(Response):
    """A response that announces its full length, sends half of it and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})


async def _drip(body: bytes, pause: float) -> AsyncIterator[bytes]:
    for index in range(len(body)):
        yield body[index : index + 1]
        await asyncio.sleep(pause)


async def _endless() -> AsyncIterator[bytes]:
    yield b'{"padding":"'
    for _ in range(1600):
        yield b"x" * 65536


@cache
def _bomb() -> bytes:
    """Return 128 MB packed into 560 KB, which is less than the core reads of an answer."""
    return gzip.compress(bytes(128_000_000), 1)
