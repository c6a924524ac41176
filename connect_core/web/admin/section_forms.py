"""The forms of `[limits]` and `[pages]`."""

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import PageNotFound
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.field_values import Submission
from connect_core.web.admin.setting_drafts import Beginning, FormRefused, SettingDrafts
from connect_core.web.admin.setting_form import SettingTable, read_table, show_table
from connect_core.web.admin.setting_tables import SettingTables

_MAKERS = {"limits": SettingTables.make_limits, "pages": SettingTables.make_pages}


class SectionForms:
    """Shows and saves them; `{section}` of the path is which."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts = admin, SettingDrafts(admin)

    async def show(self, request: Request) -> Response:
        """Show the form."""
        beginning = await self._drafts.begin(request)
        return self._show(request, beginning, _make_table(request, beginning.tables))

    async def save(self, request: Request) -> Response:
        """Make a draft of what was posted, and lead to its page."""
        beginning = await self._drafts.begin(request)
        form, table = self._drafts.read_form(request), _make_table(request, beginning.tables)
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


def _make_table(request: Request, tables: SettingTables) -> SettingTable:
    make = _MAKERS.get(request.path_params["section"])
    if make is None:
        raise PageNotFound("there is no form of this section")
    return make(tables)
