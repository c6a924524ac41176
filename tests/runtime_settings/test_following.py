"""What a process does when another one changes the settings: it follows, or keeps what works and says so."""

import asyncio
import logging
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect_core.acts import OperatorAct
from connect_core.errors import SettingsError, Unavailable, Unsupported
from connect_core.login.values import ChoiceNeeded
from connect_core.manager import ConnectManager
from connect_core.runtime_settings import Follower, RequestedChange, SettingVersions
from connect_core.store import Database, schema
from connect_core.web import create_app

from ..conftest import MakeManager
from ..kit.acme import (
    VISIT,
    Acme,
    AcmeProvider,
    begin,
    come_back,
    hand_in,
    make_manager,
    make_plugins,
    outcome_of,
    provider_of,
    settings_of,
)
from .conftest import DATABASE


class Fragile(AcmeProvider):
    """A provider that some processes cannot build: those where `breaks` is set."""

    acme = Acme()
    breaks = False

    def __init__(self, settings: Any, http: Any) -> None:
        super().__init__(settings, http)
        if self.breaks and settings.app_id == "new":
            raise RuntimeError("a file is missing on this machine")


async def activate(versions: SettingVersions | None, act: OperatorAct, *wanted: tuple[str, str, Any]) -> int:
    """Change settings as an operator does, in the process of `versions`."""
    assert versions is not None
    changes = [RequestedChange(*each) for each in wanted]
    revision = await versions.draft(changes, base=await versions.find_current(), act=act)
    await versions.activate(revision, act)
    return revision


def follower_of(shop: ConnectManager) -> Follower:
    """The part of a process that follows."""
    assert shop.settings_follower is not None
    return shop.settings_follower


async def test_a_provider_that_is_switched_off_refuses_on_every_path(
    make_manager: MakeManager, acme: Acme, act: OperatorAct
) -> None:
    """Start, callback, code, first-login ticket and the vendor's notices are refused, also for logins under way."""
    service = {**DATABASE, "first_login": "choose"}
    shop, other = [make_manager(provider=provider_of(acme), service=service) for _ in range(2)]
    begun = await begin(other)
    waiting = await hand_in(other, "lihua.1")
    assert isinstance(waiting, ChoiceNeeded)
    ticket = other.first_login_tickets.seal(waiting.pending)
    await activate(shop.setting_versions, act, *(("clients", client, []) for client in ("pc", "h5", "app", "mini")))
    await follower_of(other).follow()
    assert await outcome_of(begin(other)) == "unsupported"
    assert await outcome_of(come_back(other, begun)) == "unsupported"
    assert await outcome_of(hand_in(other, "lihua.2")) == "unsupported"
    assert await outcome_of(other.finish_first_login(ticket, VISIT)) == "unsupported"
    with pytest.raises(Unsupported):
        other.registry.find_all("acme")
    assert acme.requests in (["login lihua", "profile lihua"], ["login lihua"])


