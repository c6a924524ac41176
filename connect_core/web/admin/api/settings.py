"""Settings at run time in the management API: describe, draft, activate, discard, roll back. See `runtime_settings`.

Without `[service] settings = "database"` every route here is 404. No secret is ever answered.
"""

from typing import Any

from pydantic import Field

from connect_core.administrators.api_tokens import Scope
from connect_core.errors import SettingsError
from connect_core.runtime_settings import RequestedChange, SettingRevision, SettingVersions
from connect_core.web.admin.api import answers
from connect_core.web.admin.api.requests import PAGE, ApiCall, ApiRoute, Based, Body
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.forms import read_form
from connect_core.web.admin.setting_acts import SettingActs
from connect_core.web.admin.setting_files import read_files

_REVISION = "/settings/revisions/{revision:int}"


class Change(Body):
    """A setting that changes: `value` as in TOML; null lets the file's value or the default hold again."""

    section: str = Field(min_length=1)
    name: str = Field(min_length=1)
    value: Any


class Changes(Body):
    """Settings that change together."""

    changes: list[Change] = Field(min_length=1)


class Draft(Changes, Based):
    """A draft on the revision `base`; the header `If-Match` may name that instead."""

    comment: str = Field(default="", max_length=160)


class Comment(Body):
    """Why it is done."""

    comment: str = Field(default="", max_length=160)


def setting_routes(admin: AdminContext) -> list[ApiRoute]:
    """Return the routes of this module."""
    api = _Settings(admin)
    read, write = Scope.READ_SETTINGS, Scope.WRITE_SETTINGS
    return [
        ApiRoute(
            "GET",
            "/settings",
            read,
            api.describe_settings,
            "Describe the settings",
            query=("revision",),
            is_tagged=True,
        ),
        ApiRoute("GET", "/settings/revisions", read, api.list_revisions, "List revisions", query=("before",)),
        ApiRoute("GET", _REVISION, read, api.show_revision, "Show a revision"),
        ApiRoute("POST", "/settings/preview", write, api.preview_settings, "Check changes, write nothing", Changes),
        ApiRoute("POST", "/settings/drafts", write, api.draft_settings, "Store a draft", Draft, status=201),
        ApiRoute(
            "POST",
            "/settings/files",
            write,
            api.draft_files,
            "Store a draft with certificates and keys",
            status=201,
            takes_files=True,
        ),
        ApiRoute("POST", f"{_REVISION}/activate", write, api.activate_revision, "Put a draft to use", status=204),
        ApiRoute("POST", f"{_REVISION}/discard", write, api.discard_revision, "Discard a draft", status=204),
        ApiRoute("POST", f"{_REVISION}/roll-back", write, api.roll_back_to_revision, "Go back to a revision", Comment),
    ]


class _Settings:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._acts = admin, SettingActs(admin)

    @property
    def _versions(self) -> SettingVersions:
        return self._acts.versions

    async def describe_settings(self, call: ApiCall) -> answers.SettingList:
        current = await self._versions.find_current()
        revision = call.get_number("revision") if call.get("revision") else current
        settings = await self._versions.describe(revision)
        return {"revision": revision, "active_revision": current, "settings": settings}

    async def list_revisions(self, call: ApiCall) -> answers.RevisionList:
        return {"revisions": await self._versions.find_history(PAGE, call.get_number("before"))}

    async def show_revision(self, call: ApiCall) -> SettingRevision:
        return await self._versions.find_revision(call.path["revision"])

    async def preview_settings(self, call: ApiCall) -> answers.ChangeList:
        body = await call.read(Changes)
        return {"changes": [*await self._versions.preview(_get_changes(body))]}

    async def draft_settings(self, call: ApiCall) -> answers.DraftedRevision:
        body = await call.read(Draft)
        base, act = call.get_base(body.base), call.act(body.comment)
        return {"revision": await self._versions.draft(_get_changes(body), base=base, act=act, comment=body.comment)}

    async def draft_files(self, call: ApiCall) -> answers.DraftedRevision:
        form = await read_form(call.request)
        if strange := [name for name, _ in form.pairs if name not in ("base", "comment")]:
            raise SettingsError([f"{name}: is no file" for name in strange])
        named, comment = form.get("base"), form.get("comment").strip()
        if named and not (named.isascii() and named.isdecimal() and len(named) < 19):
            raise SettingsError(["base: give the number of a revision"])
        base, act = call.get_base(int(named) if named else None), call.act(comment)
        changes = await read_files(self._admin, await self._acts.load_tables(), form.files)
        return {"revision": await self._versions.draft(changes, base=base, act=act, comment=comment)}

    async def activate_revision(self, call: ApiCall) -> None:
        await self._versions.activate(call.path["revision"], call.act())

    async def discard_revision(self, call: ApiCall) -> None:
        await self._versions.discard(call.path["revision"], call.act())

    async def roll_back_to_revision(self, call: ApiCall) -> answers.DraftedRevision:
        body = await call.read(Comment)
        act = call.act(body.comment)
        return {"revision": await self._versions.roll_back(call.path["revision"], act, body.comment)}


def _get_changes(body: Changes) -> list[RequestedChange]:
    return [RequestedChange(change.section, change.name, change.value) for change in body.changes]
