"""How a login's flow and its result travel: the flow cookie, then the redirect with cookies, or the tokens.

Every route that begins or finishes a login uses this. Never decides who may log in: the manager does.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from connect_core.crypto import token_hash
from connect_core.errors import StateInvalid
from connect_core.login.completion import Login
from connect_core.login.first_login import LIFE as PENDING_LIFE
from connect_core.login.flow import LIFE, Delivery
from connect_core.manager import Start
from connect_core.members.merge_service import LIFE as PROOF_LIFE
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.requests import get_cookies, get_visit

EXPIRED_FLOW_MEMORY = 300
"""Seconds for which a browser keeps a flow past its life, so that the error page says "expired" and not "unknown"."""
MOST_FLOWS = 5
"""Flows that one browser keeps at once: logins begun in several tabs."""
FLOW_COOKIE_BYTES = 4096
"""Bytes that the flow cookies of one browser may have together; servers and proxies limit the size of a header."""


def flow_cookie(context: WebContext, state: str) -> str:
    """Return the name of the cookie that holds the flow of `state`."""
    return context.cookies.flow + token_hash(state)[:16]


def keep_flow(context: WebContext, request: Request, response: Response, start: Start) -> Response:
    """Set the cookie of the flow that was begun, and delete the oldest ones where the browser holds too many."""
    if start.flow is None:
        return response
    sealed = context.manager.flows.seal(start.flow)
    older = [
        (name, len(name) + len(value))
        for name, value in get_cookies(request).items()
        if name.startswith(context.cookies.flow)
    ]
    room = FLOW_COOKIE_BYTES - len(sealed) - len(context.cookies.flow) - 16
    while older and (len(older) >= MOST_FLOWS or sum(size for _, size in older) > room):
        context.cookies.drop(response, older.pop(0)[0])
    context.cookies.set(response, flow_cookie(context, start.flow.state), sealed, LIFE + EXPIRED_FLOW_MEMORY)
    return response


async def finish_flow(
    context: WebContext,
    request: Request,
    parameters: Mapping[str, str],
    *,
    delivers_json: bool = False,
    device_id: str = "",
) -> Login:
    """Finish the login that this browser began; the session that the browser had until now ends.

    `parameters` are what the vendor sent back. Raises as `ConnectManager.login_callback`.
    """
    cookies = get_cookies(request)
    request.state.flow_cookie = flow_cookie(context, parameters.get("state", ""))
    return await context.manager.login_callback(
        request.path_params["provider"],
        request.path_params["client"],
        parameters,
        cookies.get(request.state.flow_cookie),
        get_visit(request, cookies.get(context.cookies.session) or cookies.get("refresh_token", "")),
        delivers_json=delivers_json,
        device_id=device_id,
    )


def deliver(context: WebContext, login: Login) -> Response:
    """Redirect the browser to the return target with the login's cookies set; a repeated callback sets none."""
    if login.pending is not None:
        ticket = context.manager.seal_pending(login.pending)
        response = responses.redirect(_choice_page(context, login.delivery, ticket))
        context.cookies.set(response, context.cookies.pending, ticket, PENDING_LIFE)
        return response
    response = responses.redirect(login.return_to)
    if login.proof is not None:
        context.cookies.set(response, context.cookies.merge, context.manager.merges.seal(login.proof), PROOF_LIFE)
    lifetimes = context.manager.settings.sessions
    if login.opened is None:
        return response
    if login.delivery is Delivery.SESSION:
        context.cookies.set(response, context.cookies.session, login.opened.token, lifetimes.absolute)
        return response
    tokens = context.manager.current_member.issue_tokens(login.opened)
    set_token_cookies(context, response, {**tokens, "uid": login.opened.row.member_id})
    return response


def _choice_page(context: WebContext, delivery: Delivery, ticket: str) -> str:
    """Return the page that asks whether a person is new; a front end of the `/buyer` routes may have its own."""
    page = context.manager.settings.service.binder_url
    if not page or delivery is not Delivery.TOKEN_COOKIES:
        return f"{context.prefix}/first-login"
    page = context.manager.targets.check(page)
    return f"{page}{'&' if '?' in page else '?'}uuid={ticket.partition('.')[0]}"


def set_token_cookies(context: WebContext, response: Response, tokens: Mapping[str, object]) -> None:
    """Set the cookies `access_token`, `refresh_token` and `uid` of the `/buyer` routes."""
    lifetimes = context.manager.settings.sessions
    for name, life in (
        ("access_token", lifetimes.access_token),
        ("refresh_token", lifetimes.absolute),
        ("uid", lifetimes.absolute),
    ):
        context.cookies.set_token(response, name, str(tokens[name]), life)


def token_body(context: WebContext, login: Login) -> dict[str, object]:
    """Return the JSON body of a finished login: tokens, or what linking, a merge or a first login gets instead."""
    if login.bound:
        return {"union_type": login.bound}
    if login.proof is not None:
        return {"merge_ticket": context.manager.merges.seal(login.proof), "expires_in": PROOF_LIFE}
    if login.pending is not None:
        return {"choice_ticket": context.manager.seal_pending(login.pending), "expires_in": PENDING_LIFE}
    if login.opened is None:
        raise StateInvalid("the flow was spent")
    is_new_member = login.resolved is not None and login.resolved.is_new_member
    return {**context.manager.current_member.issue_tokens(login.opened), "is_new_member": is_new_member}
