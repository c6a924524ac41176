"""What all forms of settings share: the revision that they begin from, and making a draft of what was posted.

Each form says on which revision it was made. When another one became active meanwhile, nothing is changed, and the
administrator reads what the other one changed. Never shows a secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import BadRequest, ChangedMeanwhile, SettingsError
from connect_core.runtime_settings import RequestedChange, SettingRevision, SettingVersions
from connect_core.settings.loading import WRONG_FORM
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.field_values import FieldMistake, Submission
from connect_core.web.admin.screens import ScreenEndpoint
from connect_core.web.admin.setting_acts import SettingActs
from connect_core.web.admin.setting_form import ReadTable, SettingTable, assign_mistakes
from connect_core.web.admin.setting_tables import SettingTables

MOST_SHOWN = 20
"""Revisions of others that the page about a conflict shows."""
EDITABLE = ("accounts.", "clients", "limits", "pages", "providers.")
"""What the sections begin with that have a form here; a draft with others is changed by a command."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a form begins from: the active revision `base`, or a `draft` made on it, with its tables."""

    base: int
    tables: SettingTables
    draft: SettingRevision | None = None


class FormRefused(Exception):
    """A posted form makes no draft. `mistakes` are sentences by input, `others` those that belong to no input."""

    def __init__(self, mistakes: Mapping[str, Sequence[str]], others: Sequence[str] = ()) -> None:
        """Neither contains what was typed."""
        super().__init__("the form was refused")
        self.mistakes, self.others = mistakes, others


class SettingDrafts:
    """Loads revisions for forms, and makes drafts of what was posted."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin, self.acts = admin, SettingActs(admin)

    @property
    def is_changeable(self) -> bool:
        """Whether settings can be changed at run time at all."""
        return self.acts.is_changeable

    @property
    def versions(self) -> SettingVersions:
        """The revisions. Raises `NotThere` where settings come from `connect.toml` alone."""
        return self.acts.versions

    async def begin(self, request: Request) -> Beginning:
        """Return what a form begins from: the draft that the query or the form names, or the active revision.

        Raises `ChangedMeanwhile` when the form was made on another revision, or the draft is none any more.
        """
        if not self.is_changeable:
            return Beginning(0, await self.acts.load_tables())
        base = await self.versions.find_current()
        named = request.query_params.get("draft", "")
        if request.method == "POST":
            form = self._admin.get_form(request)
            named = form.get("draft")
            if read_revision(form.get("base")) != base:
                raise ChangedMeanwhile("another revision of the settings became active")
        draft = await self.versions.find_revision(read_revision(named)) if named else None
        if draft is not None and (draft.state != "draft" or draft.base != base):
            raise ChangedMeanwhile("this is no draft of the active revision any more")
        revision = draft.revision if draft else base
        use_help = self._admin.get_texts(request)["help_use"]
        return Beginning(base, await self.acts.load_tables(revision, use_help), draft)

    def read_form(self, request: Request) -> Submission:
        """Return the posted form. Raises `BadRequest` for control characters."""
        form = self._admin.get_form(request)
        return Submission.of_pairs(form.pairs, form.files)

    async def save(
        self,
        request: Request,
        beginning: Beginning,
        tables: Sequence[ReadTable],
        more: Sequence[RequestedChange] = (),
    ) -> int:
        """Make a draft of what the form changed in `tables`, and of `more`, and return its revision.

        A draft that the form began from is replaced. Raises `FormRefused` with every mistake, and `ChangedMeanwhile`.
        """
        texts = self._admin.get_texts(request)
        mistakes = {name: [word(texts, each)] for table in tables for name, each in table.mistakes.items()}
        if mistakes:
            raise FormRefused(mistakes)
        new = [
            RequestedChange(read.table.section, key, value) for read in tables for key, value in read.changes.items()
        ]
        changes = {(each.section, each.name): each for each in (*await self._keep(beginning.draft), *new, *more)}
        if not new and not more:
            raise FormRefused({}, [texts["nothing_changed"]])
        act, comment = self._admin.act(request), self._admin.get_form(request).get("comment").strip()
        try:
            revision = await self.versions.draft([*changes.values()], base=beginning.base, act=act, comment=comment)
        except SettingsError as error:
            assigned, others = assign_mistakes(error.mistakes, [read.table for read in tables])
            raise FormRefused(reword(texts, assigned, [read.table for read in tables]), others) from None
        if beginning.draft is not None:
            await self.versions.discard(beginning.draft.revision, act)
        return revision

    def telling_conflicts(self, endpoint: ScreenEndpoint) -> ScreenEndpoint:
        """Return an endpoint that answers `ChangedMeanwhile` with what the others changed."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except ChangedMeanwhile:
                return await self._show_conflict(request)

        return answer

    async def _show_conflict(self, request: Request) -> Response:
        is_form = request.method == "POST"
        base = read_revision(self._admin.get_form(request).get("base") or "0") if is_form else 0
        latest = await self.versions.find_history(limit=MOST_SHOWN)
        others = [each for each in latest if each.state == "active" and each.revision > base]
        return self._admin.page(
            request,
            "changed_meanwhile.html",
            409,
            revisions=others if is_form else [],
            again=request.url.path,
        )

    async def _keep(self, draft: SettingRevision | None) -> list[RequestedChange]:
        """Return what a draft changes, secrets too, for the draft that takes its place."""
        if draft is None:
            return []
        values = await self.versions.load_values(draft.revision)
        return [
            RequestedChange(each.section, each.name, values.get((each.section, each.name))) for each in draft.changes
        ]


def reword(
    texts: Mapping[str, str], mistakes: Mapping[str, Sequence[str]], tables: Sequence[SettingTable]
) -> dict[str, list[str]]:
    """Return mistakes by input, with an example in place of the pattern that a text has to match."""
    examples = {table.name_input(item.key): item.default_text for table in tables for item in table.fields}

    def say(name: str, mistake: str) -> str:
        if not mistake.startswith(WRONG_FORM):
            return mistake
        return texts["mistake_form_as"] % examples[name] if examples[name] else texts["mistake_form"]

    return {name: [say(name, mistake) for mistake in lines] for name, lines in mistakes.items()}


def word(texts: Mapping[str, str], mistake: FieldMistake) -> str:
    """Return the sentence of a mistake."""
    text = texts[f"mistake_{mistake.text}"]
    return text % mistake.about if mistake.about else text


def read_revision(text: str) -> int:
    """Return the number of a revision. Raises `BadRequest` for what is none."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise BadRequest("a revision is a number")
    return int(text)


def has_form(revision: SettingRevision) -> bool:
    """Tell whether forms can change all that this revision changes."""
    return all(each.section.startswith(EDITABLE) for each in revision.changes)
