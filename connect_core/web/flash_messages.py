"""Gives a flash message to the page that this request shows, and deletes the cookie as soon as a page has shown it.

Wraps the whole application, so that the shop's own routes show it as well when they render one of our pages. A request
without the cookie passes untouched. `WebContext.tell` sets the cookie.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connect_core.identity import Language
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.login.offered import get_title
from connect_core.web.pages.flash import PendingFlash, bringing, parse_flash
from connect_core.web.requests import get_cookies, is_speculative


def with_flash(context: WebContext, app: ASGIApp) -> ASGIApp:
    """Return `app` with its pages showing the message that the browser's cookie brings."""
    name = context.cookies.flash.encode()

    def find_name(union_type: str, language: Language) -> str:
        configured = next((each for each in context.manager.registry if each.provider.union_type == union_type), None)
        return get_title(configured, language) if configured else ""

    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        if not any(key == b"cookie" and name in value for key, value in scope["headers"]):
            await app(scope, receive, send)
            return
        request = Request(scope)
        flash = parse_flash(get_cookies(request).get(context.cookies.flash, ""))
        if flash is None:
            await app(scope, receive, send)
        elif is_speculative(request) and _is_ours(context, scope):
            # a page of ours that is loaded ahead would use the message up before anybody reads it
            await responses.refuse_speculation()(scope, receive, send)
        else:
            pending = PendingFlash(flash, find_name)
            with bringing(pending):
                await app(scope, receive, _deleting(context, pending, send))

    return show


def _is_ours(context: WebContext, scope: Scope) -> bool:
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.startswith(f"{context.route_prefix}/")


def _deleting(context: WebContext, pending: PendingFlash, send: Send) -> Send:
    """Return `send`, which deletes the cookie when a page has shown its message and no new one takes its place."""
    cookie = context.cookies.flash.encode()

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start" and pending.is_shown:
            headers = message.setdefault("headers", [])
            if not any(key == b"set-cookie" and value.startswith(cookie + b"=") for key, value in headers):
                dropping = Response()
                context.cookies.drop(dropping, context.cookies.flash)
                headers += [pair for pair in dropping.raw_headers if pair[0] == b"set-cookie"]
        await send(message)

    return send_on
