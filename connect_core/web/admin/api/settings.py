"""Settings at run time in the management API: describe, draft, activate, discard, roll back. See `runtime_settings`.

Without `[service] settings = "database"` every route here is 404. No secret is ever answered.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import Field
from starlette.responses import Response

from connect_core.administrators.api_tokens import Scope
from connect_core.errors import BadRequest, NotThere
from connect_core.manager import ConnectManager
from connect_core.web import responses
from connect_core.web.admin.api.requests import LARGEST_ID, PAGE, ApiCall, ApiRoute, Body

if TYPE_CHECKING:
    from connect_core.runtime_settings import RequestedChange, SettingRevision, SettingVersions

_REVISION = "/settings/revisions/{revision:int}"


class Change(Body):
    """A setting that changes: `value` as in TOML; null lets the file's value or the default hold again."""

    section: str = Field(min_length=1)
    name: str = Field(min_length=1)
    value: Any


class Changes(Body):
    """Settings that change together."""

    changes: list[Change] = Field(min_length=1)


class Draft(Changes):
    """A draft. `base` is the revision that it was made from; the header `If-Match` may say it instead."""

    base: int | None = Field(default=None, ge=0, le=LARGEST_ID)
    comment: str = Field(default="", max_length=160)


class Comment(Body):
    """Why it is done."""

    comment: str = Field(default="", max_length=160)


def setting_routes(manager: ConnectManager) -> list[ApiRoute]:
    """Return the routes of this module."""
    api = _Settings(manager)
    read, write = Scope.READ_SETTINGS, Scope.WRITE_SETTINGS
    return [
        ApiRoute("GET", "/settings", read, api.describe, "Describe the settings", query=("revision",)),
        ApiRoute("GET", "/settings/revisions", read, api.list_revisions, "List revisions", query=("before",)),
        ApiRoute("GET", _REVISION, read, api.show_revision, "Show a revision"),
        ApiRoute("POST", "/settings/preview", write, api.preview, "Check changes, write nothing", Changes),
        ApiRoute("POST", "/settings/drafts", write, api.draft, "Store a draft", Draft, status=201),
        ApiRoute("POST", f"{_REVISION}/activate", write, api.activate, "Put a draft to use", status=204),
        ApiRoute("POST", f"{_REVISION}/discard", write, api.discard, "Discard a draft", status=204),
        ApiRoute("POST", f"{_REVISION}/roll-back", write, api.roll_back, "Go back to a revision", Comment),
    ]


class _Settings:
    def __init__(self, manager: ConnectManager) -> None:
        self._manager = manager

    @property
    def _versions(self) -> "SettingVersions":
        if self._manager.setting_versions is None:
            raise NotThere('settings change at run time with [service] settings = "database" alone')
        return self._manager.setting_versions

    async def describe(self, call: ApiCall) -> Response:
        current = await self._versions.find_current()
        revision = call.get_number("revision") if call.get("revision") else current
        settings = [asdict(view) for view in await self._versions.describe(revision)]
        response = responses.json_response({"revision": revision, "active_revision": current, "settings": settings})
        response.headers["etag"] = f'"{revision}"'
        return response

    async def list_revisions(self, call: ApiCall) -> Any:
        listed = await self._versions.find_history(PAGE, call.get_number("before"))
        return {"revisions": [asdict(revision) for revision in listed]}

    async def show_revision(self, call: ApiCall) -> Any:
        revision: SettingRevision = await self._versions.find_revision(call.path["revision"])
        return asdict(revision)

    async def preview(self, call: ApiCall) -> Any:
        body = await call.read(Changes)
        return {"changes": [asdict(change) for change in await self._versions.preview(_get_changes(body))]}

    async def draft(self, call: ApiCall) -> Any:
        body = await call.read(Draft)
        base = _parse_match(call) if body.base is None else body.base
        act = call.act(body.comment)
        return {"revision": await self._versions.draft(_get_changes(body), base=base, act=act, comment=body.comment)}

    async def activate(self, call: ApiCall) -> None:
        await self._versions.activate(call.path["revision"], call.act())

    async def discard(self, call: ApiCall) -> None:
        await self._versions.discard(call.path["revision"], call.act())

    async def roll_back(self, call: ApiCall) -> Any:
        body = await call.read(Comment)
        act = call.act(body.comment)
        return {"revision": await self._versions.roll_back(call.path["revision"], act, body.comment)}


def _get_changes(body: Changes) -> "list[RequestedChange]":
    from connect_core.runtime_settings import RequestedChange  # noqa: PLC0415 - loaded with `database` alone

    return [RequestedChange(change.section, change.name, change.value) for change in body.changes]


def _parse_match(call: ApiCall) -> int:
    tag = call.request.headers.get("if-match", "").strip().strip('"')
    if not (tag.isascii() and tag.isdecimal() and len(tag) < 19):
        raise BadRequest("base, or the header If-Match, says from which revision the draft was made")
    return int(tag)
