"""What stands before every screen: who is signed in, whether the form is theirs, and whether their role is enough.

Also answers the errors of the admin page. Never decides what a screen shows.
"""

import hmac
from contextlib import suppress
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.errors import (
    ConnectError,
    Forbidden,
    LoginTooOld,
    MethodNotAllowed,
    NotLoggedIn,
    PageNotFound,
    ProviderFault,
    RateLimited,
    RoleNeeded,
    Unavailable,
)
from connect_core.web import responses
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.forms import TOKEN_FIELD, Form, read_form
from connect_core.web.admin.screens import AdminRoute
from connect_core.web.endpoints import Endpoint
from connect_core.web.pages.times import describe_wait
from connect_core.web.requests import check_origin, get_cookies, wants_page


def guard(admin: AdminContext, route: AdminRoute) -> Endpoint:
    """Return the endpoint of `route` behind its checks: session, origin, form token, role, recent proof."""

    async def guarded(request: Request) -> Response:
        signed_in = await admin.sessions.find(get_cookies(request).get(admin.web.cookies.admin, ""))
        if signed_in is None:
            return _lead_to_sign_in(admin, route, request)
        request.state.administrator = signed_in
        if route.method == "POST":
            request.state.admin_form = form = await read_checked_form(admin, request)
            if not hmac.compare_digest(_get_token(form), admin.make_form_token(signed_in).encode()):
                raise Forbidden("the form is of another session")
        if not signed_in.role.includes(route.role):
            raise RoleNeeded(route.role, f"the role {route.role} is needed")
        if route.is_dangerous and not admin.sessions.is_recent(signed_in):
            raise LoginTooOld("the administrator has to prove who they are again")
        return await route.endpoint(request)

    return guarded


def _lead_to_sign_in(admin: AdminContext, route: AdminRoute, request: Request) -> Response:
    """Answer whoever opens a page without a session, which is no refused login. Raises `NotLoggedIn` for all else."""
    if route.method != "GET" or not wants_page(request):
        raise NotLoggedIn("no administrator is signed in")
    if request.headers.get("sec-fetch-site") == "cross-site":
        return admin.page(request, "arriving.html", address=get_page(admin, request))
    return _lead_to_proof(admin, "sign-in", get_page(admin, request))


def _lead_to_proof(admin: AdminContext, page: str, back: str) -> Response:
    return admin.done(f"/{page}?{urlencode({'next': back})}" if back else f"/{page}")


async def read_checked_form(admin: AdminContext, request: Request) -> Form:
    """Return the posted form, which a page of ours has sent.

    Raises `Forbidden` when a page of another origin sent it; `[service] cors_origins` do not count here.
    """
    check_origin(request, (admin.manager.settings.service.public_url,))
    return await read_form(request)


def get_page(admin: AdminContext, request: Request) -> str:
    """Return the path below `/connect/admin` and the query that a GET asks for, for a link to it."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    query = request.scope["query_string"].decode("latin-1")
    page = path.removeprefix(f"{admin.web.route_prefix}/admin") + (f"?{query}" if query else "")
    return admin.check_page(page)


def answer_admin_error(admin: AdminContext, request: Request, error: ConnectError, *, form_page: str = "") -> Response:
    """Answer an error of the admin page: by the page that mends it, by an error page, or for a program as JSON.

    `form_page` is the path of the page that has the form which was refused.
    """
    if not wants_page(request):
        return responses.problem(error, request.state.request_id)
    back = form_page.format_map(request.path_params) if request.method == "POST" else get_page(admin, request)
    if isinstance(error, NotLoggedIn | LoginTooOld):
        return _lead_to_proof(admin, "confirm" if isinstance(error, LoginTooOld) else "sign-in", back)
    texts, wording = admin.get_texts(request), _get_wording(error)
    advice = texts[f"{wording}_advice"]
    if isinstance(error, RateLimited):
        advice %= describe_wait(error.retry_after or 60, admin.get_language(request))
    response = admin.page(
        request,
        "refused.html",
        error.status,
        title=texts[f"{wording}_title"],
        advice=advice % texts[f"role_{error.role}"] if isinstance(error, RoleNeeded) and error.role else advice,
        reason=_get_reason(error) if admin.find_signed_in(request) else "",
        code=error.code,
        request_id=request.state.request_id,
        back=admin.prefix + form_page.format_map(request.path_params) if request.method == "POST" else admin.prefix,
    )
    return responses.with_retry(response, error)


async def answer_unrouted(admin: AdminContext, request: Request, error: ConnectError) -> Response:
    """Answer an address of the admin page that no route takes, to an administrator with the menu."""
    if wants_page(request):
        with suppress(Unavailable):  # the page needs no database
            token = get_cookies(request).get(admin.web.cookies.admin, "")
            request.state.administrator = await admin.sessions.find(token)
    return answer_admin_error(admin, request, error)


def answering_errors(admin: AdminContext, form_page: str = "") -> "partial[Response]":
    """Return the error style of the routes whose form is on the page `form_page`."""
    return partial(answer_admin_error, admin, form_page=form_page)


def _get_reason(error: ConnectError) -> str:
    """Return what an administrator reads besides the advice: the error's own text, where it has one."""
    return "" if isinstance(error, RoleNeeded) or str(error) == error.code else str(error)


def _get_wording(error: ConnectError) -> str:
    if isinstance(error, RoleNeeded):
        return "refused_role" if error.role in tuple(Role) else "refused_no_role"
    if isinstance(error, PageNotFound | MethodNotAllowed):
        return "refused_address"
    if isinstance(error, ProviderFault):
        return "refused_provider"
    known = {"bad_request", "forbidden", "unsupported", "changed_meanwhile", "rate_limited", "provider_denied"}
    if error.code.startswith(("state_", "code_")):
        return "refused_state"
    return f"refused_{error.code}" if error.code in known else "refused_unavailable"


def _get_token(form: Form) -> bytes:
    return form.get(TOKEN_FIELD).encode("utf-8", "surrogatepass")
