"""A shop in FastAPI with the logins mounted at its root: `uvicorn shop:app --port 8000 --no-access-log`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

from connect_core.settings import load_settings
from connect_core.web import LoggedInMember, create_app, current_member

connect = create_app(load_settings(Path(__file__).with_name("connect.toml")))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the lifespan of the logins: FastAPI does not run that of a mounted application."""
    async with connect.router.lifespan_context(connect):
        yield


app = FastAPI(lifespan=lifespan)


async def find_member(request: Request) -> LoggedInMember | None:
    """Who sent the request, for pages that everybody may see."""
    return await current_member(request, connect)


async def require_member(member: Annotated[LoggedInMember | None, Depends(find_member)]) -> LoggedInMember:
    """Who sent the request, for routes that need somebody."""
    if member is None:
        raise HTTPException(401, "please log in")
    return member


@app.get("/")
async def home(member: Annotated[LoggedInMember | None, Depends(find_member)]) -> HTMLResponse:
    """Greet the member, or offer the login page, from which the visitor comes back here."""
    if member is None:
        return HTMLResponse('<a href="/connect/login?return_to=/">Log in</a>')
    return HTMLResponse(f'Hello, {escape(member.nickname)}. <a href="/connect/account">Your account</a>')


@app.get("/orders")
async def orders(member: Annotated[LoggedInMember, Depends(require_member)]) -> dict[str, object]:
    """The member's orders; in your shop they come from your database, by `member.uid`."""
    return {"member": member.uid, "orders": []}


# last, so that the shop's own routes come first
app.mount("/", connect)
