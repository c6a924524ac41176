"""The shop's own look, tried before the service starts: every template compiled, every page made with much and little.

So it is the operator who meets a mistake, with its file and line, and no member.
"""

from collections.abc import Callable, Iterator
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
from connect_core.web.pages import (
    TEMPLATES,
    BoundLogin,
    Choice,
    Confirmation,
    MergePreview,
    OpenLogin,
    Pages,
    ShownConnection,
    ShownMember,
    UndoableMerge,
    Way,
)
from connect_core.web.pages.messages import LANGUAGES

Page = Callable[[], str]


def load_pages(settings: PageSettings, prefix: str) -> Pages:
    """Return the pages with the shop's own look. Raises `SettingsError` for a stylesheet or template of no use."""
    pages, folder = Pages(settings.template_folder, settings.stylesheet, prefix), settings.template_folder
    if folder is None:
        return pages
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html")):
        _try(folder, partial(pages.environment.get_template, name), name)
    for language, is_full in product(LANGUAGES, (True, False)):
        for page in sample_pages(pages, language, is_full=is_full):
            _try(folder, page)
    return pages


def sample_pages(pages: Pages, language: Language, words: str = "A", *, is_full: bool = True) -> Iterator[Page]:
    """Yield every page, with all that can stand on it or as little as can, and `words` where others' text stands."""
    url, day, some = f"/{words}", date(2026, 3, 1), words if is_full else ""
    member = ShownMember(words, some, some, some, some)
    choices = [Choice(words, words, url, words, place) for place in (None, *RequiredBrowser)] if is_full else []
    yield lambda: pages.login(language, choices, some, client=some, origin=some, hands_over=is_full)
    yield lambda: pages.login(language, choices[1:], some)
    ways = [Way("start_again", url), Way("other_login", url)] if is_full else []
    yield lambda: pages.refused(language, words, some, ways)
    shown = [ShownConnection(words, words, day, words), ShownConnection(words, words)] if is_full else []
    yield lambda: pages.member(language, member, shown)
    bound = [BoundLogin(words, words, some, day, url)] if is_full else []
    opened = [OpenLogin(client, day, url, is_this=client == "pc") for client in ("pc", "h5", "app", "mini")]
    opened = opened if is_full else []
    merges = [UndoableMerge(words, day, url)] if is_full else []
    switches = {"has_passwords": is_full, "offers_merge": is_full}
    yield lambda: pages.account(language, member, bound, choices, opened, merges, **switches)
    yield partial(pages.merge_start, language, member, choices, takes_credentials=is_full)
    yield partial(pages.merge_start, language, member, choices, mistake="merge_over")
    lines, until = [words] if is_full else [], day if is_full else None
    for refusal in (None, some):
        preview = MergePreview(member, member, shown, shown, shown, lines, refusal, until)
        yield partial(pages.merge, language, preview)
    yield lambda: pages.erase(language, member)
    yield lambda: pages.first_login(language, words, some, is_wrong=is_full, username=some)
    for state in ("waiting", "scanned", "approved", "denied", "expired"):
        yield partial(pages.handover, language, state, some)
    yield lambda: pages.confirm_handover(language, Confirmation(words, words, some, some, some, 0, url))
    for state in ("approved", "denied"):
        yield partial(pages.handover_decided, language, state, url if is_full else "")
    yield lambda: pages.leaving(language, url)


def _try(folder: Path, make: Callable[[], object], name: str = "a template") -> None:
    try:
        make()
    except Exception as error:
        place = _find_place(folder, error) or name
        raise SettingsError([f"pages.template_folder: {place}: {_tell(error)}"]) from error


def _find_place(folder: Path, error: Exception) -> str:
    """The template and line where it went wrong, if possible one of the shop's."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.name}, line {error.lineno}"
    frames = [(Path(frame.filename), frame.lineno) for frame in extract_tb(error.__traceback__)]
    for root in (folder, TEMPLATES):
        places = [(path.relative_to(root), line) for path, line in frames if path.is_relative_to(root)]
        if places:
            return f"{places[-1][0].as_posix()}, line {places[-1][1]}"
    return ""


def _tell(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name}"
    return str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
