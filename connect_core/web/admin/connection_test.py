"""Tests the connection of a provider as a draft has it: the doctor's checks, shown one by one as they end.

The page needs no script: it is sent in parts, each as soon as a check has ended. Nothing of the draft becomes active.
"""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import NotThere, SettingsError
from connect_core.findings import Finding, Level
from connect_core.providers.registry import ConfiguredProvider
from connect_core.settings import Settings
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.growing_page import send_in_parts
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.setting_acts import SettingActs
from connect_core.web.admin.setting_drafts import read_revision

_SIGNS = {Level.OK: "success", Level.WARNING: "notice", Level.BROKEN: "mistake"}
"""How the badge of a level looks."""


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """A test that can begin: the `providers`, one for each client type, and what is wrong with those not built."""

    settings: Settings
    providers: Sequence[ConfiguredProvider]
    mistakes: Sequence[str]


class ConnectionTests:
    """Builds a provider and has the doctor check it, for each client type."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._acts, self._plugins = admin, SettingActs(admin), PluginChoice(admin)

    async def prepare(self, name: str, revision: int | None) -> ConnectionTest:
        """Build a provider with the settings of a revision, such as a draft; None: the active one.

        Raises `NotThere` for a provider that the revision does not have.
        """
        is_changeable = self._acts.is_changeable
        settings = await self._acts.versions.load(revision) if is_changeable else self._admin.manager.settings
        if name not in settings.providers:
            raise NotThere("there is no such provider")
        if not is_changeable:
            return ConnectionTest(settings, self._admin.manager.registry.find_all(name), [])
        return ConnectionTest(settings, *await self._build(settings, name))

    async def run(self, test: ConnectionTest) -> AsyncIterator[tuple[str, list[Finding]]]:
        """Yield each subject, such as `alipay/pc`, with what was found, in the order in which the checks end."""
        from connect_core.doctor import examination, provider_checks  # noqa: PLC0415 - needed by these tests alone

        surroundings = examination.Surroundings(check_provider=provider_checks.check_provider, now=time.time)
        async for subject, findings in examination.examine_providers(test.providers, test.settings, surroundings):
            yield subject, findings

    async def _build(self, settings: Settings, name: str) -> tuple[list[ConfiguredProvider], list[str]]:
        """Return the provider for each client type that shows it, or for all of its plugin, and what is wrong."""
        shown = [client for client, names in settings.clients.items() if name in names]
        kind = (await self._plugins.load(settings.plugin_of(name))).provider
        providers: list[ConfiguredProvider] = []
        mistakes: dict[str, None] = {}
        for client in shown or kind.entrances:
            alone = settings.model_copy(update={"clients": {client: [name]}})
            try:
                providers += await self._acts.versions.build(alone)
            except SettingsError as error:
                mistakes |= dict.fromkeys(error.mistakes)
        return providers, list(mistakes)


class ConnectionTestPage:
    """The page that shows a test while it runs."""

    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._tests = admin, ConnectionTests(admin)

    async def show(self, request: Request) -> Response:
        """Answer a page that grows while the checks end, each within the doctor's deadline."""
        from connect_core.doctor.examination import CHECK_SECONDS  # noqa: PLC0415 - needed by these tests alone

        name, draft = request.path_params["name"], self._admin.get_form(request).get("draft")
        test = await self._tests.prepare(name, read_revision(draft) if draft else None)
        page = self._admin.page(
            request,
            "connection_test.html",
            name=name,
            draft=draft,
            subjects=[f"{each.name}/{each.client_type}" for each in test.providers],
            mistakes=test.mistakes,
            seconds=int(CHECK_SECONDS),
        )
        return send_in_parts(page, self._make_parts(request, test))

    async def _make_parts(self, request: Request, test: ConnectionTest) -> AsyncIterator[Response]:
        async for subject, findings in self._tests.run(test):
            worst = max((each.level for each in findings), key=list(Level).index, default=Level.OK)
            yield self._admin.page(
                request, "connection_findings.html", subject=subject, findings=findings, level=worst, signs=_SIGNS
            )
