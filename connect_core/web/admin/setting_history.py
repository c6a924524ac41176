"""The history of settings: revisions with who changed what, and making a draft active, discarding it, rolling back."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.errors import SettingsError
from connect_core.runtime_settings import SettingRevision
from connect_core.settings import Settings
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.settings import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen, ScreenEndpoint
from connect_core.web.admin.section_forms import section_form_routes
from connect_core.web.admin.setting_drafts import SettingDrafts, has_form, read_revision

PAGE_LENGTH = 30
"""Revisions on a page of the history."""
_REVISION_PAGE = "/settings/revisions/{revision}"


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of the history, and of the forms of limits and pages."""
    history, telling, page = (
        _History(admin),
        SettingDrafts(admin).telling_conflicts,
        "/settings/revisions/{revision:int}",
    )

    def act(name: str, endpoint: ScreenEndpoint, *, is_dangerous: bool) -> AdminRoute:
        path = f"{page}/{name}"
        return AdminRoute("POST", path, Role.OPERATOR, telling(endpoint), is_dangerous, form_page=_REVISION_PAGE)

    return [
        AdminRoute("GET", "/settings", Role.VIEWER, history.show_all),
        AdminRoute("GET", page, Role.VIEWER, history.show),
        act("activate", history.activate, is_dangerous=True),
        act("discard", history.discard, is_dangerous=False),
        act("roll-back", history.roll_back, is_dangerous=True),
        *section_form_routes(admin),
    ]


SCREEN = Screen("settings", "/settings", Role.VIEWER, TEXTS, make_routes)


class _History:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts = admin, SettingDrafts(admin)

    async def show_all(self, request: Request) -> Response:
        """Show the revisions, the latest first."""
        if not self._drafts.is_changeable:
            return self._admin.page(request, "setting_history.html", revisions=(), current=None, before=0)
        versions = self._drafts.versions
        before = read_revision(request.query_params.get("before") or "0")
        revisions = await versions.find_history(PAGE_LENGTH, before)
        current = await versions.find_current()
        next_before = revisions[-1].revision if len(revisions) == PAGE_LENGTH else 0
        return self._admin.page(
            request,
            "setting_history.html",
            revisions=revisions,
            current=current,
            before=next_before,
        )

    async def show(self, request: Request) -> Response:
        """Show what a revision changed, and what can be done with it; 0 is the file, which the history begins with."""
        return await self._show(request) if _get_revision(request) else self._admin.done("/settings")

    async def activate(self, request: Request) -> Response:
        """Make a draft active."""
        revision = _get_revision(request)
        try:
            await self._drafts.versions.activate(revision, self._admin.act(request))
        except SettingsError as error:
            return await self._show(request, error.mistakes)
        return self._admin.done(f"/settings/revisions/{revision}", "settings_activated")

    async def discard(self, request: Request) -> Response:
        """Discard a draft."""
        await self._drafts.versions.discard(_get_revision(request), self._admin.act(request))
        return self._admin.done("/settings", "settings_discarded")

    async def roll_back(self, request: Request) -> Response:
        """Make a new revision active that has the values of this one."""
        comment = self._admin.get_form(request).get("comment").strip()
        try:
            number = await self._drafts.versions.roll_back(_get_revision(request), self._admin.act(request), comment)
        except SettingsError as error:
            return await self._show(request, error.mistakes)
        return self._admin.done(f"/settings/revisions/{number}", "settings_rolled_back")

    async def _show(self, request: Request, mistakes: Sequence[str] = ()) -> Response:
        versions = self._drafts.versions
        revision = await versions.find_revision(_get_revision(request))
        return self._admin.page(
            request,
            "setting_revision.html",
            400 if mistakes else 200,
            revision=revision,
            current=await versions.find_current(),
            edit_page=find_edit_page(revision),
            tested=find_tested(revision, await versions.load(revision.revision)),
            mistakes=mistakes,
        )


def find_edit_page(revision: SettingRevision) -> str:
    """Return the path of the form that a draft was made with; empty where there is none."""
    if not has_form(revision):
        return ""
    for each in revision.changes:
        kind, _, name = each.section.partition(".")
        if kind in ("limits", "pages"):
            return f"/settings/{kind}"
        if kind in ("providers", "accounts"):
            return f"/{kind}/{name.partition('.')[0]}/edit"
    return ""


def find_tested(revision: SettingRevision, settings: Settings) -> list[str]:
    """Return the names of the providers whose settings a revision changes, by themselves or by their account."""
    sections = {each.section for each in revision.changes}
    names = {section.split(".")[1] for section in sections if section.startswith("providers.")}
    return [
        name
        for name, table in settings.providers.items()
        if name in names or f"accounts.{table.get('use', '')}" in sections
    ]


def _get_revision(request: Request) -> int:
    number: int = request.path_params["revision"]
    return number
