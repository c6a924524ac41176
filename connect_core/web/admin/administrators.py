"""The screen *administrators*: who may use this page, their roles and sessions; creating, disabling, setting up anew.

A set-up code is shown once, in the answer to the form that asked for it: it is in no address and no cookie.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.accounts import AdministratorRefused
from connect_core.administrators.roles import Role
from connect_core.errors import BadRequest
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.administrators import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen

PATH = "/administrators"


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of this screen."""
    screen = _Administrators(admin)
    acts = (
        ("", screen.create),
        ("/sessions/end", screen.end_sessions),
        ("/{name}/role", screen.set_role),
        ("/{name}/disable", screen.disable),
        ("/{name}/enable", screen.enable),
        ("/{name}/reset", screen.reset),
    )
    return [
        AdminRoute("GET", PATH, Role.VIEWER, screen.page),
        *(
            AdminRoute("POST", PATH + path, Role.OPERATOR, endpoint, is_dangerous=True, form_page=PATH)
            for path, endpoint in acts
        ),
    ]


SCREEN = Screen("administrators", PATH, Role.VIEWER, TEXTS, make_routes)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form for a new administrator, and the mistake in it: the key of a text, or empty."""

    name: str = ""
    role: str = Role.VIEWER
    mistake: str = ""


class _Administrators:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._accounts = admin, admin.accounts

    async def page(self, request: Request) -> Response:
        return await self._show(request)

    async def create(self, request: Request) -> Response:
        form = self._admin.get_form(request)
        name, role = form.get("name").strip(), _parse_role(form.get("role"))
        try:
            code = await self._accounts.create(name, role, self._admin.act(request))
        except AdministratorRefused as error:
            return await self._show(request, Typed(name, role, f"mistake_{error.reason}"))
        return self._tell_code(request, name, code)

    async def reset(self, request: Request) -> Response:
        name = request.path_params["name"]
        return self._tell_code(request, name, await self._accounts.reset(name, self._admin.act(request)))

    async def set_role(self, request: Request) -> Response:
        form, name, act = self._admin.get_form(request), request.path_params["name"], self._admin.act(request)
        role, former = _parse_role(form.get("role")), _parse_role(form.get("former"))
        try:
            is_new = await self._accounts.set_role(name, role, act, former=former)
        except AdministratorRefused as error:
            return await self._show(request, mistake=f"mistake_{error.reason}")
        return self._admin.done(PATH, "role_changed" if is_new else "unchanged")

    async def disable(self, request: Request) -> Response:
        try:
            is_new = await self._accounts.disable(request.path_params["name"], self._admin.act(request))
        except AdministratorRefused as error:
            return await self._show(request, mistake=f"mistake_{error.reason}")
        return self._admin.done(PATH, "administrator_disabled" if is_new else "unchanged")

    async def enable(self, request: Request) -> Response:
        is_new = await self._accounts.enable(request.path_params["name"], self._admin.act(request))
        return self._admin.done(PATH, "administrator_enabled" if is_new else "unchanged")

    async def end_sessions(self, request: Request) -> Response:
        """End an administrator's sessions; of one's own, all but this one."""
        form, signed_in = self._admin.get_form(request), self._admin.get_signed_in(request)
        await self._admin.sessions.end_all_of(
            form.get("name"), form.get("provider"), self._admin.act(request), spared=signed_in.key
        )
        return self._admin.done(PATH, "administrator_sessions_ended")

    async def _show(self, request: Request, typed: Typed | None = None, *, mistake: str = "") -> Response:
        accounts, sessions = await self._accounts.find_all(), await self._admin.sessions.find_live()
        return self._admin.page(
            request,
            "administrators.html",
            400 if typed or mistake else 200,
            accounts=accounts,
            sessions=sessions,
            own_session=self._admin.get_signed_in(request).key,
            roles=list(Role),
            typed=typed or Typed(),
            mistake=mistake,
        )

    def _tell_code(self, request: Request, name: str, code: str) -> Response:
        service = self._admin.manager.settings.service
        return self._admin.page(
            request,
            "set_up_code.html",
            name=name,
            code=code,
            address=f"{service.public_url}{self._admin.prefix}/set-up",
        )


def _parse_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise BadRequest("role: give viewer, support or operator") from None
