"""How a login's flow and its result travel: the flow cookie, then the redirect with cookies, or the tokens.

Every route that begins or finishes a login uses this. Never decides who may log in: the manager does.
"""

from collections.abc import Mapping
from typing import assert_never

from starlette.requests import Request
from starlette.responses import Response

from connect_core.crypto import token_hash
from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import StateInvalid
from connect_core.login.flow import COOKIE_SECONDS
from connect_core.login.start import Start
from connect_core.login.values import (
    AccountProved,
    CallbackRepeated,
    ChoiceNeeded,
    Delivery,
    IdentityLinked,
    Outcome,
    SessionOpened,
)
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.requests import get_cookies, get_visit

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
    context.cookies.set(response, flow_cookie(context, start.flow.state), sealed, COOKIE_SECONDS)
    return response


async def finish_flow(
    context: WebContext,
    request: Request,
    parameters: Mapping[str, str],
    *,
    delivers_json: bool = False,
    device_id: str = "",
) -> Outcome:
    """Finish the login that this browser began; the session that the browser had until now ends.

    `parameters` are what the vendor sent back. Raises as `ConnectManager.login_callback`.
    """
    cookies = get_cookies(request)
    request.state.flow_cookie = flow_cookie(context, parameters.get("state", ""))
    session_token = cookies.get(context.cookies.session) or cookies.get("refresh_token", "")
    return await context.manager.login_callback(
        request.path_params["provider"],
        request.path_params["client"],
        parameters,
        cookies.get(request.state.flow_cookie),
        get_visit(request, session_token, device_id),
        delivers_json=delivers_json,
    )


def deliver(context: WebContext, outcome: Outcome) -> Response:
    """Redirect the browser to the return target, with the cookies that the outcome needs."""
    cookies, manager = context.cookies, context.manager
    match outcome:
        case ChoiceNeeded(delivery=delivery, pending=pending):
            ticket = manager.first_login_tickets.seal(pending)
            response = responses.redirect(_choice_page(context, delivery, ticket))
            cookies.set(response, cookies.pending, ticket, TICKET_SECONDS)
        case AccountProved(return_to=return_to, proof=proof):
            response = responses.redirect(return_to)
            cookies.set(response, cookies.merge, manager.merges.seal(proof), TICKET_SECONDS)
        case SessionOpened(delivery=delivery, return_to=return_to, opened=opened):
            response = responses.redirect(return_to)
            if delivery is Delivery.SESSION:
                cookies.set(response, cookies.session, opened.token, manager.settings.sessions.absolute)
            else:
                tokens = manager.current_member.issue_tokens(opened)
                set_token_cookies(context, response, {**tokens, "uid": opened.row.member_id})
        case IdentityLinked(return_to=return_to) | CallbackRepeated(return_to=return_to):
            response = responses.redirect(return_to)
        case _:
            assert_never(outcome)
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


def token_body(context: WebContext, outcome: Outcome) -> dict[str, object]:
    """Return the JSON body of a finished login: tokens, or what linking, a merge or a first login gets instead.

    Raises `StateInvalid` for a repeated callback: tokens are given out once.
    """
    manager = context.manager
    match outcome:
        case SessionOpened(opened=opened, is_new_member=is_new_member):
            return {**manager.current_member.issue_tokens(opened), "is_new_member": is_new_member}
        case IdentityLinked(union_type=union_type):
            return {"union_type": union_type}
        case AccountProved(proof=proof):
            return {"merge_ticket": manager.merges.seal(proof), "expires_in": TICKET_SECONDS}
        case ChoiceNeeded(pending=pending):
            return {"choice_ticket": manager.first_login_tickets.seal(pending), "expires_in": TICKET_SECONDS}
        case CallbackRepeated():
            raise StateInvalid("the flow was spent")
        case _:
            assert_never(outcome)
