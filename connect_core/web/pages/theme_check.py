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
)

Page = Callable[[], str]


def load_pages(settings: PageSettings, prefix: str, icons: Mapping[str, bytes] = NO_ICONS) -> Pages:
    """Return the pages with the shop's own stylesheet and templates, checked, and with the plugins' `icons` by name.

    Raises `SettingsError` for a stylesheet that cannot be read, and for a template that cannot be compiled or rendered.
    """
    pages, folder = Pages(settings.template_folder, settings.stylesheet, prefix, icons), settings.template_folder
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
    places = (None, *RequiredBrowser) if is_full else ()
    choices = [LoginChoice(words, words, url, words, place, is_last_used=True) for place in places]
    mistake = "wrong_credentials" if is_full else ""
    view = LoginView(some, some, some, mistake, is_full, is_full, is_full, some)
    many = [choice for choice in choices if not choice.place] * 5 + choices
    yield lambda: pages.login(language, many, view, origin=some)
    yield lambda: pages.login(language, choices[1:], LoginView(some, takes_credentials=is_full))
    yield lambda: pages.already_logged_in(language, member, go_on_url=some, another_url=url)
    confirming = ConfirmationView(member, choices[:1], choices[1:], is_full, some, is_full)
    yield lambda: pages.confirm_identity(language, confirming)
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
    newcomer = FirstLoginView(words, some, choices[:1], is_full, is_full, some)
    yield lambda: pages.first_login(language, newcomer, "join_nobody" if is_full else "")
    yield lambda: pages.first_login(language, FirstLoginView(words, takes_credentials=True))
    for state in ("waiting", "scanned", "approved", "denied", "expired"):
        yield partial(pages.handover, language, state, some)
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
