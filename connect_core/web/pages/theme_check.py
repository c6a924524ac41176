"""Checks the shop's own templates before the service starts, by compiling each and rendering every page.

Each page is rendered in every language, once with everything that it can show and once with as little as possible. So
the operator sees a mistake at the start, with its file and line, and no member does. Never touches a request.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from traceback import extract_tb

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

from connect_core.errors import SettingsError
from connect_core.identity import Language
from connect_core.providers.abilities import RequiredBrowser
from connect_core.settings import PageSettings
from connect_core.web.pages import TEMPLATES, Pages
from connect_core.web.pages.assets import NO_ICONS
from connect_core.web.pages.views import (
    AccountView,
    AppOpening,
    ConfirmationView,
    ConnectionView,
    FirstLoginView,
    LoginChoice,
    LoginView,
    MemberView,
    MergePreview,
    NextStep,
    QrLoginConfirmation,
    SessionView,
    UndoableMergeView,
    WayOut,
)

Page = Callable[[], str]


def load_pages(settings: PageSettings, prefix: str, icons: Mapping[str, bytes] = NO_ICONS, home_url: str = "") -> Pages:
    """Return the pages with the shop's own look and texts, checked, and with the plugins' `icons` by name.

    `home_url` is where the pages lead back to. Raises `SettingsError` for a stylesheet, a logo or a catalogue that
    cannot be read, and for a template that cannot be compiled or rendered.
    """
    pages, folder = Pages(settings, prefix, icons, home_url), settings.template_folder
    if folder is None:
        return pages
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html")):
        _try(folder, partial(pages.environment.get_template, name), name)
    for language, is_full in product(pages.catalogues.languages, (True, False)):
        for page in sample_pages(pages, language, is_full=is_full):
            _try(folder, page)
    return pages


def sample_pages(pages: Pages, language: Language, words: str = "A", *, is_full: bool = True) -> Iterator[Page]:
    """Yield a function for every page that renders it with `words` wherever a page shows somebody else's text.

    `is_full`: with everything that the page can show; otherwise with as little as it can be given.
    """
    url, day, some = f"/{words}", datetime(2026, 3, 1, tzinfo=UTC), words if is_full else ""
    member = MemberView(words, some, some, some, some)
    places = (None, *RequiredBrowser) if is_full else ()
    choices = [LoginChoice(words, words, url, words, place, is_last_used=True) for place in places]
    mistake = "wrong_credentials" if is_full else ""
    view = LoginView(some, some, some, mistake, is_full, is_full, is_full)
    many = choices[:1] * 5 + choices + [replace(choice, seconds_held=15) for choice in choices[:1]]
    way_out = WayOut("leave_by_link", url, url) if is_full else WayOut("open_in_browser")
    yield lambda: pages.login(language, many, view, way_out=way_out)
    yield lambda: pages.login(language, choices[1:], LoginView(some, takes_credentials=is_full))
    yield lambda: pages.already_logged_in(language, member, go_on_url=some, another_url=url)
    confirming = ConfirmationView(member, many[-1:] + choices[:1], choices[1:], is_full, some, is_full)
    yield lambda: pages.confirm_identity(language, confirming)
    next_steps = (
        [NextStep("start_again", url), NextStep("other_login", url), NextStep("log_in_with", url, words)]
        if is_full
        else []
    )
    yield lambda: pages.refused(language, words, some, next_steps)
    connections = [ConnectionView(words, words, day, words), ConnectionView(words, words)] if is_full else []
    yield lambda: pages.member(language, member, connections)
    account = _full_account(member, choices, words) if is_full else AccountView(member)
    yield lambda: pages.account(language, account)
    refused = replace(account, has_passwords=True, password_mistake="password_common")  # noqa: S106 - a text's key
    yield lambda: pages.account(language, refused)
    yield lambda: pages.log_out(language)
    yield partial(pages.merge_start, language, member, choices, takes_credentials=is_full)
    yield partial(pages.merge_start, language, member, choices, mistake="merge_over")
    lines, until = [words] if is_full else [], day if is_full else None
    for refusal in (None, some):
        preview = MergePreview(member, member, connections, connections, connections, lines, refusal, until)
        yield partial(pages.merge, language, preview)
    yield lambda: pages.erase(language, member)
    newcomer = FirstLoginView(words, some, choices[:1], is_full, is_full, some, is_full)
    yield lambda: pages.first_login(language, newcomer)
    yield lambda: pages.first_login(language, FirstLoginView(words, takes_credentials=True))
    yield lambda: pages.leaving(language, url)
    yield from _qr_logins(pages, language, words, some)
    yield from _openings(pages, language, words, is_full=is_full)


def _qr_logins(pages: Pages, language: Language, words: str, some: str) -> Iterator[Page]:
    url = f"/{words}"
    for state in ("waiting", "scanned", "approved", "denied", "expired"):
        yield partial(pages.handover, language, state, some, seconds_left=87)
    confirmation = QrLoginConfirmation(words, words, some, some, some, 0, url, some)
    yield lambda: pages.confirm_handover(language, confirmation)
    for state in ("approved", "denied"):
        yield partial(pages.handover_decided, language, state, url if some else "")


def _openings(pages: Pages, language: Language, words: str, *, is_full: bool) -> Iterator[Page]:
    url, code_url = f"/{words}", pages.environment.filters["icon"]("mark")
    way_out = WayOut("leave_by_link", url) if is_full else WayOut("open_in_browser")
    for state in ("opening", "opened", "desk", "elsewhere", "logged_in"):
        opening = AppOpening(state, words, url, code_url, words, url, url, url if is_full else "", way_out)
        yield partial(pages.opening_app, language, opening)


def _full_account(member: MemberView, choices: list[LoginChoice], words: str) -> AccountView:
    url, day, some = f"/{words}", datetime(2026, 3, 1, tzinfo=UTC), [words] * 3
    return AccountView(
        member,
        [ConnectionView(words, words, day, words, url)],
        choices,
        [SessionView(client, day, url, client == "pc", day, *some) for client in ("pc", "h5", "app", "mini")],
        [UndoableMergeView(words, day, url)],
        has_passwords=True,
        offers_merge=True,
    )


def _try(folder: Path, make: Callable[[], object], name: str = "a template") -> None:
    try:
        make()
    except Exception as error:
        place = _find_place(folder, error) or name
        raise SettingsError([f"pages.template_folder: {place}: {_describe(error)}"]) from error


def _find_place(folder: Path, error: Exception) -> str:
    """Return the template and line where the error occurred, a template of the shop's if one was involved."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name}, line {error.lineno}"
    frames = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    for root in (folder, TEMPLATES):
        places = [(path.relative_to(root), line) for path, line in frames if path.is_relative_to(root)]
        if places:
            return f"{places[-1][0].as_posix()}, line {places[-1][1]}"
    return ""


def _describe(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name}"
    return str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
