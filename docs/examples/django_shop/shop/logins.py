"""The logins as an application of their own, and who is logged in, for Django's views."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import async_only_middleware
from starlette.requests import Request

from connect_core.settings import load_settings
from connect_core.web import LoggedInMember, create_app, current_member

connect = create_app(load_settings(Path(__file__).parents[1] / "connect.toml"))


@async_only_middleware
def member_middleware(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """Give each request `member`: a `LoggedInMember`, or None."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        request.member = await find_member(request)
        return await get_response(request)

    return middleware


async def find_member(request: HttpRequest) -> LoggedInMember | None:
    """Who sent a request; Django's request under ASGI keeps the scope from which Starlette makes its own."""
    return await current_member(Request(request.scope), connect)
