"""Loopback doubles of vendors: the kit they are made of, and the fault script that tests live on.

A sandbox answers, signs and fails like its vendor, so that a whole login runs on a laptop with no account anywhere. It
keeps everything in memory, binds to loopback only and is never reachable from a shop's configuration by accident.
"""

import asyncio
import gzip
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from connect_core.identity import ClientType


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at the vendor. The vendor's ids follow from `key` alone."""

    key: str
    nickname: str
    sex: int | None = None
    province: str = ""
    city: str = ""
    face: str = ""
    mobile: str = ""


PEOPLE = (
    Person("lihua", "李华", 1, "浙江省", "杭州市", "https://img.example/lihua.png", "13800000001"),
    Person("wangfang", '王芳 {"🙂"}', 0, "广东省", "深圳市", "https://img.example/wangfang.png", "13800000002"),
    Person("maria", "Maria O'Neill", None, "", "", "", "13800000003"),
)

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


@dataclass(frozen=True, slots=True)
class Call:
    """A request that the sandbox got: the vendor's operation and its parameters."""

    operation: str
    parameters: Mapping[str, str] = field(repr=False)


class Sandbox(ABC):
    """A vendor's double. Subclasses give routes, settings and what a phone's SDK would hand over."""

    title: ClassVar[str]

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time.time) -> None:
        """`now` answers seconds since the epoch; tests move it."""
        self.people = {person.key: person for person in people}
        self.now = now
        self.faults = FaultScript()
        self.calls: deque[Call] = deque(maxlen=10_000)

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's endpoints, relative to where the sandbox is mounted."""

    @abstractmethod
    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """The provider settings that make `client_type` talk to this sandbox at `base_url` (no slash at the end)."""

    @abstractmethod
    def hand_over(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """What a mini program or native SDK hands the shop once `person` agreed: the body of the token request.

        `login_url` is what `login-url` answered, for SDKs that want one.
        """

    def find_person(self, key: str) -> Person:
        """Return the person, made up on the spot when nobody has that `key`."""
        return self.people.get(key) or Person(key, key)

    def called(self, operation: str) -> int:
        """How many requests there were for `operation`."""
        return sum(call.operation == operation for call in self.calls)

    async def answer(
        self, operation: str, parameters: Mapping[str, str], reply: Callable[[Fault | None], Response]
    ) -> Response:
        """Note the call and reply; a transport fault is played here, any other is handed to `reply`."""
        self.calls.append(Call(operation, dict(parameters)))
        fault = self.faults.take(operation)
        if fault is None or fault.kind not in TRANSPORT_FAULTS:
            return reply(fault)
        return await _play(fault, lambda: reply(None))

    def consent_page(self, request: Request, *, app: str, scope: str) -> HTMLResponse:
        """The page on which a person decides; it posts `person` and `decision` (`agree`, `refuse`) to its address."""
        choices = "".join(
            f'<label><input type="radio" name="person" value="{escape(p.key)}"{" checked" if not n else ""}> '
            f"{escape(p.nickname)} <small>{escape(p.key)}</small></label>"
            for n, p in enumerate(self.people.values())
        )
        return HTMLResponse(
            _CONSENT.format(title=escape(self.title), app=escape(app), scope=escape(scope), choices=choices),
            headers={"cache-control": "no-store"},
        )

    def app(self) -> Starlette:
        """The sandbox as an ASGI application: vendor's routes, `POST /_sandbox/faults`, `GET /_sandbox/calls`."""
        return Starlette(
            routes=[
                *self.routes(),
                Route("/_sandbox/faults", self._take_fault_order, methods=["POST"]),
                Route("/_sandbox/calls", self._tell_calls, methods=["GET"]),
            ]
        )

    async def _take_fault_order(self, request: Request) -> Response:
        try:
            order = await request.json()
            times = int(order.get("times", 1))
            self.faults.add(order["kind"], order.get("value", ""), on=order.get("on", "*"), times=times)
        except (AttributeError, KeyError, TypeError, ValueError):
            return JSONResponse({"error": "give an object with kind and, as needed, value, on, times"}, 400)
        return JSONResponse({"waiting": self.faults.unused}, 201)

    async def _tell_calls(self, request: Request) -> Response:
        return JSONResponse([{"operation": c.operation, "parameters": sorted(c.parameters)} for c in self.calls])


async def _play(fault: Fault, reply: Callable[[], Response]) -> Response:
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


def sandbox_app(sandboxes: Mapping[str, Sandbox]) -> Starlette:
    """One application with every sandbox mounted under its provider's name."""
    return Starlette(routes=[Mount(f"/{name}", sandbox.app()) for name, sandbox in sandboxes.items()])


class _Server(uvicorn.Server):
    """Looks fifty times a second whether it should stop, not ten: a test suite starts and stops hundreds."""

    async def main_loop(self) -> None:
        tick = 0
        while not await self.on_tick(tick):
            tick += 1
            await asyncio.sleep(0.02)


def listen(port: int = 0) -> socket.socket:
    """Take a loopback port; 0 takes a free one."""
    return socket.create_server(("127.0.0.1", port), backlog=2048)


@contextmanager
def serving(app: ASGIApp, *, port: int = 0, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve `app` on loopback, on `port` or an open `listener`, from a thread of its own; yields its base URL.

    Raises `RuntimeError` when the application does not start, `OSError` when the port is taken.
    """
    listener = listener or listen(port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        if not server.started:
            raise RuntimeError("the application did not start; its log says why")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


_CONSENT = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>
body{{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f3f5f8;color:#1b2733}}
main{{max-width:24rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:1rem;box-shadow:0 .5rem 2rem #0001}}
h1{{font-size:1.25rem;margin:0 0 .25rem}} p{{margin:.25rem 0 1rem;color:#5b6b7b}}
label{{display:block;padding:.6rem 0;border-bottom:1px solid #e8ecf0}} small{{color:#8796a5}}
input[type=text]{{width:100%;box-sizing:border-box;padding:.5rem;margin-top:.25rem;font:inherit}}
button{{width:100%;padding:.75rem;margin-top:1rem;border:0;border-radius:.5rem;font:inherit;background:#1677ff;color:#fff}}
button[value=refuse]{{background:#e8ecf0;color:#1b2733}}
</style>
<main><h1>{title}</h1><p>{app} 申请获得您的信息 · asks for <code>{scope}</code></p>
<form method="post">{choices}
<label>其他人 / somebody else<input type="text" name="somebody" maxlength="32" placeholder="name"></label>
<button name="decision" value="agree">同意 / Agree</button>
<button name="decision" value="refuse">拒绝 / Refuse</button>
</form></main></html>
"""
