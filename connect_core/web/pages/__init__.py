"""The pages a member sees, as HTML text: hosted login, refused, and the member after login.

Plain links and forms, no script, nothing inline, so that the strictest Content-Security-Policy holds. A shop's own
templates come before ours. Never touches a request, a cookie or the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from connect_core.identity import Language
from connect_core.providers.provider import RequiredBrowser
from connect_core.web.pages.assets import SHOP_STYLES, STYLES, load_assets
from connect_core.web.pages.messages import LANGUAGES, refusal_for, texts_in

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Choice:
    """A way to log in that the login page shows.

    `name` is the provider's, `title` what it is called on the page, `url` where its login starts, `icon` the name of
    one of our icons; where there is none the title's first letter stands for it. `place` is where the visitor has to go
    for it, None when it works right here.
    """

    name: str
    title: str
    url: str
    icon: str
    place: RequiredBrowser | None = None


@dataclass(frozen=True, slots=True)
class ShownMember:
    """What the member page shows of a member.

    `face` is an address elsewhere, which our pages do not load; a shop's own template may.
    """

    uname: str
    nickname: str = ""
    face: str = ""
    province: str = ""
    city: str = ""

    @property
    def initial(self) -> str:
        """The first letter or digit of the name, which stands where a portrait would."""
        return get_initial(self.nickname + self.uname)


@dataclass(frozen=True, slots=True)
class ShownConnection:
    """A connection on a page: `title` and `icon` as in `Choice`, `since` the day it was bound (UTC).

    `nickname` is the vendor's.
    """

    title: str
    icon: str
    since: date | None = None
    nickname: str = ""


@dataclass(frozen=True, slots=True)
class BoundLogin:
    """A way to log in on the account page; a form posts to `unbind_url`."""

    title: str
    icon: str
    nickname: str
    since: date
    unbind_url: str


@dataclass(frozen=True, slots=True)
class OpenLogin:
    """A place where the member is logged in, on the account page; a form posts to `end_url`."""

    client_type: str
    since: date
    end_url: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class UndoableMerge:
    """A merge on the account page: of whom; until the day `until` (UTC) a form posts to `undo_url`."""

    name: str
    until: date
    undo_url: str


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do: `bound` stays, `moved` and `ended` are the merged member's, `shop_moves` the shop's lines.

    With a `refusal`, which may be empty, it cannot be done. `undo_until` is a day (UTC), None where it is for good.
    """

    kept: ShownMember
    merged: ShownMember
    bound: Sequence[ShownConnection]
    moved: Sequence[ShownConnection]
    ended: Sequence[ShownConnection]
    shop_moves: Sequence[str]
    refusal: str | None
    undo_until: date | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the phone shows before a PC is logged in: the shop's host, as whom, which PC, and `age` in seconds.

    The forms post to `url` with `/approve` or `/deny` after it.
    """

    shop: str
    member: str
    browser: str
    system: str
    place: str
    age: int
    url: str


@dataclass(frozen=True, slots=True)
class Way:
    """Where a refused visitor can go on: `text` is the key of its words, `url` a web address."""

    text: str
    url: str


class Pages:
    """Every page, compiled once and safe to share between requests."""

    def __init__(
        self, template_folder: Path | None = None, stylesheet: Path | None = None, prefix: str = "/connect"
    ) -> None:
        """`template_folder` is searched before our own, file by file, and finds ours below `connect/`.

        `stylesheet` is served and linked after ours; `prefix` is where the routes are mounted. Raises `SettingsError`
        for a stylesheet that cannot be read.
        """
        self._prefix = prefix
        self.assets = load_assets(stylesheet)
        ours = FileSystemLoader(TEMPLATES)
        own = [FileSystemLoader(template_folder)] if template_folder else []
        self.environment = Environment(
            loader=ChoiceLoader([*own, ours, PrefixLoader({"connect": ours})]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(icon=self._icon_url, initial=get_initial)
        self.environment.tests["drawn"] = lambda icon: f"{icon}.svg" in self.assets
        styles = [f"{self._static(name)}?v={self.assets[name].version}" for name in _styles_of(self.assets)]
        self.environment.globals.update(prefix=prefix, styles=styles)
        self._texts = {language: texts_in(language) for language in LANGUAGES}

    def login(
        self,
        language: Language,
        providers: Sequence[Choice],
        return_to: str = "",
        *,
        client: str = "",
        origin: str = "",
        hands_over: bool = False,
    ) -> str:
        """Return the hosted login page: what works where the visitor is, then what works elsewhere and where.

        `return_to` goes into every login's address; it and `client`, both as they stand in the page's own query, are
        kept by the link to the other language, and by the page's address, which a visitor takes along to another
        place; it begins with `origin`. With `hands_over` a phone can scan a code instead.
        """
        kept = {"client": client, "return_to": return_to}
        logins = [(choice, with_more(choice.url, return_to=return_to)) for choice in providers if not choice.place]
        elsewhere = [choice for choice in providers if choice.place]
        address = with_more(f"{origin}{self._prefix}/login", **kept) if elsewhere else ""
        handover = with_more(f"{self._prefix}/handover", return_to=return_to) if hands_over else ""
        values = {"logins": logins, "elsewhere": elsewhere, "address": address, "handover": handover}
        return self._render("login.html", language, kept=kept, **values)

    def refused(self, language: Language, code: str, request_id: str, ways: Sequence[Way]) -> str:
        """Return the page for the error `code`, with `ways` on from there, the best first.

        The other language stands on the page itself: its address holds a code and state and must not be asked again.
        """
        refusal = refusal_for(code)
        return self._render(
            "refused.html",
            language,
            title=refusal.title.in_language(language),
            advice=refusal.advice.in_language(language),
            other_title=refusal.title.in_language(_other(language)),
            other_advice=refusal.advice.in_language(_other(language)),
            request_id=request_id,
            ways=[way for way in ways if _is_web_address(way.url)],
        )

    def member(self, language: Language, member: ShownMember, connections: Sequence[ShownConnection]) -> str:
        """Return the page that tells a member who they are logged in as; its form posts to `{prefix}/logout`."""
        return self._render("member.html", language, member=member, connections=connections, kept={})

    def account(
        self,
        language: Language,
        member: ShownMember,
        connections: Sequence[BoundLogin],
        choices: Sequence[Choice],
        sessions: Sequence[OpenLogin],
        merges: Sequence[UndoableMerge] = (),
        *,
        has_passwords: bool = False,
        offers_merge: bool = False,
    ) -> str:
        """Return the member's own page: what is bound, what can be (`choices`), sessions and merges."""
        return self._render(
            "account.html",
            language,
            member=member,
            connections=connections,
            choices=choices,
            sessions=sessions,
            merges=merges,
            has_passwords=has_passwords,
            offers_merge=offers_merge,
            kept={},
        )

    def merge_start(
        self,
        language: Language,
        member: ShownMember,
        choices: Sequence[Choice],
        *,
        takes_credentials: bool = False,
        mistake: str = "",
    ) -> str:
        """Return the page that asks a member for the other account; `mistake` is the key of a text. Its forms post."""
        values = {"choices": choices, "takes_credentials": takes_credentials, "mistake": mistake}
        # what was mistaken was posted: its address cannot be asked for in the other language
        kept: dict[str, str] | None = None if mistake else {}
        return self._render("merge_start.html", language, member=member, kept=kept, **values)

    def merge(self, language: Language, preview: MergePreview) -> str:
        """Return the page that shows what a merge would do, and asks; its forms post to us."""
        return self._render("merge.html", language, preview=preview, kept={})

    def erase(self, language: Language, member: ShownMember) -> str:
        """Return the page that tells what goes with the account, and asks; its form posts to us."""
        return self._render("erase.html", language, member=member, kept={})

    def first_login(
        self, language: Language, provider: str, nickname: str, *, is_wrong: bool = False, username: str = ""
    ) -> str:
        """Return the page that asks a newcomer, whom `provider` calls `nickname`, whether they are new.

        `is_wrong`: the password that came with `username` proved nobody.
        """
        values = {"provider": provider, "nickname": nickname, "is_wrong": is_wrong, "username": username}
        return self._render("first_login.html", language, kept={}, **values)

    def handover(self, language: Language, state: str, return_to: str = "") -> str:
        """Return the PC's page: the code, then what the phone says of it; its forms carry `return_to` on."""
        kept = {"return_to": return_to}
        return self._render("handover.html", language, state=state, return_to=return_to, kept=kept)

    def confirm_handover(self, language: Language, asked: Confirmation) -> str:
        """Return the phone's page that asks whether this PC may log in."""
        return self._render("confirm_handover.html", language, asked=asked, kept={})

    def handover_decided(self, language: Language, state: str, deny_url: str = "") -> str:
        """Return the phone's page after the decision, `approved` or `denied`; a form to `deny_url` takes it back."""
        return self._render("handover_decided.html", language, state=state, deny_url=deny_url)

    def leaving(self, language: Language, url: str) -> str:
        """Return the page between our form and the vendor's `url`: browsers let no form be redirected to others."""
        return self._render("leaving.html", language, url=url)

    def _render(
        self, template: str, language: Language, *, kept: Mapping[str, str] | None = None, **values: object
    ) -> str:
        other = _other(language)
        text = self.environment.get_template(template).render(
            values,
            t=self._texts[language],
            other=self._texts[other],
            switch=None if kept is None else with_more("", lang=other, **kept),
        )
        # half of a surrogate pair in a foreign directory's nickname must not break the page
        return text.encode("utf-8", "replace").decode()

    def _icon_url(self, icon: str) -> str:
        return self._static(f"{icon}.svg")

    def _static(self, name: str) -> str:
        return f"{self._prefix}/static/{name}"


def get_initial(name: str) -> str:
    """Return the first letter or digit of a name, which stands where a picture would."""
    return next((letter for letter in name if letter.isalnum()), "")


def with_more(url: str, **more: str) -> str:
    """Return `url` with the non-empty values of `more` in its query; an app's address (`alipays://`) stays whole."""
    if not _is_web_address(url):
        return url
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query |= {name: value for name, value in more.items() if value}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _styles_of(assets: Mapping[str, object]) -> list[str]:
    return [name for name in (STYLES, SHOP_STYLES) if name in assets]


def _other(language: Language) -> Language:
    return "en" if language == "zh" else "zh"


def _is_web_address(url: str) -> bool:
    return urlsplit(url).scheme in ("", "http", "https")
