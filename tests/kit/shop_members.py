"""The shop's side of the examples for external members: an API with members, and a proxy that can lose answers."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "shop-token"


@dataclass
class ShopApi:
    """The shop's API as the example's docstring says it. `is_down` answers 500."""

    members: dict[int, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, int] = field(default_factory=dict)
    is_down: bool = False

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/members", self._register, methods=["POST"]),
                Route("/members/{member_id:int}", self._find),
                Route("/members/{member_id:int}/profile", self._update, methods=["PATCH"]),
            ]
        )

    async def _register(self, request: Request) -> Response:
        if answer := self._refusal(request):
            return answer
        body = json.loads(await request.body())
        member_id = self.by_key.setdefault(request.headers["idempotency-key"], 1000 + len(self.by_key))
        row = {"uname": f"user_{member_id}", "disabled": False, **body["profile"], "id": member_id}
        self.members.setdefault(member_id, row)
        return JSONResponse({"id": member_id}, 201)

    async def _find(self, request: Request) -> Response:
        if answer := self._refusal(request):
            return answer
        member = self.members.get(request.path_params["member_id"])
        return JSONResponse(member) if member else Response(status_code=404)

    async def _update(self, request: Request) -> Response:
        if answer := self._refusal(request):
            return answer
        self.members[request.path_params["member_id"]] |= json.loads(await request.body())
        return Response(status_code=204)

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(status_code=401)
        return Response(status_code=500) if self.is_down else None


@dataclass
class Proxy:
    """Stands before the API. While `loses` is True it lets a request through and cuts the connection at the answer."""

    url: str
    loses: bool = False
    lost: int = 0


def pump(source: socket.socket, target: socket.socket) -> None:
    """Carry what the client sends, until either side hangs up."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """Run a proxy before `target`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    relay = Proxy(f"http://127.0.0.1:{listener.getsockname()[1]}")
    host, port = str(urlsplit(target).hostname), urlsplit(target).port

    def carry(client: socket.socket) -> None:
        with client, socket.create_connection((host, port)) as server:
            threading.Thread(target=pump, args=(client, server), daemon=True).start()
            while data := server.recv(65536):
                if relay.loses:
                    relay.lost += 1
                    break
                client.sendall(data)
            for side in (client, server):
                with suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=carry, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(2)
        listener.close()
