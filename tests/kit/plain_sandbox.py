"""A sandbox with one operation and a consent page, and a client that follows and decodes nothing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.identity import ClientType
from connect_core.limits import ANSWER_LIMIT
from connect_core.sandbox import Fault, Sandbox

PLAIN = {"id": "2088", "fault": None}


class PlainSandbox(Sandbox):
    """A vendor with one operation and a consent page."""

    title = "Acme & <Sons>"
    own_faults = ("unsigned",)

    def routes(self) -> Sequence[BaseRoute]:
        """The operation and the page."""
        return [Route("/user", self.user), Route("/consent", self.consent)]

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """Where the operation is."""
        return {"gateway_url": f"{base_url}/user"}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """The person's key as the code."""
        return {"code": person}

    async def user(self, request: Request) -> Response:
        """Answer with the fault that was left to the vendor's sandbox."""

        def reply(fault: Fault | None) -> Response:
            return JSONResponse({**PLAIN, "fault": fault and [fault.kind, fault.value]})

        return await self.answer("user.get", request.query_params, reply)

    async def consent(self, request: Request) -> HTMLResponse:
        """Show who can agree."""
        return self.consent_page(request, app="<script>", scope='"base"')


@dataclass
class Reply:
    """An answer as it came over the network; `first` and `last` are the seconds until its first and last byte."""

    status: int
    headers: dict[str, str]
    body: bytes
    first: float
    last: float


def ask(url: str, method: str = "GET", body: str | None = None) -> Reply:
    """Make one request that follows and decodes nothing."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    began = time.monotonic()
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        answer = connection.getresponse()
        content = answer.read(1)
        first = time.monotonic() - began
        content += answer.read(2 * ANSWER_LIMIT)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, headers, content, first, time.monotonic() - began)
    finally:
        connection.close()
