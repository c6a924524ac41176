"""Tests the connection of a provider as a draft has it: the doctor's checks, shown one by one as they end.

The page needs no script: it is sent in parts, each as soon as a check has ended. Nothing of the draft becomes active.
"""

import time
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from connect_core.errors import SettingsError, Unsupported
from connect_core.findings import Level
from connect_core.providers.registry import ConfiguredProvider
from connect_core.settings import Settings
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.setting_drafts import SettingDrafts, read_revision

MARK = "<!--results-->"
"""Where the results stand in the template."""
_SIGNS = {Level.OK: "success", Level.WARNING: "notice", Level.BROKEN: "mistake"}
"""How the badge of a level looks."""


class ConnectionTests:
    """Builds a provider and has the doctor check it, for each client type."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts, self._plugins = admin, SettingDrafts(admin), PluginChoice(admin)

    async def test(self, request: Request) -> Response:
        """Answer a page that grows while the checks end, each within the doctor's deadline."""
        name, draft = request.path_params["name"], self._admin.get_form(request).get("draft")
        settings = await self._load(draft)
        if name not in settings.providers:
            raise Unsupported("there is no such provider")
        providers, mistakes = await self._build(settings, name)
        from connect_core.doctor import examination  # noqa: PLC0415 - needed by this page alone

        page = self._admin.page(
            request,
            "connection_test.html",
            name=name,
            draft=draft,
            subjects=[f"{each.name}/{each.client_type}" for each in providers],
            mistakes=mistakes,
            seconds=int(examination.CHECK_SECONDS),
        )
        head, _, tail = bytes(page.body).partition(MARK.encode())
        headers = {key: value for key, value in page.headers.items() if key != "content-length"}
        # nginx would otherwise keep the parts until the page is complete
        headers["x-accel-buffering"] = "no"
        return StreamingResponse(self._stream(request, settings, providers, head, tail), headers=headers)

    async def _load(self, draft: str) -> Settings:
        if not self._drafts.is_changeable:
            return self._admin.manager.settings
        return await self._drafts.versions.load(read_revision(draft) if draft else None)

    async def _build(self, settings: Settings, name: str) -> tuple[list[ConfiguredProvider], list[str]]:
        """Return the provider for each client type that shows it, or for all of its plugin, and what is wrong."""
        if not self._drafts.is_changeable:
            return self._admin.manager.registry.find_all(name), []
        shown = [client for client, names in settings.clients.items() if name in names]
        kind = (await self._plugins.load(settings.plugin_of(name))).provider
        providers: list[ConfiguredProvider] = []
        mistakes: dict[str, None] = {}
        for client in shown or kind.entrances:
            alone = settings.model_copy(update={"clients": {client: [name]}})
            try:
                providers += await self._drafts.versions.build(alone)
            except SettingsError as error:
                mistakes |= dict.fromkeys(error.mistakes)
        return providers, list(mistakes)

    async def _stream(
        self, request: Request, settings: Settings, providers: Sequence[ConfiguredProvider], head: bytes, tail: bytes
    ) -> AsyncIterator[bytes]:
        from connect_core.doctor import examination, provider_checks  # noqa: PLC0415 - needed by this page alone

        yield head
        surroundings = examination.Surroundings(check_provider=provider_checks.check_provider, now=time.time)
        async for subject, findings in examination.examine_providers(providers, settings, surroundings):
            worst = max((each.level for each in findings), key=list(Level).index, default=Level.OK)
            part = self._admin.page(
                request, "connection_findings.html", subject=subject, findings=findings, level=worst, signs=_SIGNS
            )
            yield bytes(part.body)
        yield tail
