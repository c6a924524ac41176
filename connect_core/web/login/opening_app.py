"""The page between a login's start and the vendor's app, for providers with a deep link (`DeepLinks`).

A link such as `alipays://…` does nothing on a desk, without the app, and in browsers that block it. So the page opens
the app, says where the login goes on, and leads to another way to log in. On a desk it shows a QR code of the same
login instead. It works without scripts: the header `Refresh` opens the app.
"""

from starlette.requests import Request
from starlette.responses import Response

from connect_core.login.start import Start
from connect_core.providers.abilities import RequiredBrowser
from connect_core.user_agents import find_in_app_browser, is_mobile
from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.login.browsers import find_better_place
from connect_core.web.pages.links import with_query
from connect_core.web.pages.views import AppOpening
from connect_core.web.pages.ways_out import find_way_out
from connect_core.web.requests import get_cookies, get_parameters, get_visit

OPENED_SECONDS = 600
"""Seconds for which a browser remembers that it opened the app: a page that is loaded again does not open it again."""


async def open_app(context: WebContext, request: Request, start: Start, title: str) -> Response:
    """Answer the page that opens the vendor's app; `title` is what the app is called.

    The login ends in the app's browser. A visitor who comes back to this one and is logged in reads that.
    """
    provider, agent = request.path_params["provider"], get_visit(request).user_agent
    path = f"{context.prefix}/{provider}/{request.path_params['client']}"
    was_opened = get_cookies(request).get(context.cookies.opened) == provider
    state = await _find_state(context, request, start, was_opened=was_opened)
    parameters = get_parameters(request)
    return_to = parameters.get("return_to", "")
    code_query = {name: parameters.get(name, "") for name in ("return_to", "redirect_uri")}
    opening = AppOpening(
        state=state,
        app=title,
        link=start.login_url,
        code_url=with_query(f"{path}/login/code.svg", **code_query),
        address=start.start_url,
        login_page=context.get_login_page(return_to),
        return_to=context.manager.targets.check(return_to or context.manager.settings.service.home_url),
        handover=context.get_qr_login_page(return_to),
        way_out=find_way_out(find_in_app_browser(agent), start.start_url),
    )
    response = responses.html_response(context.pages.opening_app(get_visit(request).language, opening))
    if state == "opening":
        context.cookies.set(response, context.cookies.opened, provider, OPENED_SECONDS)
        if find_in_app_browser(agent) is None:  # a web view may show its own error page for a link it cannot open
            response.headers["refresh"] = f"0;url={start.login_url}"
    return response


async def _find_state(context: WebContext, request: Request, start: Start, *, was_opened: bool) -> str:
    agent = get_visit(request).user_agent
    configured = context.manager.registry.find(request.path_params["provider"], request.path_params["client"])
    if was_opened and await context.manager.current_member.find_member(context.get_presented(request)):
        return "logged_in"
    if find_better_place(configured, agent) is RequiredBrowser.BROWSER:
        return "elsewhere"
    is_web = start.login_url.partition(":")[0] in ("http", "https")  # opens anywhere, as a sandbox's does
    if not is_web and not is_mobile(agent):
        return "desk"
    return "opened" if was_opened else "opening"
