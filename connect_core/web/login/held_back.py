"""What a visitor sees whose login is held back while its vendor is down: the logins that they can use instead."""

from collections.abc import Iterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import ConnectError, ProviderDown, RequestRefused
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web.context import WebContext
from connect_core.web.error_pages import answer_error, error_page
from connect_core.web.login.browsers import find_better_place
from connect_core.web.login.offered import find_start_url, get_title
from connect_core.web.pages.links import with_query
from connect_core.web.pages.views import NextStep
from connect_core.web.requests import get_visit, wants_page

MOST_NAMED = 3
"""Logins that the page names; the login page has all of them."""


def answer_start(context: WebContext, request: Request, error: ConnectError) -> Response:
    """Answer the error of a login's start; where its vendor is down, a page offers the other logins by name."""
    if not isinstance(error, ProviderDown) or not wants_page(request):
        return answer_error(context, request, error)
    return_to, language = _find_return_target(context, request), get_visit(request).language
    steps = [
        NextStep(
            "log_in_with",
            with_query(find_start_url(context, other) or "", return_to=return_to),
            get_title(other, language),
        )
        for other in _find_others(context, request)
    ]
    login_page = NextStep("other_login", context.get_login_page(return_to))
    return error_page(context, request, error, "provider_down", [*steps[:MOST_NAMED], login_page])


def _find_others(context: WebContext, request: Request) -> Iterator[ConfiguredProvider]:
    """Yield the logins of the same client type that work in this browser now."""
    for configured in context.manager.registry.shown_for(request.path_params["client"]):
        is_up = not configured.circuit.seconds_held and find_start_url(context, configured) is not None
        if is_up and find_better_place(configured, get_visit(request).user_agent) is None:
            yield configured


def _find_return_target(context: WebContext, request: Request) -> str:
    requested = request.query_params.get("return_to", "")
    with suppress(RequestRefused):
        return requested and context.shorten(context.manager.targets.check(requested))
    return ""
