"""The vendors of a benchmark: `python -m tests.benchmarks.vendors`, started and stopped by `processes.py`.

The shipped sandboxes of Alipay and WeChat, a vendor that follows RFC 6749 to the letter for the plugin `oauth2`, and
one route more, `GET /times`: how long the vendor took to answer for each code, from the request read to the answer
written. They sign, verify and check like their vendors and do no I/O; a login costs them less CPU than any shop.
"""

import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connect_alipay.sandbox import AlipaySandbox
from connect_core.cli.sandbox import write_providers
from connect_core.plugin import Claims, ClientType, OAuth2Provider
from connect_core.sandbox import OAuth2Sandbox, listen, sandbox_app
from connect_wechat.sandbox import WechatSandbox


class Plain(OAuth2Provider):
    """A vendor without quirks: the code is redeemed with a form, user-info has id and name."""

    authorize_url = "https://plain.example/authorize"
    token_url = "https://plain.example/token"
    userinfo_url = "https://plain.example/userinfo"
    claims = Claims(user_id="id", nickname="name")


class PlainSandbox(OAuth2Sandbox):
    """One client of the plain vendor."""

    title = "plain OAuth 2.0"
    provider = Plain

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """The addresses, and the one claim that the plugin cannot know."""
        return {**super().settings(base_url, client_type), "claims": {"nickname": "name"}}


class Timed:
    """An application whose answers to calls with a code are timed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.times: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through; the code is read from the form."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        began, body = time.monotonic(), bytearray()

        async def read() -> Message:
            message: MutableMapping[str, Any] = await receive()
            body.extend(message.get("body", b""))
            return message

        await self._app(scope, read, send)
        for code in parse_qs(bytes(body)).get(b"code", []):
            self.times[code.decode()] = (time.monotonic() - began) * 1000
        return None


def main() -> None:
    """Print the settings that reach the vendors on a free port of loopback, as TOML, and serve them."""
    vendors = {"alipay": AlipaySandbox(), "oauth2": PlainSandbox(), "wechat": WechatSandbox()}
    app = sandbox_app(vendors)
    timed = Timed(app)

    async def times(request: Request) -> JSONResponse:
        return JSONResponse(timed.times)

    app.routes.append(Route("/times", times))
    listener = listen()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = {
        name: {ClientType.PC: vendor.settings(f"{url}/{name}", ClientType.PC)} for name, vendor in vendors.items()
    }
    sys.stdout.write("\n".join(write_providers(settings, vendors)) + "\n# that is all\n")
    sys.stdout.flush()
    # a vendor keeps connections for longer than uvicorn does by itself
    config = uvicorn.Config(timed, log_config=None, access_log=False, server_header=False, timeout_keep_alive=75)
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
