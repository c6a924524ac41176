"""`AdminContext`: what every screen of the admin page needs, built once when the application is created.

Renders pages, answers who is signed in, makes the `OperatorAct` of a request, and leads back with a message. Has no
route and checks no right: `guard` does.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from connect_core.acts import OperatorAct
from connect_core.administrators.accounts import Accounts
from connect_core.administrators.openid import ProviderSignIn
from connect_core.administrators.roles import Role
from connect_core.administrators.sessions import AdministratorSessions, SignedIn
from connect_core.administrators.sign_in import SignIn
from connect_core.crypto import keyed_hash
from connect_core.crypto.sealing import derive_key
from connect_core.errors import SettingsError
from connect_core.identity import ClientType, Language
from connect_core.manager import ConnectManager
from connect_core.providers.registry import Registry
from connect_core.settings import Settings
from connect_core.web import responses
from connect_core.web.admin.catalogues import load_admin_catalogues
from connect_core.web.admin.doctor_runner import DoctorRunner
from connect_core.web.admin.forms import TOKEN_FIELD, Form
from connect_core.web.admin.marked_text import mark_code
from connect_core.web.admin.screens import Screen
from connect_core.web.context import WebContext
from connect_core.web.pages import TEMPLATES as PAGES
from connect_core.web.pages.assets import Asset, load_asset
from connect_core.web.pages.links import with_query
from connect_core.web.rate_limit import CountersInDatabase, Limiter
from connect_core.web.requests import get_cookies
from connect_core.web.responses import LANGUAGE_MEMORY

HERE = Path(__file__).parent
TRIES = "10 per 15 minutes"
"""Tries of a name's password on the admin page, counted in the database for all processes."""
FLASH_SECONDS = 60
_FLASH = re.compile("[a-z_]{1,48}")
_PAGE = re.compile(r"(?:/[A-Za-z0-9._~-]+)*(?:\?[A-Za-z0-9._~=&%+-]*)?")


