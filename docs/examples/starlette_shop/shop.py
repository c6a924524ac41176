"""A shop in Starlette whose routes are added to the logins: `uvicorn shop:app --port 8000 --no-access-log`."""

from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from connect_core.settings import load_settings
from connect_core.web import create_app, current_member


async def home(request: Request) -> Response:
    """Greet the member, or offer the login page, from which the visitor comes back here."""
    member = await current_member(request)
    if member is None:
        return HTMLResponse('<a href="/connect/login?return_to=/">Log in</a>')
    return HTMLResponse(f'Hello, {escape(member.nickname)}. <a href="/connect/account">Your account</a>')


async def orders(request: Request) -> Response:
    """The member's orders; in your shop they come from your database, by `member.uid`."""
    member = await current_member(request)
    if member is None:
        return JSONResponse({"detail": "please log in"}, 401)
    return JSONResponse({"member": member.uid, "orders": []})


settings = load_settings(Path(__file__).with_name("connect.toml"))
app = create_app(settings, routes=[Route("/", home), Route("/orders", orders)])
