"""`Pages`: every page a member sees, as HTML text: hosted login, errors, account, merges, QR logins.

Plain links and forms, no script and nothing inline, so that the strictest Content-Security-Policy holds. A shop's own
templates come before ours. Never touches a request, a cookie or the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from connect_core.errors import Unavailable, every_error
from connect_core.identity import Language
from connect_core.settings import PageSettings
from connect_core.web.mounting import get_root
from connect_core.web.pages.assets import NO_ICONS, SHOP_STYLES, STYLES, find_logo, load_assets
from connect_core.web.pages.messages import LANGUAGES, refusal_for, texts_in
from connect_core.web.pages.views import (
    AccountView,
    ConnectionView,
    LoginChoice,
    MemberView,
    MergePreview,
    NextStep,
    QrLoginConfirmation,
    ShopView,
    get_initial,
)

TEMPLATES = Path(__file__).parent / "templates"
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
        if it is set. Raises `SettingsError` for a stylesheet or a logo that cannot be read.
        """
        self._route_prefix, self._settings, self._home_url = prefix, settings, home_url
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
        self.environment.filters.update(icon=self._icon_url, initial=get_initial)
        self.environment.tests["drawn"] = lambda icon: f"{icon}.svg" in self.assets
        self.environment.globals.update(prefix=prefix, styles=self._styles)  # for what a template imports
        self._texts = {language: texts_in(language) for language in LANGUAGES}

    def login(
        self,
        language: Language,
        choices: Sequence[LoginChoice],
        return_to: str = "",
        *,
        client: str = "",
        origin: str = "",
        has_qr_login: bool = False,
    ) -> str:
        """Return the hosted login page: the logins that work in this browser, then the others and where they work.

        `return_to` and `client` are the parameters of the page's own address. `return_to` goes into every login's
        address; both go into the link to the other language, and into the address, beginning with `origin`, that a
        visitor can take along to another browser. With `has_qr_login` the page links to the QR login.
        """
        page_query = {"client": client, "return_to": return_to}
        logins = [(choice, with_query(choice.url, return_to=return_to)) for choice in choices if not choice.place]
        elsewhere = [choice for choice in choices if choice.place]
        address = with_query(f"{origin}{self._prefix}/login", **page_query) if elsewhere else ""
        handover = with_query(f"{self._prefix}/handover", return_to=return_to) if has_qr_login else ""
        values = {"logins": logins, "elsewhere": elsewhere, "address": address, "handover": handover}
        return self._render("login.html", language, page_query=page_query, **values)

    def refused(
        self, language: Language, wording: str, request_id: str, next_steps: Sequence[NextStep], code: str = ""
    ) -> str:
        """Return the error page with the words for `wording` and links to `next_steps`, best first.

        `code` is the error's, shown beside `request_id`; `wording` where it is empty.

        Both languages are on the page: its address may hold a code and a state, and must not be requested again.
        """
        refusal = refusal_for(wording)
        return self._render(
            "refused.html",
            language,
            title=refusal.title.in_language(language),
            advice=refusal.advice.in_language(language),
            other_title=refusal.title.in_language(_other(language)),
            other_advice=refusal.advice.in_language(_other(language)),
            request_id=request_id,
            code=(code or wording) if (code or wording) in _CODES else Unavailable.code,
            ways=[step for step in next_steps if _is_web_address(step.url)],
        )

    def member(self, language: Language, member: MemberView, connections: Sequence[ConnectionView]) -> str:
        """Return the demo's page that shows who is logged in; its form posts to `{prefix}/logout`."""
        return self._render("member.html", language, member=member, connections=connections, page_query={})

    def account(self, language: Language, account: AccountView) -> str:
        """Return the member's own page."""
        values = {field.name: getattr(account, field.name) for field in fields(account)}
        return self._render("account.html", language, page_query={}, **values)

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
        # after a mistake this is the answer to a POST, and a link to the other language would be a GET
        page_query: dict[str, str] | None = None if mistake else {}
        return self._render("merge_start.html", language, member=member, page_query=page_query, **values)

    def merge(self, language: Language, preview: MergePreview) -> str:
        """Return the page that shows what a merge would do, with forms to confirm and to cancel it."""
        return self._render("merge.html", language, preview=preview, page_query={})

    def erase(self, language: Language, member: MemberView) -> str:
        """Return the page that says what is deleted with the account, with a form to confirm it."""
        return self._render("erase.html", language, member=member, page_query={})

    def first_login(
        self,
        language: Language,
        provider: str,
        nickname: str,
        *,
        asks_account: bool = True,
        username: str = "",
        mistake: str = "",
    ) -> str:
        """Return the page that asks a person without an account whether they are new; `provider` calls them `nickname`.

        `asks_account`: they may have an account of another login. `mistake` is the key of a text:
        `wrong_credentials` where the password that was posted with `username` was wrong, `consent_first` where they
        wanted to register without agreeing to the terms.
        """
        values = {"provider": provider, "nickname": nickname, "asks_account": asks_account, "username": username}
        values |= {"is_wrong": mistake == "wrong_credentials", "needs_consent": mistake == "consent_first"}
        return self._render("first_login.html", language, page_query={}, **values)

    def handover(
        self, language: Language, state: str, return_to: str = "", *, seconds_left: int = 0, life: int = 120
    ) -> str:
        """Return the PC's page: the QR code, then what the phone decided; its forms carry `return_to` on.

        `seconds_left` of `life` are left until the code expires.
        """
        values = {"state": state, "return_to": return_to, "seconds_left": seconds_left, "life": life}
        page_query = {"return_to": return_to, "waits": "1"}
        return self._render("handover.html", language, page_query=page_query, **values)

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
        return self._render("leaving.html", language, url=url)

    def _render(
        self, template: str, language: Language, *, page_query: Mapping[str, str] | None = None, **values: object
    ) -> str:
        """Render a template; the link to the other language keeps `page_query`; None: there is no such link."""
        other = _other(language)
        text = self.environment.get_template(template).render(
            values,
            prefix=self._prefix,
            styles=self._styles,
            t=self._texts[language],
            shop=self._show_shop(language),
            other=self._texts[other],
            switch=None if page_query is None else with_query("", lang=other, **page_query),
        )
        # a shop's member directory may have half of a surrogate pair in a nickname, which UTF-8 cannot encode
        return text.encode("utf-8", "replace").decode()

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


def with_query(url: str, **parameters: str) -> str:
    """Return `url` with the non-empty `parameters` in its query; an app's address (`alipays://`) stays as it is."""
    if not _is_web_address(url):
        return url
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query |= {name: value for name, value in parameters.items() if value}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _styles_of(assets: Mapping[str, object]) -> list[str]:
    return [name for name in (STYLES, SHOP_STYLES) if name in assets]


def _other(language: Language) -> Language:
    return "en" if language == "zh" else "zh"


def _is_web_address(url: str) -> bool:
    return urlsplit(url).scheme in ("", "http", "https")
