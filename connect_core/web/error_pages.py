"""What a refused request is answered with: an error page for a person, problem details for a program.

No error page is a dead end: it links to the same login from its beginning, to another login, to one of our own pages or
to the shop, always with the return target that the visitor had. The words of each error are in `pages.messages`, its
links come from `_find_next_steps`. Never logs an error: `endpoints` does. Sets no cookie but the flash message.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import (
    BadRequest,
    BelongsToAnother,
    ConnectError,
    ConnectionTooYoung,
    LoginTooOld,
    MethodNotAllowed,
    NobodyToJoin,
    NothingToMerge,
    NotLoggedIn,
    NotThere,
    NotThisMember,
    PageNotFound,
    PageOutdated,
    PagePreviewed,
    ProviderConfig,
    ProviderDown,
    ProviderFault,
    RateLimited,
    RedirectNotAllowed,
    RequestRefused,
    TooManyTries,
    Unavailable,
    Unsupported,
)
from connect_core.login.values import Delivery, Flow, PurposeKind
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.mounting import get_root
from connect_core.web.pages.links import with_query
from connect_core.web.pages.messages import refusal_for
from connect_core.web.pages.views import NextStep
from connect_core.web.requests import get_cookies, get_language, wants_page

ErrorStyle = Callable[[Request, ConnectError], Response]
"""Answers the errors of a route; a route without one of its own answers as `answer_error` does."""
_WORDINGS: Mapping[type[ConnectError], str] = {
    ConnectionTooYoung: "unbind_cooldown",
    MethodNotAllowed: "method_not_allowed",
    NotThisMember: "not_this_member",
    NothingToMerge: "nothing_to_merge",
    NotThere: "not_there",
    PageNotFound: "page_not_found",
    PageOutdated: "page_outdated",
    PagePreviewed: "page_previewed",
    ProviderDown: "provider_down",
    TooManyTries: "too_many_tries",
}
"""Errors whose page has other words than their code has elsewhere."""


def answer_error(
    context: WebContext, request: Request, error: ConnectError, *, back_to: str = "", form: str = ""
) -> Response:
    """Return an error page to a browser that navigates, and problem details (RFC 9457) to anything else.

    `back_to` is the path of our page that the error page leads back to where a new login would mend nothing, `form` the
    path of the one from which a member can repeat what was refused; by default that is `back_to`, and for a GET the
    page itself. A member whose login is too old is sent on to confirm who they are, and from there to that page.
    """
    if not wants_page(request):
        more = {"reauthenticate_url": f"{context.prefix}/reauthenticate"} if isinstance(error, LoginTooOld) else None
        return responses.problem(error, request.state.request_id, more)
    if isinstance(error, LoginTooOld):
        page = _find_repeated_page(context, request, form, back_to)
        return responses.redirect(context.get_confirming_page(page))
    if isinstance(error, NobodyToJoin) and (flow := _find_refused_flow(context, request)):
        ticket = get_cookies(request).get(context.cookies.pending, "")
        response = responses.redirect(context.get_choice_page(flow.delivery, ticket))
        context.tell(request, response, "join_nobody")
        return response
    wording = _WORDINGS.get(type(error), error.code)
    if isinstance(error, BadRequest) and request.method != "GET":
        wording = "bad_form"  # it is not the address that is wrong
    return error_page(context, request, error, wording, _find_next_steps(context, request, error, back_to))


def leading_back_to(context: WebContext, page: str, form: str = "") -> ErrorStyle:
    """Return the error style of routes that belong to a page of ours: `page` is its path, such as `/account`.

    `form` is the path of the page that has their forms, where that is another one.
    """
    return partial(answer_error, context, back_to=page, form=form)


def error_page(
    context: WebContext, request: Request, error: ConnectError, wording: str, next_steps: Sequence[NextStep]
) -> Response:
    """Return the error page with the words that `pages.messages` has for `wording`, and links to `next_steps`."""
    again: int | datetime = error.retry_after or 0
    if isinstance(error, ConnectionTooYoung):
        again = _to_minute(context.manager.services.now() + (error.retry_after or 0))
    text = context.pages.refused(
        get_language(request), wording, request.state.request_id, next_steps, error.code, again=again
    )
    return responses.with_retry(responses.html_response(text, error.status), error)


def _to_minute(seconds: int) -> datetime:
    """Return the time of `seconds` since the epoch, rounded up to the minute."""
    return datetime.fromtimestamp(-(-seconds // 60) * 60, UTC)


def _find_next_steps(context: WebContext, request: Request, error: ConnectError, back_to: str) -> list[NextStep]:
    """Return what the error page links to, the best first; never the address that was just refused."""
    steps = _find_ways(context, request, error, back_to)
    steps = [step for step in steps if not _leads_in_a_circle(request, error, step)]
    return steps or [NextStep("to_login", context.get_login_page(""))]


def _find_ways(context: WebContext, request: Request, error: ConnectError, back_to: str) -> list[NextStep]:
    account = f"{context.prefix}/account"
    back_to = back_to and f"{context.prefix}{back_to}"
    if isinstance(error, NotLoggedIn):
        return [NextStep("start_again", context.get_login_page(back_to or account))]
    flow = _find_refused_flow(context, request)
    can_merge = context.manager.merges.are_offered and isinstance(error, BelongsToAnother | NothingToMerge)
    merge = [NextStep("merge", f"{account}/merge")] if can_merge else []
    if flow and flow.purpose is PurposeKind.JOIN:
        ticket = get_cookies(request).get(context.cookies.pending, "")
        return [NextStep("keep", context.get_choice_page(flow.delivery, ticket))]
    if flow and flow.purpose is PurposeKind.CONFIRM:
        confirm = context.get_confirming_page(context.shorten(flow.return_to))
        return [NextStep("confirm_again", confirm), NextStep("keep", account)]
    if flow and flow.bound_to:
        return [*merge, NextStep("keep", account)]
    return_to = _find_return_target(context, request, flow)
    other_login = NextStep("other_login", context.get_login_page(return_to))
    to_shop = NextStep("to_shop", context.manager.settings.service.home_url)
    is_limited = isinstance(error, RateLimited) and not isinstance(error, TooManyTries)
    if is_limited and back_to != account:
        return [other_login, to_shop]  # every other page that could be gone back to is counted as well
    # a page that this shop has switched off must not lead back to itself
    is_nowhere = isinstance(error, Unsupported) and request.method == "GET"
    if back_to and not is_nowhere and not error.code.startswith("state_"):
        return [*(merge if back_to == account else []), NextStep("keep", back_to)]
    match error:
        case PageNotFound() | MethodNotAllowed():
            return [NextStep("to_login", other_login.url), to_shop]
        case ProviderConfig() | ProviderDown():
            return [other_login, to_shop]  # to start again would end here again
    match error.code:
        case "forbidden":
            return [to_shop]
        case "member_disabled" | "unsupported":
            return [other_login]
    start_again = NextStep("start_again", with_query(_find_start(context, request, flow), return_to=return_to))
    return [start_again, *([other_login] if refusal_for(error.code).other_login else [])]


def _leads_in_a_circle(request: Request, error: ConnectError, step: NextStep) -> bool:
    """Tell whether `step` would only repeat the request that was refused.

    What may succeed a moment later may be repeated, and so may an address whose parameters were wrong, without them.
    """
    parts = urlsplit(step.url)
    if request.method != "GET" or parts.netloc or unquote(parts.path) != request.scope["path"]:
        return False
    if isinstance(error, Unavailable | ProviderFault) and not isinstance(error, ProviderConfig):
        return False
    is_about_query = isinstance(error, BadRequest | RedirectNotAllowed | Unsupported)
    if is_about_query and not isinstance(error, PageNotFound):
        return parse_qsl(parts.query) == request.query_params.multi_items()
    return True


def _find_repeated_page(context: WebContext, request: Request, form: str, back_to: str) -> str:
    """Return where a member goes on who has confirmed who they are: the page itself, or the one with the form."""
    if request.method == "GET" and not form:
        # not from request.url, which contains the Host header that the client sent
        path, query = quote(request.scope["path"]), request.scope["query_string"].decode("latin-1")
        return f"{path}?{query}" if query else path
    return f"{context.prefix}{form or back_to or '/account'}"


def _find_start(context: WebContext, request: Request, flow: Flow | None) -> str:
    """Return where the refused login began: its provider's start URL, or the login page where no provider is named."""
    provider, client = request.path_params.get("provider"), request.path_params.get("client")
    if not provider:
        return f"{context.prefix}/login"
    prefix = f"{get_root()}/buyer/connect" if flow and flow.delivery is Delivery.TOKEN_COOKIES else context.prefix
    return f"{prefix}/{provider}/{client}/login"


def _find_refused_flow(context: WebContext, request: Request) -> Flow | None:
    """Return the flow that this browser's cookie holds for the refused request, even when it has expired."""
    sealed = get_cookies(request).get(getattr(request.state, "flow_cookie", ""))
    with suppress(RequestRefused):
        return context.manager.flows.open_expired(request.query_params.get("state", ""), sealed)
    return None


def _find_return_target(context: WebContext, request: Request, flow: Flow | None) -> str:
    """Return where the visitor wanted to go, if that is allowed; empty for the shop's home.

    A callback's own `return_to` is ignored: anybody could have added it to the address.
    """
    if flow:
        return context.shorten(flow.return_to)
    requested = "" if request.scope["path"].endswith("/callback") else request.query_params.get("return_to", "")
    with suppress(RequestRefused):
        return requested and context.shorten(context.manager.targets.check(requested))
    return ""
