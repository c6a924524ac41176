"""The forms of `[limits]` and `[pages]`."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.field_values import Submission
from connect_core.web.admin.screens import AdminRoute
from connect_core.web.admin.setting_drafts import Beginning, FormRefused, SettingDrafts
from connect_core.web.admin.setting_form import SettingTable, read_table, show_table
from connect_core.web.admin.setting_tables import SettingTables

_MAKERS = {"limits": SettingTables.make_limits, "pages": SettingTables.make_pages}


def section_form_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of both forms."""
    telling, routes = SettingDrafts(admin).telling_conflicts, []
    for section, make in _MAKERS.items():
        form, page = _SectionForm(admin, make), f"/settings/{section}"
        routes.append(AdminRoute("GET", page, Role.VIEWER, telling(form.show)))
        routes.append(AdminRoute("POST", page, Role.OPERATOR, telling(form.save), form_page=page))
    return routes


class _SectionForm:
    def __init__(self, admin: AdminContext, make: Callable[[SettingTables], SettingTable]) -> None:
        self._admin, self._drafts, self._make = admin, SettingDrafts(admin), make

    async def show(self, request: Request) -> Response:
        """Show the form."""
        beginning = await self._drafts.begin(request)
        return self._show(request, beginning, self._make(beginning.tables))

    async def save(self, request: Request) -> Response:
        """Make a draft of what was posted, and lead to its page."""
        beginning = await self._drafts.begin(request)
        form, table = self._drafts.read_form(request), self._make(beginning.tables)
        try:
            revision = await self._drafts.save(request, beginning, [read_table(table, form)])
        except FormRefused as refused:
            return self._show(request, beginning, table, form, refused)
        return self._admin.done(f"/settings/revisions/{revision}", "settings_drafted")

    def _show(
        self,
        request: Request,
        beginning: Beginning,
        table: SettingTable,
        form: Submission | None = None,
        refused: FormRefused | None = None,
    ) -> Response:
        return self._admin.page(
            request,
            "section_form.html",
            400 if refused else 200,
            section=table.section,
            view=show_table(table, form, refused.mistakes if refused else None),
            beginning=beginning,
            comment=form.get("comment") if form else "",
            others=refused.others if refused else (),
            is_refused=refused is not None,
            is_changeable=self._drafts.is_changeable,
        )
