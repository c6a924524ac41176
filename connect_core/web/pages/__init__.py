"""`Pages`: every page a member sees, as HTML text: hosted login, errors, account, merges, QR logins.

Plain links and forms, no script and nothing inline, so that the strictest Content-Security-Policy holds. A shop's own
templates come before ours. Never touches a request, a cookie or the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from connect_core.errors import Unavailable, every_error
from connect_core.identity import Language
from connect_core.settings import PageSettings
from connect_core.web.mounting import get_root
from connect_core.web.pages.assets import NO_ICONS, SHOP_STYLES, STYLES, find_logo, load_assets
from connect_core.web.pages.catalogues import load_catalogues
from connect_core.web.pages.flash import MESSAGES, get_pending_flash
from connect_core.web.pages.links import is_web_address, with_query
from connect_core.web.pages.messages import refusal_keys
from connect_core.web.pages.times import describe_wait, format_moment, make_filters
from connect_core.web.pages.views import (
    AccountView,
    AppOpening,
    ConfirmationView,
    ConnectionView,
    FirstLoginView,
    FlashView,
    LoginChoice,
    LoginView,
    MemberView,
    MergePreview,
    NextStep,
    QrLoginConfirmation,
    ShopView,
    WayOut,
    get_initial,
)

LARGE_CHOICES = 3
"""Logins that have a row of their own on the login page; the others share one row of icons."""
NO_LOGIN_VIEW, NO_QUERY = LoginView(), MappingProxyType[str, str]({})
TEMPLATES = Path(__file__).parent / "templates"
NOWHERE = "#preview"
"""Where the links of a preview lead."""
NO_WAY_OUT = WayOut("open_in_browser")
_CODES = frozenset(error.code for error in every_error())


class Pages:
    """Every page, compiled once and safe to share between requests."""

    def __init__(
        self,
        settings: PageSettings = PageSettings(),  # noqa: B008 - frozen
        prefix: str = "/connect",
        icons: Mapping[str, bytes] = NO_ICONS,
        home_url: str = "",
    ) -> None:
        """A file of the shop's `template_folder` replaces ours of the same name, and finds ours as `connect/NAME`.

        `prefix` is where the routes begin; `icons` are the SVGs of plugins by name; every page leads back to `home_url`
        if it is set. Raises `SettingsError` for a stylesheet, a logo or a catalogue that cannot be read.
        """
        self._route_prefix, self._settings, self._home_url = prefix, settings, home_url
        self._zone = ZoneInfo(settings.time_zone)
        self.catalogues = load_catalogues(settings.languages, settings.default_language, settings.locale_folder)
        self.assets = load_assets(settings.stylesheet, icons, settings.logo)
        ours = FileSystemLoader(TEMPLATES)
        shops = [FileSystemLoader(settings.template_folder)] if settings.template_folder else []
        self.environment = Environment(
            loader=ChoiceLoader([*shops, ours, PrefixLoader({"connect": ours})]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(icon=self._icon_url, initial=get_initial, **make_filters(self._zone))
        self.environment.tests["drawn"] = lambda icon: f"{icon}.svg" in self.assets
        self.environment.globals.update(prefix=prefix, styles=self._styles)  # for what a template imports

    def login(
        self,
        language: Language,
        choices: Sequence[LoginChoice],
        view: LoginView = NO_LOGIN_VIEW,
        *,
        way_out: WayOut = NO_WAY_OUT,
    ) -> str:
        """Return the hosted login page: the logins that work in this browser, then the others and where they work.

        Those whose vendor does not answer come last, without a link.

        The first logins have a row each, the others share one. The return target of `view` goes into every login's
        address; with the client type it goes into the links to other languages. `way_out` says how to take the page
        along to another browser.
        """
        return_to = view.return_to
        page_query = {"client": view.client, "return_to": return_to, "another": "1" if view.is_switching else ""}
        down, up = [[choice for choice in choices if choice.is_down is is_down] for is_down in (True, False)]
        logins = [(choice, with_query(choice.url, return_to=return_to)) for choice in up if not choice.place]
        elsewhere = [choice for choice in up if choice.place]
        return self._render(
            "login.html",
            language,
            # after a mistake this is the answer to a POST, and a link to another language would be a GET
            page_query=None if view.mistake or view.is_preview else page_query,
            logins=logins[:LARGE_CHOICES],
            more=logins[LARGE_CHOICES:],
            elsewhere=elsewhere,
            down=down,
            address=way_out.address if elsewhere else "",
            way_out=way_out,
            handover=self._find_handover(view) if view.has_qr_login else "",
            view=view,
        )

    def already_logged_in(
        self,
        language: Language,
        member: MemberView,
        *,
        go_on_url: str = "",
        another_url: str = "",
        page_query: Mapping[str, str] = NO_QUERY,
    ) -> str:
        """Return what a member who is logged in sees of the login page.

        It links to `go_on_url`, unless that is empty, to the account page, and to `another_url` for a login as somebody
        else; its form posts to `{prefix}/logout`. `page_query` are the parameters of the page's own address.
        """
        values: dict[str, Any] = {
            "go_on_url": go_on_url if is_web_address(go_on_url) else "",
            "another_url": another_url,
        }
        return self._render("already_logged_in.html", language, page_query=page_query, member=member, **values)

    def confirm_identity(self, language: Language, view: ConfirmationView) -> str:
        """Return the page on which a member confirms who they are; its forms post to the choices' addresses."""
        page_query = None if view.is_wrong else {"return_to": view.return_to}
        return self._render("confirm_identity.html", language, page_query=page_query, **_get_values(view))

    def opening_app(self, language: Language, opening: AppOpening) -> str:
        """Return the page between a login's start and the vendor's app."""
        return self._render("opening_app.html", language, opening=opening)

    def refused(
        self,
        language: Language,
        wording: str,
        request_id: str,
        next_steps: Sequence[NextStep],
        code: str = "",
        *,
        again: int | datetime | None = None,
    ) -> str:
        """Return the error page with the words for `wording` and links to `next_steps`, best first.

        `code` is the error's, shown beside `request_id`; `wording` where it is empty. `again` is when to try again, for
        words that say it: in how many seconds, or an aware time.

        A second language is on the page: its address may hold a code and a state, and must not be requested again.
        """
        title, advice = refusal_keys(wording)
        texts, second = self.catalogues.texts[language], self.catalogues.find_second(language)
        return self._render(
            "refused.html",
            language,
            title=texts[title],
            advice=self._advise(language, advice, again),
            other_title=self.catalogues.texts[second][title] if second else "",
            other_advice=self._advise(second, advice, again) if second else "",
            request_id=request_id,
            code=(code or wording) if (code or wording) in _CODES else Unavailable.code,
            ways=[step for step in next_steps if is_web_address(step.url)],
            tells=False,
        )

    def member(self, language: Language, member: MemberView, connections: Sequence[ConnectionView]) -> str:
        """Return the demo's page that shows who is logged in; its form posts to `{prefix}/logout`."""
        return self._render("member.html", language, member=member, connections=connections, page_query={})

    def account(self, language: Language, account: AccountView) -> str:
        """Return the member's own page."""
        # after a mistake this is the answer to a POST, and a link to another language would be a GET
        page_query: dict[str, str] | None = None if account.password_mistake else {}
        tells = not account.password_mistake
        values = _get_values(account)
        return self._render("account.html", language, page_query=page_query, tells=tells, **values)

    def log_out(self, language: Language) -> str:
        """Return the page that asks whether to log out; its form posts to `{prefix}/logout`."""
        return self._render("log_out.html", language, page_query={})

    def merge_start(
        self,
        language: Language,
        member: MemberView,
        choices: Sequence[LoginChoice],
        *,
        takes_credentials: bool = False,
        mistake: str = "",
    ) -> str:
        """Return the page on which a member proves the second account; `mistake` is the key of a text."""
        values = {"choices": choices, "takes_credentials": takes_credentials, "mistake": mistake}
        # after a mistake this is the answer to a POST, and a link to another language would be a GET
        page_query: dict[str, str] | None = None if mistake else {}
        return self._render(
            "merge_start.html",
            language,
            member=member,
            page_query=page_query,
            tells=not mistake,
            **values,
        )

    def merge(self, language: Language, preview: MergePreview) -> str:
        """Return the page that shows what a merge would do, with forms to confirm and to cancel it."""
        return self._render("merge.html", language, preview=preview, page_query={})

    def erase(self, language: Language, member: MemberView) -> str:
        """Return the page that says what is deleted with the account, with a form to confirm it."""
        return self._render("erase.html", language, member=member, page_query={})

    def first_login(self, language: Language, view: FirstLoginView) -> str:
        """Return the page that asks a person without an account whether they are new."""
        is_refused = view.is_wrong or view.needs_consent
        page_query: dict[str, str] | None = None if is_refused else {}
        values = {**_get_values(view), "large_choices": LARGE_CHOICES}
        return self._render("first_login.html", language, page_query=page_query, tells=not is_refused, **values)

    def handover(
        self, language: Language, state: str, return_to: str = "", *, seconds_left: int = 0, life: int = 120
    ) -> str:
        """Return the PC's page: the QR code, then what the phone decided; its forms carry `return_to` on.

        `seconds_left` of `life` are left until the code expires.
        """
        values: dict[str, Any] = {
            "state": state,
            "return_to": return_to,
            "seconds_left": seconds_left,
            "life": life,
        }
        page_query = {"return_to": return_to, "waits": "1"}
        # this page reloads by itself, and would use up a message that another tab waits for
        return self._render("handover.html", language, page_query=page_query, tells=False, **values)

    def confirm_handover(self, language: Language, confirmation: QrLoginConfirmation) -> str:
        """Return the phone's page that asks whether this PC may log in."""
        return self._render("confirm_handover.html", language, asked=confirmation, page_query={})

    def handover_decided(self, language: Language, state: str, deny_url: str = "") -> str:
        """Return the phone's page after the decision; `state` is `approved` or `denied`.

        With a `deny_url` a form takes the approval back.
        """
        return self._render("handover_decided.html", language, state=state, deny_url=deny_url)

    def leaving(self, language: Language, url: str) -> str:
        """Return the page between our form and the vendor's `url`.

        A redirect would not do: our `form-action` policy lets a form lead to our own origin only.
        """
        return self._render("leaving.html", language, tells=False, url=url)

    def _render(
        self,
        template: str,
        language: Language,
        *,
        page_query: Mapping[str, str] | None = None,
        tells: bool = True,
        **values: object,
    ) -> str:
        """Render a template; the links to other languages keep `page_query`; None: there are no such links.

        `tells`: the page shows the flash message that the browser brought along.
        """
        texts, second = self.catalogues.texts, self.catalogues.find_second(language)
        others = [] if page_query is None else [other for other in self.catalogues.languages if other != language]
        links = [(texts[other], with_query("", lang=other, **(page_query or {}))) for other in others]
        text = self.environment.get_template(template).render(
            values,
            prefix=self._prefix,
            styles=self._styles,
            t=texts[language],
            shop=self._show_shop(language),
            other=texts[second] if second else None,
            languages=links,
            take_flash=partial(self._take_flash, language) if tells else _take_nothing,
        )
        # a shop's member directory may have half of a surrogate pair in a nickname, which UTF-8 cannot encode
        return text.encode("utf-8", "replace").decode()

    def _find_handover(self, view: LoginView) -> str:
        page = f"{self._prefix}/handover"
        return NOWHERE if view.is_preview else with_query(page, return_to=view.return_to)

    def _advise(self, language: Language, key: str, again: int | datetime | None) -> str:
        advice = self.catalogues.texts[language][key]
        if again is None or "%s" not in advice:
            return advice
        if isinstance(again, datetime):
            return advice % format_moment(again, language, self._zone)
        return advice % describe_wait(again, language)

    def _take_flash(self, language: Language) -> FlashView | None:
        """Return the message that the browser brought along, which then counts as shown; None where there is none."""
        if (pending := get_pending_flash()) is None:
            return None
        key, name = pending.show(language)
        text = self.catalogues.texts[language][key]
        return FlashView(text % name if name else text, MESSAGES[pending.flash.key])

    @property
    def _prefix(self) -> str:
        return get_root() + self._route_prefix

    @property
    def _styles(self) -> list[str]:
        return [f"{self._static(name)}?v={self.assets[name].version}" for name in _styles_of(self.assets)]

    def _show_shop(self, language: Language) -> ShopView:
        settings, logo = self._settings, find_logo(self.assets)
        return ShopView(
            settings.get_name(language),
            f"{self._static(logo)}?v={self.assets[logo].version}" if logo else "",
            self._home_url,
            settings.terms_url,
            settings.privacy_url,
            settings.consent_mode,
            settings.terms_version,
        )

    def _icon_url(self, icon: str) -> str:
        return self._static(f"{icon}.svg")

    def _static(self, name: str) -> str:
        return f"{self._prefix}/static/{name}"


def _take_nothing() -> None:
    return None


def _get_values(view: AccountView | ConfirmationView | FirstLoginView) -> dict[str, Any]:
    return {field.name: getattr(view, field.name) for field in fields(view)}


def _styles_of(assets: Mapping[str, object]) -> list[str]:
    return [name for name in (STYLES, SHOP_STYLES) if name in assets]
