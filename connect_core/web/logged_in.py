"""Who is logged in, for the shop's own routes and for `GET /connect/me`.

`current_member` is the call for a shop. Never logs anybody in or out, and never answers a request.
"""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request

from connect_core.identity import ClientType
from connect_core.manager import ConnectManager
from connect_core.members.current import LoggedIn
from connect_core.web.context import WebContext


@dataclass(frozen=True, slots=True)
class LoggedInMember:
    """The member who sent a request, as `GET /connect/me` shows them.

    `uid` is the member's id, in `es_member` or in the shop's own member directory; `uname` the user name. `nickname`
    and `face`, the address of a picture, may be empty. `client_type` is where the member logged in. `connections` are
    the union types linked to the member, such as `ALIPAY`. `login_time` is when the member logged in, in seconds since
    the epoch: ask for a fresh login before anything that a stolen session must not be able to do.
    """

    uid: int
    uname: str
    nickname: str
    face: str
    client_type: ClientType
    connections: tuple[str, ...]
    login_time: int


async def current_member(request: Request, app: Starlette | None = None) -> LoggedInMember | None:
    """Return the member who sent `request`, None when nobody is logged in.

    Use this in a route of the shop's own. `app` is the application that `create_app` returned; leave it out in a route
    that was given to `create_app(routes=...)`. How the application is mounted makes no difference.

    A bearer token (RFC 6750 §2.1) counts alone: with one that is not alive nobody is logged in, whatever the cookies
    say. Without one our session cookie counts, and then the `access_token` cookie of the `/buyer` routes. None means:
    no token, one that expired or was ended, or a member who is disabled. Cookies do not
    count in a request that changes something (any method but GET, HEAD, OPTIONS and TRACE) when a page of another
    origin than `public_url` and `cors_origins` sent it: such a request may be forged. A bearer token always counts.

    Raises `TypeError` when neither `app` nor the request's application comes from `create_app`, and `Unavailable` when
    the database does not answer.
    """
    application = request.scope.get("app") if app is None else app
    context = getattr(getattr(application, "state", None), "context", None)
    if not isinstance(context, WebContext):
        raise TypeError("current_member needs the application that create_app returned: current_member(request, app)")
    logged_in = await find_logged_in(context, request)
    if logged_in is None:
        return None
    member, session = logged_in.member, logged_in.session
    return LoggedInMember(
        uid=member.id,
        uname=member.uname,
        nickname=member.nickname,
        face=member.face,
        client_type=session.client_type,
        connections=tuple(logged_in.union_types),
        login_time=session.login_time,
    )


async def open_id_of(app: Starlette, member_id: int, union_type: str, app_id: str) -> str | None:
    """Return the open id that a payment API of the vendor wants, None when the member has none for that app.

    `app` is the application that `create_app` returned, `union_type` the vendor's, such as `WECHAT`, and `app_id` the
    vendor's id of the app that takes the payment. Raises `Unavailable` when the database does not answer.
    """
    manager: ConnectManager = app.state.manager
    return await manager.open_id_of(member_id, union_type, app_id)


async def find_logged_in(context: WebContext, request: Request) -> LoggedIn | None:
    """Return who is logged in, as `current_member` does, with the rows behind it."""
    return await context.manager.current_member.find_member(context.get_presented(request))