async def test_a_process_that_cannot_use_a_revision_keeps_the_former(
    make_manager: MakeManager, act: OperatorAct, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs why, once, tells both revisions apart, serves on, and takes the next revision that it can use."""

    class Here(Fragile):
        """The provider where a file is missing."""

        breaks = True

    shop = make_manager(provider=Fragile, service=DATABASE)
    broken = make_manager(provider=Here, service=DATABASE)
    revision = await activate(shop.setting_versions, act, ("providers.acme", "app_id", "new"))
    before = broken.registry.find("acme", "pc")
    follower = follower_of(broken)
    for _ in range(2):
        await follower.follow()
    assert (follower.active, follower.applied) == (revision, 0)
    assert broken.registry.find("acme", "pc") is before
    lines = [record for record in caplog.records if record.msg == "settings_not_applied"]
    assert [(line.levelno, line.__dict__["revision"]) for line in lines] == [(logging.ERROR, revision)]
    assert lines[0].__dict__["reason"] == "providers.acme: the plugin raised RuntimeError"
    latest = await activate(shop.setting_versions, act, ("providers.acme", "app_id", "newer"))
    await follower.follow()
    assert (follower.active, follower.applied) == (latest, latest)


class Hanging(AcmeProvider):
    """A provider whose constructor does not come to an end where `hangs` is set, with some app ids."""

    acme = Acme()
    hangs = True

    def __init__(self, settings: Any, http: Any) -> None:
        super().__init__(settings, http)
        if self.hangs and settings.app_id.startswith("slow"):
            threading.Event().wait()


async def test_a_plugin_that_hangs_holds_up_no_later_revision(
    make_manager: MakeManager, act: OperatorAct, caplog: pytest.LogCaptureFixture
) -> None:
    """A process gives the revision up, says which provider it was, once, serves on, and takes the next revision."""

    class Quick(Hanging):
        """The provider as a machine has it where it does not hang."""

        hangs = False

    shop = make_manager(provider=Quick, service=DATABASE)
    stuck = make_manager(provider=Hanging, service=DATABASE)
    stuck.plugins.patience = 0.2
    before, follower = stuck.registry.find("acme", "pc"), follower_of(stuck)
    for name in ("slow", "slower"):
        revision = await activate(shop.setting_versions, act, ("providers.acme", "app_id", name))
        for _ in range(3):
            await follower._try_to_follow()
        assert (follower.active, follower.applied) == (revision, 0)
    assert stuck.registry.find("acme", "pc") is before
    assert await outcome_of(hand_in(stuck, "lihua.1")) == "ok"
    said = [(line.msg, line.__dict__.get("reason")) for line in caplog.records if line.msg.startswith("settings_")]
    reason = "providers.acme: the plugin did not come to an end within 0.2 s"
    assert [line for line in said if line[0] != "settings_applied"] == [("settings_not_applied", reason)] * 2
    latest = await activate(shop.setting_versions, act, ("providers.acme", "app_id", "quick"))
    await follower.follow()
    assert (follower.active, follower.applied) == (latest, latest)


async def test_a_revision_whose_plugin_hangs_is_refused_where_it_is_made(
    make_manager: MakeManager, act: OperatorAct
) -> None:
    """The operator is told which provider it is, nothing is written, and the next change can be made at once."""
    shop = make_manager(provider=Hanging, service=DATABASE)
    shop.plugins.patience = 0.2
    hung = [activate(shop.setting_versions, act, ("providers.acme", "app_id", "slow")) for _ in range(2)]
    for refused in await asyncio.gather(*hung, return_exceptions=True):
        assert isinstance(refused, SettingsError)
        assert refused.mistakes == ("providers.acme: the plugin did not come to an end within 0.2 s",)
    assert await activate(shop.setting_versions, act, ("limits", "vendor_calls", 5)) == 1


async def test_a_start_with_an_unusable_revision_says_how_to_go_back(
    make_manager: MakeManager, act: OperatorAct, tmp_path: Path
) -> None:
    """A process that begins has no former settings: it does not start, and names the revision and the command."""

    class Here(Fragile):
        """The provider where a file is missing."""

        breaks = True

    shop = make_manager(provider=Fragile, service=DATABASE)
    await activate(shop.setting_versions, act, ("limits", "vendor_calls", 5))
    await activate(shop.setting_versions, act, ("providers.acme", "app_id", "new"))
    settings = settings_of(tmp_path, service=DATABASE)
    database = Database(settings.service.database_url)
    with pytest.raises(SettingsError) as refused:
        ConnectManager(settings, database, plugins=make_plugins(Here))
    database.close()
    assert refused.value.mistakes == (
        "providers.acme: the plugin raised RuntimeError",
        (
            "service.settings: revision 2 of the database cannot be used; to go back, run: "
            "connect-login settings rollback 1"
        ),
    )


async def test_an_outage_of_the_database_stops_nothing(
    shop: ConnectManager, act: OperatorAct, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings in use stay, one line says so however long it lasts, and then the process follows again."""
    revision = await activate(shop.setting_versions, act, ("limits", "vendor_calls", 5))
    follower = follower_of(shop)

    async def fail() -> int:
        raise Unavailable("the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(shop.setting_versions, "find_current", fail)
        for _ in range(3):
            await follower._try_to_follow()
    assert shop.settings.limits.vendor_calls == 5
    assert [record.msg for record in caplog.records].count("settings_not_read") == 1
    await follower._try_to_follow()
    assert follower.applied == revision


def test_a_process_starts_without_a_database(tmp_path: Path) -> None:
    """While the tables are missing the file holds; the process follows once they are there."""
    settings = settings_of(tmp_path, service=DATABASE)
    database = Database(settings.service.database_url)
    manager = ConnectManager(settings, database, plugins=make_plugins())
    assert follower_of(manager).applied == 0
    database.close()


async def test_pages_limits_and_terms_change_in_a_running_application(
    tmp_path: Path, act: OperatorAct, database_url: str
) -> None:
    """The shop's name, the limit of an address and the terms that newcomers agree to, without a new start."""
    settings = settings_of(tmp_path, service=DATABASE)
    with closing(Database(settings.service.database_url)) as database:
        schema.prepare(database)
    app = create_app(settings, plugins=make_plugins())
    manager: ConnectManager = app.state.manager
    transport = httpx.ASGITransport(app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as visitor:
        page = await visitor.get("/connect/login")
        assert "Jade Tea" not in page.text
        await activate(
            manager.setting_versions,
            act,
            ("pages", "name", "Jade Tea"),
            ("pages", "terms_url", "/terms"),
            ("pages", "terms_version", "2"),
            ("pages", "consent", "required"),
            ("limits", "per_address", "2/hour"),
        )
        page = await visitor.get("/connect/login")
        assert "Jade Tea" in page.text
        assert manager.required_terms == "2"
        starts = [(await visitor.get("/connect/acme/pc/login")).status_code for _ in range(4)]
        assert starts == [303, 303, 429, 429]
        assert not manager.completion.has_consented(VISIT)
        assert manager.setting_versions is not None
        await manager.setting_versions.roll_back(0, act)
        assert "Jade Tea" not in (await visitor.get("/connect/login")).text
        assert (await visitor.get("/connect/acme/pc/login")).status_code == 303
        assert manager.completion.has_consented(VISIT)
    await manager.aclose()


def test_with_settings_in_the_file_nothing_is_loaded_or_asked(tmp_path: Path, database_url: str) -> None:
    """No revisions, no follower, no module of ours imported: what is switched off costs nothing."""
    manager = make_manager(tmp_path)
    assert (manager.setting_versions, manager.settings_follower) == (None, None)
    manager.database.close()
    code = "import sys, connect_core.web.app; sys.exit('connect_core.runtime_settings' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
