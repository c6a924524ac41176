"""How a login's flow and its result travel: the flow cookie, then the redirect with cookies, or the tokens.

Every route that begins or finishes a login uses this. Never decides who may log in: the manager does.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import assert_never

from starlette.requests import Request
from starlette.responses import Response

from connect_core.crypto import token_hash
from connect_core.crypto.tickets import TICKET_SECONDS
from connect_core.errors import BadRequest, ConsentRequired, StateInvalid, StateMissing
from connect_core.log_fields import add_fields
from connect_core.login.flow import COOKIE_SECONDS, get_log_name
from connect_core.login.start import Start
from connect_core.login.values import (
    AccountProved,
    CallbackRepeated,
    ChoiceNeeded,
    Delivery,
    IdentityLinked,
    Outcome,
    PendingLogin,
    PurposeKind,
    SessionOpened,
    Visit,
)
from connect_core.manager import ConnectManager
from connect_core.providers.parameters import ReceivedParameters
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sessions import OpenSession
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.requests import check_subject, get_all_cookies, get_cookies, get_language, wants_page

log = logging.getLogger("connect_login")

MOST_FLOWS = 20
"""Flows that one browser keeps at once: logins begun in several tabs. Browsers keep 50 cookies of a host and more."""
FLOW_COOKIE_BYTES = 7 * 1024
"""Bytes that the flow cookies of one browser may have together: nginx and Apache take a header of 8 KiB."""


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


def answer_start(context: WebContext, request: Request, configured: ConfiguredProvider, start: Start) -> Response:
    """Answer a POST that began a login: with a page that leads to the vendor, or with JSON for a script or an app."""
    if start.flow and configured.entrance.is_ticketed:
        ticket = context.manager.flows.seal_ticket(start.flow)
        return responses.json_response({"login_url": start.login_url, "ticket": ticket})
    if wants_page(request):
        response = responses.html_response(context.pages.leaving(get_language(request), start.login_url))
        response.headers["refresh"] = f"0;url={start.login_url}"
    else:
        response = responses.json_response({"login_url": start.login_url})
    return keep_flow(context, request, response, start)


async def finish_flow(
    context: WebContext,
    request: Request,
    parameters: Mapping[str, str],
    *,
    delivers_json: bool = False,
    visit: Visit | None = None,
) -> Outcome:
    """Finish the login that this browser began; every login that the browser had until now ends.

    `parameters` are what the vendor sent back, `visit` is by default what the request says. Raises as
    `ConnectManager.login_callback`.
    """
    cookies = get_cookies(request)
    with suppress(BadRequest):  # then no cookie is the flow's, and the manager refuses the state
        request.state.flow_cookie = flow_cookie(context, parameters.get("state", ""))
    return await context.manager.login_callback(
        request.path_params["provider"],
        request.path_params["client"],
        parameters,
        cookies.get(getattr(request.state, "flow_cookie", "")),
        visit or context.get_visit(request),
        delivers_json=delivers_json,
    )


def take_pending(
    context: WebContext, request: Request, fields: ReceivedParameters, name: str = "ticket"
) -> tuple[str, PendingLogin]:
    """Return the ticket in the posted field `name`, or else in this browser's cookie, and its waiting login.

    A ticket that a browser got counts from that browser's cookie alone, and an app's from the body alone. Raises
    `StateMissing`, `StateInvalid`, `StateExpired` and, for the form of another login's page, `PageOutdated`.
    """
    kept = get_cookies(request).get(context.cookies.pending, "")
    ticket = fields.get(name, "") or kept
    if not ticket:
        raise StateMissing("there is no login that waits for a choice")
    pending = context.manager.first_login_tickets.open(ticket)
    log_name = get_log_name(pending.key)
    add_fields(choice=log_name)
    check_subject(fields, log_name)
    if (pending.delivery is Delivery.JSON) == (ticket == kept):
        raise StateInvalid("the ticket was given out to another client")
    return ticket, pending


def deliver(context: WebContext, request: Request, outcome: Outcome, provider: str = "") -> Response:
    """Redirect the browser to the return target, with the cookies that the outcome needs.

    The cookies of logins that a new login has ended are deleted. A browser that is logged in now remembers `provider`,
    by which it logged in.
    """
    cookies, manager = context.cookies, context.manager
    match outcome:
        case ChoiceNeeded(delivery=delivery, pending=pending):
            ticket = _seal_choice(manager, pending)
            response = responses.redirect(context.get_choice_page(delivery, ticket))
            cookies.set(response, cookies.pending, ticket, TICKET_SECONDS)
        case AccountProved(return_to=return_to, proof=proof):
            response = responses.redirect(return_to)
            cookies.set(response, cookies.merge, manager.merges.seal(proof), TICKET_SECONDS)
        case (
            SessionOpened(delivery=delivery, return_to=return_to, opened=opened)
            | CallbackRepeated(delivery=delivery, return_to=return_to, opened=OpenSession() as opened)
        ):
            response = responses.redirect(return_to)
            _set_session(context, request, response, opened, delivery)
            context.remember_provider(response, provider)
            if isinstance(outcome, SessionOpened):
                _tell(context, request, response, outcome)
        case IdentityLinked(return_to=return_to, union_type=union_type):
            response = responses.redirect(return_to)
            context.tell(request, response, "linked", union_type)
        case CallbackRepeated(return_to=return_to):
            response = responses.redirect(return_to)
        case _:
            assert_never(outcome)
    return response


def _set_session(
    context: WebContext, request: Request, response: Response, opened: OpenSession, delivery: Delivery
) -> None:
    """Set the cookies of a new session, and delete those of the logins that it has ended."""
    cookies, manager = context.cookies, context.manager
    if cookies.pending in get_all_cookies(request):
        cookies.drop(response, cookies.pending)
    if delivery is Delivery.SESSION:
        context.forget_logins(request, response, cookies.session)
        cookies.set(response, cookies.session, opened.token, manager.settings.sessions.absolute)
    else:
        context.forget_logins(request, response, *responses.TOKEN_COOKIES)
        tokens = manager.current_member.issue_tokens(opened)
        set_token_cookies(context, response, {**tokens, "uid": opened.row.member_id})


def _tell(context: WebContext, request: Request, response: Response, outcome: SessionOpened) -> None:
    if outcome.purpose is PurposeKind.CONFIRM:
        context.tell(request, response, "confirmed")
    elif outcome.purpose is PurposeKind.JOIN:
        context.tell(request, response, "linked", outcome.union_type)


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
            ticket = _seal_choice(manager, pending)
            return {"choice_ticket": ticket, "expires_in": TICKET_SECONDS, **describe_consent(manager)}
        case CallbackRepeated():
            raise StateInvalid("the flow was spent").because("spent")
        case _:
            assert_never(outcome)


def _seal_choice(manager: ConnectManager, pending: PendingLogin) -> str:
    names = {"provider": pending.provider, "client_type": pending.client_type}
    log.info("choice_needed", extra={**names, "choice": get_log_name(pending.key)})
    return manager.first_login_tickets.seal(pending)


def describe_consent(manager: ConnectManager) -> dict[str, object]:
    """Return what a front end has to show before somebody new is registered; empty where no terms are required."""
    if not manager.required_terms:
        return {}
    pages = manager.settings.pages
    return {
        "code": ConsentRequired.code,
        "terms_version": manager.required_terms,
        "terms_url": pages.terms_url,
        "privacy_url": pages.privacy_url,
    }
