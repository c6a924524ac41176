"""Setting up an administrator's account with the code that an operator gave: a password and an authenticator app."""

import io

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.acts import OperatorAct
from connect_core.administrators.accounts import AdministratorRefused
from connect_core.crypto.one_time_passwords import get_totp_address
from connect_core.errors import PasswordRefused
from connect_core.members.passwords import check_password
from connect_core.web import endpoints
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.forms import Form
from connect_core.web.admin.guard import answering_errors, read_checked_form


def set_up_routes(admin: AdminContext) -> list[BaseRoute]:
    """Return the routes of this module. Everybody may open them; the code is the proof."""
    set_up, path = _SetUpEndpoints(admin), f"{admin.web.route_prefix}/admin/set-up"
    style = answering_errors(admin, "/set-up")
    return [
        endpoints.route(admin.web, path, set_up.page, "GET", style=style),
        endpoints.route(admin.web, path, set_up.continue_or_finish, "POST", style=style),
    ]


class _SetUpEndpoints:
    def __init__(self, admin: AdminContext) -> None:
        self._admin = admin

    async def page(self, request: Request) -> Response:
        return self._admin.page(request, "set_up.html", name="", mistake="")

    async def continue_or_finish(self, request: Request) -> Response:
        """Show the secret of a right code; with a password and a one-time password, store both."""
        admin, form = self._admin, await read_checked_form(self._admin, request)
        name, code = form.get("name").strip(), form.get("code").strip()
        admin.web.check_failures(request)
        try:
            secret = await admin.accounts.find_set_up(name, code)
        except AdministratorRefused as error:
            await admin.web.note_failure(request)
            values = {"name": name, "mistake": f"mistake_{error.reason}"}
            return admin.page(request, "set_up.html", error.status, **values)
        if "password" not in form:
            return self._ask(request, name, code, secret)
        try:
            return await self._finish(request, name, code, form)
        except AdministratorRefused as error:
            return self._ask(request, name, code, secret, totp_mistake=f"mistake_{error.reason}")
        except PasswordRefused as error:
            return self._ask(request, name, code, secret, password_mistake=f"password_{error.reason}")

    async def _finish(self, request: Request, name: str, code: str, form: Form) -> Response:
        admin, password = self._admin, form.get("password")
        check_password(password, name)
        hashed = await admin.manager.services.hash_password(password)
        act = OperatorAct(name, "", request.state.request_id, "page")
        await admin.accounts.set_up(name, code, hashed, form.get("totp"), act)
        return admin.done("/sign-in", "set_up")

    def _ask(
        self, request: Request, name: str, code: str, secret: str, *, password_mistake: str = "", totp_mistake: str = ""
    ) -> Response:
        shop = self._admin.manager.settings.pages.get_name("en") or "connect-login"
        return self._admin.page(
            request,
            "set_up_secret.html",
            400 if password_mistake or totp_mistake else 200,
            name=name,
            code=code,
            secret=" ".join(secret[place : place + 4] for place in range(0, len(secret), 4)),
            qr_code=draw_code(get_totp_address(secret, name, shop)),
            password_mistake=password_mistake,
            totp_mistake=totp_mistake,
        )


def draw_code(text: str) -> Markup:
    """Return the QR code of `text` as SVG to stand in a page: dark on light, four modules of quiet zone."""
    svg = io.BytesIO()
    segno.make_qr(text, error="m").save(
        svg, kind="svg", scale=5, border=4, light="#fff", xmldecl=False, svgns=False, svgclass="code", lineclass=None
    )
    return Markup(svg.getvalue().decode())  # noqa: S704 - numbers of segno's, no text of anybody's