class AdminContext:
    """The admin page of a running service."""

    def __init__(self, web: WebContext, screens: Sequence[Screen]) -> None:
        """`screens` are those of the menu, in order. Raises `SettingsError` for a provider that cannot sign in."""
        self.web, self.screens = web, tuple(screens)
        self.manager: ConnectManager = web.manager
        settings, services = self.manager.settings, self.manager.services
        keys, database, now = settings.service.keys, self.manager.database, services.now
        self.settings = settings.admin
        self.accounts = Accounts(database, keys, now, has_provider=bool(self.settings.provider))
        self.sessions = AdministratorSessions(database, self.settings, now)
        self.doctor = DoctorRunner(self.manager)
        self.sign_in = SignIn(database, self.settings, self.accounts, self.sessions, services.is_password, now)
        self._provider_sign_in: tuple[Settings, ProviderSignIn | None] = (self.manager.settings, self._find_provider())
        counters = CountersInDatabase(database, derive_key(keys[0], "administrators' tries"), now)
        self.limiter = Limiter(TRIES, counters, name="per_username")
        self.catalogues = load_admin_catalogues(self.screens)
        self.style: Asset = load_asset(HERE / "static" / "admin.css")
        self._form_key = derive_key(keys[0], "administrators' forms")
        self._environment = self._make_environment()

    @property
    def prefix(self) -> str:
        """What the addresses of the admin page begin with, as this request's browser sees them."""
        return f"{self.web.prefix}/admin"

    @property
    def provider_sign_in(self) -> ProviderSignIn | None:
        """How administrators sign in through a provider; None where the settings name none.

        Raises `SettingsError` when a change of the settings has made the provider useless.
        """
        made_of, sign_in = self._provider_sign_in
        if made_of is not self.manager.settings:
            sign_in = self._find_provider()
            self._provider_sign_in = (self.manager.settings, sign_in)
        return sign_in

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        """Answer a page: `template` of `web/admin/templates`, rendered with `values`.

        Every template also has: `t` (the texts), `prefix` (of links, `/connect/admin`), `form_token` (put it into every
        form), `me` (a `SignedIn`, None before the sign-in), `may(role)`, `menu`, and the filters `when` (of epoch
        seconds), `icon` and `initial` (of a provider). A message that `done` left is shown once.
        """
        language, signed_in = self.get_language(request), self.find_signed_in(request)
        cookies, texts = self.web.cookies, self.catalogues.texts[language]
        flash = get_cookies(request).get(cookies.admin_flash, "") if request.method == "GET" else ""
        text = self._environment.get_template(template).render(
            values,
            t=texts,
            prefix=self.prefix,
            styles=self._find_styles(),
            languages=self._link_languages(request, language),
            menu=self._make_menu(request, signed_in, texts),
            me=signed_in,
            may=lambda role: signed_in is not None and signed_in.role.includes(Role(role)),
            form_token=self._make_field(signed_in),
            message=texts.get(f"flash_{flash}", "") if _FLASH.fullmatch(flash) else "",
        )
        response = responses.html_response(text.encode("utf-8", "replace").decode(), status)
        if flash:
            cookies.drop(response, cookies.admin_flash)
        if self.find_requested_language(request):
            cookies.set(response, cookies.language, language, LANGUAGE_MEMORY)
        return response

    def done(self, path: str, message: str = "") -> Response:
        """Lead the browser to the page `path`, below `/connect/admin`, which says the text `flash_MESSAGE` once."""
        response = responses.redirect(self.prefix + path)
        if message:
            self.web.cookies.set(response, self.web.cookies.admin_flash, message, FLASH_SECONDS)
        return response

    def act(self, request: Request, reason: str = "") -> OperatorAct:
        """Return who does what this request asks for, for whatever does it. Raises `BadRequest` for a long reason."""
        return OperatorAct(self.get_signed_in(request).name, reason, request.state.request_id, "page")

    def get_form(self, request: Request) -> Form:
        """Return the form of a POST, which the guard has read and checked."""
        form: Form = request.state.admin_form
        return form

    def get_signed_in(self, request: Request) -> SignedIn:
        """Return the administrator who sent the request, on a route behind the guard."""
        signed_in = self.find_signed_in(request)
        assert signed_in is not None
        return signed_in

    def find_signed_in(self, request: Request) -> SignedIn | None:
        """Return the administrator whom the guard has found, None on a page that everybody may see."""
        signed_in: SignedIn | None = getattr(request.state, "administrator", None)
        return signed_in

    def get_texts(self, request: Request) -> Mapping[str, str]:
        """Return the texts in the language of this request, by key."""
        return self.catalogues.texts[self.get_language(request)]

    def get_language(self, request: Request) -> Language:
        """Return the language of the admin page for this request: chosen, remembered, or what the browser asks for."""
        if requested := self.find_requested_language(request):
            return requested
        remembered = get_cookies(request).get(self.web.cookies.language, "")
        accepted = request.headers.get("accept-language", "")
        return self.catalogues.find_language(remembered) or self.catalogues.pick_language(accepted)

    def find_requested_language(self, request: Request) -> Language | None:
        """Return the language that `?lang=` asks for."""
        return self.catalogues.find_language(request.query_params.get("lang", ""))

    def make_form_token(self, signed_in: SignedIn) -> str:
        """Return what every form of this session carries; nobody can compute it who does not have the session."""
        return keyed_hash(self._form_key, "form", signed_in.key)

    def check_page(self, page: str) -> str:
        """Return `page`, the path of a page below `/connect/admin` with its query; empty for any other text."""
        return page if _PAGE.fullmatch(page) else ""

    def start_session(self, token: str, page: str) -> Response:
        """Lead a browser that has just signed in to `page`, with its session."""
        response = responses.redirect(self.prefix + page)
        self.web.cookies.set_strict(response, self.web.cookies.admin, token, self.settings.session_absolute)
        return response

    def _find_provider(self) -> ProviderSignIn | None:
        """Make the provider of `[admin]`, which no client type has to show."""
        manager, name = self.manager, self.settings.provider
        if not name:
            return None
        if name not in manager.settings.providers:
            raise SettingsError([f"admin.provider: there is no [providers.{name}]"])
        alone = manager.settings.model_copy(update={"clients": {ClientType.PC: [name]}})
        try:
            configured = Registry(alone, manager.plugins, manager.pool).find(name, ClientType.PC)
        except SettingsError as error:
            raise SettingsError([f"admin.provider: {mistake}" for mistake in error.mistakes]) from None
        sign_in = ProviderSignIn(configured, manager.database, alone.service.keys, manager.services.now)
        if not sign_in.is_able:
            raise SettingsError([f"admin.provider: {name} is no OpenID provider, and tells no groups"])
        return sign_in

    def _make_environment(self) -> Environment:
        environment = Environment(
            loader=ChoiceLoader(
                [FileSystemLoader(HERE / "templates"), PrefixLoader({"pages": FileSystemLoader(PAGES)})]
            ),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        web = self.web  # its pages are replaced when settings change at run time
        environment.filters["icon"] = lambda icon: web.pages.environment.filters["icon"](icon)  # noqa: PLW0108 - see above
        environment.filters["initial"] = web.pages.environment.filters["initial"]
        environment.filters["when"] = _make_time_filter(web)
        environment.filters["code"] = mark_code
        environment.tests["drawn"] = lambda icon: f"{icon}.svg" in web.pages.assets
        return environment

    def _find_styles(self) -> list[str]:
        common = f"{self.web.prefix}/static/connect.css?v={self.web.pages.assets['connect.css'].version}"
        return [common, f"{self.prefix}/static/admin.css?v={self.style.version}"]

    def _link_languages(self, request: Request, language: Language) -> list[tuple[Mapping[str, str], str]]:
        if request.method != "GET":  # the answer to a form has no address of its own
            return []
        query: dict[str, Any] = {name: value for name, value in request.query_params.items() if name != "lang"}
        others = [other for other in self.catalogues.languages if other != language]
        return [(self.catalogues.texts[other], with_query("", **{**query, "lang": other})) for other in others]

    def _make_menu(
        self, request: Request, signed_in: SignedIn | None, texts: Mapping[str, str]
    ) -> list[tuple[str, str, bool]]:
        """Return name, address and whether it is the current one, of each screen that this role may open."""
        if signed_in is None:
            return []
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        below = path.removeprefix(f"{self.web.route_prefix}/admin")
        shown = [screen for screen in self.screens if signed_in.role.includes(screen.role)]
        return [
            (
                texts[f"nav_{screen.name}"],
                self.prefix + screen.path,
                below == screen.path or (bool(screen.path) and below.startswith(f"{screen.path}/")),
            )
            for screen in shown
        ]

    def _make_field(self, signed_in: SignedIn | None) -> Markup:
        if signed_in is None:
            return Markup("")
        return Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN_FIELD, self.make_form_token(signed_in))


def _make_time_filter(web: WebContext) -> Callable[[Context, int], Markup]:
    @pass_context
    def when(context: Context, seconds: int) -> Markup:
        """Return a time in epoch seconds as a `<time>` element, in the page's language and the shop's time zone."""
        write, moment = web.pages.environment.filters["moment"], datetime.fromtimestamp(seconds, UTC)
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), write(context, moment))

    return when
