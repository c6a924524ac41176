"""Checks the shop's own templates before the service starts, by compiling each and rendering every page.

Each page is rendered in both languages, once with everything that it can show and once with as little as possible. So
the operator sees a mistake at the start, with its file and line, and no member does. Never touches a request.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from itertools import product
from pathlib import Path
from traceback import extract_tb

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

from connect_core.errors import SettingsError
from connect_core.identity import Language
from connect_core.providers.provider import RequiredBrowser
from connect_core.settings import PageSettings
from connect_core.web.pages import TEMPLATES, Pages
from connect_core.web.pages.assets import NO_ICONS
from connect_core.web.pages.messages import LANGUAGES
from connect_core.web.pages.views import (
    AccountView,
    ConnectionView,
    LoginChoice,
    MemberView,
    MergePreview,
    NextStep,
    QrLoginConfirmation,
    SessionView,
    UndoableMergeView,
)

Page = Callable[[], str]


def load_pages(settings: PageSettings, prefix: str, icons: Mapping[str, bytes] = NO_ICONS, home_url: str = "") -> Pages:
    """Return the pages with the shop's own look, checked, and with the plugins' `icons` by name.

    `home_url` is where the pages lead back to. Raises `SettingsError` for a stylesheet or a logo that cannot be read,
    and for a template that cannot be compiled or rendered.
    """
    pages, folder = Pages(settings, prefix, icons, home_url), settings.template_folder
    if folder is None:
        return pages
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html")):
        _try(folder, partial(pages.environment.get_template, name), name)
    for language, is_full in product(LANGUAGES, (True, False)):
        for page in sample_pages(pages, language, is_full=is_full):
            _try(folder, page)
    return pages


def sample_pages(pages: Pages, language: Language, words: str = "A", *, is_full: bool = True) -> Iterator[Page]:
    """Yield a function for every page that renders it with `words` wherever a page shows somebody else's text.

    `is_full`: with everything that the page can show; otherwise with as little as it can be given.
    """
    url, day, some = f"/{words}", date(2026, 3, 1), words if is_full else ""
    member = MemberView(words, some, some, some, some)
    choices = [LoginChoice(words, words, url, words, place) for place in (None, *RequiredBrowser)] if is_full else []
    yield lambda: pages.login(language, choices, some, client=some, origin=some, has_qr_login=is_full)
    yield lambda: pages.login(language, choices[1:], some)
    next_steps = [NextStep("start_again", url), NextStep("other_login", url)] if is_full else []
    yield lambda: pages.refused(language, words, some, next_steps)
    connections = [ConnectionView(words, words, day, words), ConnectionView(words, words)] if is_full else []
    yield lambda: pages.member(language, member, connections)
    account = _full_account(member, choices, words) if is_full else AccountView(member)
    yield lambda: pages.account(language, account)
    yield partial(pages.merge_start, language, member, choices, takes_credentials=is_full)
    yield partial(pages.merge_start, language, member, choices, mistake="merge_over")
    lines, until = [words] if is_full else [], day if is_full else None
    for refusal in (None, some):
        preview = MergePreview(member, member, connections, connections, connections, lines, refusal, until)
        yield partial(pages.merge, language, preview)
    yield lambda: pages.erase(language, member)
    for mistake in ("", "wrong_credentials", "consent_first"):
        yield partial(pages.first_login, language, words, some, username=some, mistake=mistake)
    yield lambda: pages.first_login(language, words, some, asks_account=False)
    for state in ("waiting", "scanned", "approved", "denied", "expired"):
        yield partial(pages.handover, language, state, some, seconds_left=87)
    yield lambda: pages.confirm_handover(language, QrLoginConfirmation(words, words, some, some, some, 0, url))
    for state in ("approved", "denied"):
        yield partial(pages.handover_decided, language, state, url if is_full else "")
    yield lambda: pages.leaving(language, url)


def _full_account(member: MemberView, choices: list[LoginChoice], words: str) -> AccountView:
    url, day = f"/{words}", date(2026, 3, 1)
    return AccountView(
        member,
        [ConnectionView(words, words, day, words, url)],
        choices,
        [SessionView(client, day, url, is_this=client == "pc") for client in ("pc", "h5", "app", "mini")],
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
