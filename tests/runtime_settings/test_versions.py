"""Revisions of the settings: what is drafted, refused, made active, and rolled back; what is recorded of it."""

import asyncio
import base64
import logging
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connect_core.acts import OperatorAct
from connect_core.errors import BadRequest, ChangedMeanwhile, SettingsError, Unsupported
from connect_core.manager import ConnectManager
from connect_core.runtime_settings import RequestedChange, SettingVersions
from connect_core.store import Database, audit
from connect_core.store.schema.upgrade import upgrade_schema

from ..conftest import MakeManager
from ..kit.acme import Acme, AcmeProvider, AcmeSettings, execute, make_manager
from .conftest import DATABASE

CANARY = "canary-9f3b7c"
HOOK_SECRET = f"whsec_{base64.b64encode(CANARY.encode() * 2).decode()}"


class SecretiveSettings(AcmeSettings):
    """With secrets, one of them under a name that does not look like one."""

    app_secret: SecretStr = SecretStr("")
    phrase: SecretStr = SecretStr("")


class Secretive(AcmeProvider):
    """A provider with secrets, which cannot be built with one of them."""

    acme = Acme()
    Settings = SecretiveSettings

    def __init__(self, settings: Any, http: Any) -> None:
        super().__init__(settings, http)
        if settings.app_id == "unbuildable":
            raise RuntimeError(f"no key fits {settings.phrase.get_secret_value()}")


def change(section: str, name: str, value: Any) -> RequestedChange:
    """Shorten what every test writes."""
    return RequestedChange(section, name, value)


async def test_a_draft_has_no_effect_until_it_is_active(
    shop: ConnectManager, versions: SettingVersions, act: OperatorAct
) -> None:
    """A draft changes nothing; once it is active, the process has its values, and the objects that others hold stay."""
    registry = shop.registry
    draft = await versions.draft([change("limits", "vendor_calls", 7), change("clients", "h5", [])], base=0, act=act)
    assert (await versions.find_current(), shop.settings.limits.vendor_calls) == (0, 50)
    assert (await versions.load(draft)).limits.vendor_calls == 7
    await versions.activate(draft, act)
    assert (await versions.find_current(), shop.settings.limits.vendor_calls, shop.pool.vendor_calls) == (draft, 7, 7)
    assert shop.registry is registry
    with pytest.raises(Unsupported):
        registry.find("acme", "h5")


async def test_a_provider_with_the_same_settings_is_taken_over(
    shop: ConnectManager, versions: SettingVersions, act: OperatorAct
) -> None:
    """Another limit builds no provider anew, so its keys and caches stay; other settings of its own do."""
    before = shop.registry.find("acme", "pc").provider
    await versions.activate(await versions.draft([change("limits", "per_address", "5/minute")], base=0, act=act), act)
    assert shop.registry.find("acme", "pc").provider is before
    await versions.activate(await versions.draft([change("providers.acme", "app_id", "a2")], base=1, act=act), act)
    assert shop.registry.find("acme", "pc").provider is not before


@pytest.mark.parametrize(
    ("section", "name", "value", "mistake"),
    [
        ("limits", "per_addres", "off", "limits.per_addres: unknown key; did you mean `per_address`?"),
        (
            "limits",
            "per_address",
            "many",
            'limits.per_address: is not in the form that it must have, such as "600/minute"',
        ),
        ("clients", "pc", ["nix"], "clients.pc: nix is not configured; add [providers.nix]"),
        ("providers.acme", "app_idd", "x", "providers.acme.app_idd: unknown key; did you mean `app_id`?"),
        ("providers.acme", "app_id", "unbuildable", "providers.acme: the plugin raised RuntimeError"),
        ("providers.acme", "app_id", "env:HOME", "providers.acme.app_id: env: and file: work in connect.toml alone"),
        ("providers.acme", "app_id", " x", "providers.acme.app_id: remove the blanks around the value"),
        ("providers.other", "plugin", "nix", "providers.other.plugin"),
        ("service", "public_url", "https://evil.example", "service.public_url: this stays in connect.toml"),
        ("pages", "template_folder", "/etc", "pages.template_folder: this stays in connect.toml"),
        ("pages", "consent", "required", "pages: consent needs terms_url"),
        ("providers.acme.pc", "locked", True, "providers.acme.pc.locked: this is no setting"),
        ("providers.acme", "pc", {}, "providers.acme.pc: this is no setting"),
        ("providers.acme", "app_id", "x" * 40_000, "providers.acme.app_id: has more than"),
    ],
)
async def test_what_a_file_could_not_say_is_never_drafted(
    make_manager: MakeManager, act: OperatorAct, section: str, name: str, value: Any, mistake: str
) -> None:
    """A wrong key, value or provider is refused with its path, and nothing is written."""
    shop = make_manager(provider=Secretive, service=DATABASE)
    assert shop.setting_versions is not None
    wanted = [change(section, name, value)]
    if section == "providers.other":
        wanted.append(change("clients", "pc", ["acme", "other"]))
    with pytest.raises(SettingsError) as refused:
        await shop.setting_versions.draft(wanted, base=0, act=act)
    assert any(line.startswith(mistake) for line in refused.value.mistakes)
    assert await shop.setting_versions.find_history() == []


async def test_what_the_file_locks_cannot_be_changed(make_manager: MakeManager, act: OperatorAct) -> None:
    """A locked key, also by way of a client type's table, and a locked table are refused; the others can be changed."""
    shop = make_manager(
        service=DATABASE,
        providers={"acme": {"app_id": "a1", "locked": ["app_id"]}},
        limits={"locked": True},
    )
    versions = shop.setting_versions
    assert versions is not None
    for section, name in (("providers.acme", "app_id"), ("providers.acme.pc", "app_id"), ("limits", "per_address")):
        with pytest.raises(SettingsError, match=f"{section}.{name}: is locked in connect.toml; change it there"):
            await versions.draft([change(section, name, "off")], base=0, act=act)
    await versions.activate(
        await versions.draft([change("providers.acme", "profile_max_age", 5)], base=0, act=act), act
    )
    locked = {(view.section, view.name) for view in await versions.describe() if view.is_locked}
    assert ("providers.acme", "app_id") in locked
    assert ("limits", "vendor_calls") in locked
    assert ("providers.acme", "profile_max_age") not in locked


async def test_a_lock_holds_for_what_the_database_has_already(make_manager: MakeManager, act: OperatorAct) -> None:
    """A value that was set before the file locked its key has no effect any more."""
    first = make_manager(service=DATABASE)
    assert first.setting_versions is not None
    draft = await first.setting_versions.draft([change("providers.acme", "app_id", "a9")], base=0, act=act)
    await first.setting_versions.activate(draft, act)
    second = make_manager(service=DATABASE, providers={"acme": {"app_id": "a1", "locked": True}})
    assert second.settings.providers["acme"]["app_id"] == "a1"


def test_a_lock_that_locks_nothing_is_a_mistake(tmp_path: Path) -> None:
    """A misspelt key in `locked` would leave open what its writer believes to be locked."""
    with pytest.raises(SettingsError, match=r"limits.locked: there is no key per_adress; did you mean `per_address`?"):
        make_manager(tmp_path, limits={"locked": ["per_adress"]})
    with pytest.raises(SettingsError, match=r"clients.locked: give true for the whole table, or a list of its keys"):
        make_manager(tmp_path, clients={"locked": "pc"})


async def test_the_second_of_two_operators_is_told(versions: SettingVersions, act: OperatorAct) -> None:
    """Of two drafts on one base only the first becomes active, and a draft on an older base is refused."""
    first = await versions.draft([change("limits", "vendor_calls", 7)], base=0, act=act)
    second = await versions.draft([change("limits", "vendor_calls", 8)], base=0, act=act)
    await versions.activate(second, act)
    with pytest.raises(ChangedMeanwhile, match="revision 2 is active, not 0"):
        await versions.activate(first, act)
    with pytest.raises(ChangedMeanwhile, match="revision 2 is active, not 0"):
        await versions.draft([change("limits", "vendor_calls", 9)], base=0, act=act)
    with pytest.raises(ChangedMeanwhile, match="revision 2 is active, and no draft any more"):
        await versions.activate(second, act)
    await versions.discard(first, act)
    with pytest.raises(ChangedMeanwhile, match="is discarded"):
        await versions.activate(first, act)
    with pytest.raises(Unsupported):
        await versions.activate(99, act)


async def test_a_roll_back_is_a_new_revision(make_manager: MakeManager, act: OperatorAct) -> None:
    """It has the values of the older one, secrets too; 0 is the file alone; the same values are refused."""
    shop = make_manager(provider=Secretive, service=DATABASE)
    versions = shop.setting_versions
    assert versions is not None
    for base, phrase in enumerate(("first", "second")):
        draft = await versions.draft([change("providers.acme", "phrase", phrase)], base=base, act=act)
        await versions.activate(draft, act)
    assert await versions.roll_back(1, act) == 3
    assert shop.settings.providers["acme"]["phrase"] == "first"
    with pytest.raises(BadRequest, match="no setting would change"):
        await versions.roll_back(1, act)
    assert await versions.roll_back(0, act) == 4
    assert "phrase" not in shop.settings.providers["acme"]
    assert [(row.revision, row.base) for row in await versions.find_history()] == [(4, 3), (3, 2), (2, 1), (1, 0)]


async def test_no_secret_is_written_or_said_anywhere(
    make_manager: MakeManager, database_url: str, act: OperatorAct, caplog: pytest.LogCaptureFixture
) -> None:
    """A secret is in no column in clear, no history, no description, no error and no log line."""
    caplog.set_level(logging.DEBUG)
    shop = make_manager(provider=Secretive, service=DATABASE)
    versions = shop.setting_versions
    assert versions is not None
    secrets = [
        change("providers.acme", "phrase", CANARY),
        change("providers.acme.pc", "app_secret", CANARY),
        change("accounts.pay", "whatever", CANARY),
        change("webhooks.stock", "url", "https://stock.example/hook"),
        change("webhooks.stock", "secrets", [HOOK_SECRET]),
    ]
    await versions.activate(await versions.draft(secrets, base=0, act=act), act)
    with pytest.raises(SettingsError) as refused:
        await versions.draft([change("providers.acme", "app_id", "unbuildable")], base=1, act=act)
    views = await versions.describe()
    assert {view.section for view in views if view.is_secret and view.source == "database"} == {
        "providers.acme", "providers.acme.pc", "accounts.pay", "webhooks.stock"
    }  # fmt: skip
    with closing(Database(database_url)) as database:
        records = database.read_blocking(lambda tx: audit.find_records(tx, 50))
    stored = [
        execute(database_url, f"SELECT * FROM {table}") for table in ("es_connect_setting", "es_connect_setting_change")
    ]
    said = [await versions.find_history(), await versions.compare(0, 1), views, records, stored, refused.value.mistakes]
    for text in (*map(repr, said), caplog.text, repr(secrets)):
        assert CANARY not in text
        assert HOOK_SECRET not in text
    assert (await versions.load_values())["webhooks.stock", "secrets"] == [HOOK_SECRET]


async def test_a_value_opens_in_its_own_row_alone(
    versions: SettingVersions, database_url: str, act: OperatorAct
) -> None:
    """Two values that somebody swaps in the database are refused: they are sealed for their rows."""
    wanted = [change("limits", "per_address", "5/minute"), change("limits", "per_username", "9/minute")]
    draft = await versions.draft(wanted, base=0, act=act)
    values = {row["id"]: row["value"] for row in execute(database_url, "SELECT * FROM es_connect_setting")}
    low, high = sorted(values)
    execute(database_url, f"UPDATE es_connect_setting SET value = '{values[high]}' WHERE id = {low}")
    execute(database_url, f"UPDATE es_connect_setting SET value = '{values[low]}' WHERE id = {high}")
    with pytest.raises(SettingsError, match=r"limits.per_address: its value of revision 1 does not open"):
        await versions.activate(draft, act)
    assert await versions.find_current() == 0


async def test_every_change_is_in_the_audit_log(
    shop: ConnectManager, versions: SettingVersions, act: OperatorAct
) -> None:
    """Who drafted, activated and discarded what, through what; names of settings, and no values."""
    await versions.activate(await versions.draft([change("providers.acme", "app_id", "a2")], base=0, act=act), act)
    await versions.discard(await versions.draft([change("limits", "vendor_calls", 3)], base=1, act=act), act)
    records = await shop.database.read(lambda tx: audit.find_records(tx, 10))
    assert [(row.action, row.target, row.detail, row.actor, row.via) for row in reversed(records)] == [
        ("settings.drafted", "providers.acme", "revision 1: providers.acme.app_id", "li", "page"),
        ("settings.activated", "providers.acme", "revision 1: providers.acme.app_id", "li", "page"),
        ("settings.drafted", "limits", "revision 2: limits.vendor_calls", "li", "page"),
        ("settings.discarded", "limits", "revision 2: limits.vendor_calls", "li", "page"),
    ]


async def test_sources_are_told(make_manager: MakeManager, act: OperatorAct) -> None:
    """Of each setting: whether it comes from an account, the file, the database, or is a default."""
    shop = make_manager(
        service=DATABASE,
        accounts={"pay": {"app_id": "a1"}},
        providers={"acme": {"use": "pay", "profile_max_age": 60}},
    )
    versions = shop.setting_versions
    assert versions is not None
    draft = await versions.draft([change("providers.acme.mini", "app_id", "m1")], base=0, act=act)
    views = {(view.section, view.name): (view.source, view.value) for view in await versions.describe(draft)}
    assert views["providers.acme", "app_id"] == ("account", "a1")
    assert views["accounts.pay", "app_id"] == ("file", "a1")
    assert views["providers.acme", "profile_max_age"] == ("file", 60)
    assert views["providers.acme.mini", "app_id"] == ("database", "m1")
    assert views["providers.acme", "denial_words"] == ("default", [])
    assert ("providers.acme.mini", "app_id") not in {(v.section, v.name) for v in await versions.describe()}


async def test_at_once_one_of_many_operators_wins_on_every_engine(empty: str, tmp_path: Path) -> None:
    """Of eight changes of one base at the same moment, from two managers, exactly one is active, and seven are told."""
    (tmp_path / "database_url").write_text(empty, "utf-8")
    act = OperatorAct("li", "", "0123456789abcdef")

    with closing(Database(empty)) as database:
        upgrade_schema(database)

    managers = [make_manager(tmp_path, service=DATABASE) for _ in range(2)]

    async def draft(place: int) -> tuple[SettingVersions, int]:
        versions = managers[place % 2].setting_versions
        assert versions is not None
        return versions, await versions.draft([change("limits", "vendor_calls", place + 1)], base=0, act=act)

    async def activate(versions: SettingVersions, revision: int) -> str:
        try:
            await versions.activate(revision, act)
        except ChangedMeanwhile:
            return "told"
        return "active"

    try:
        drafts = await asyncio.gather(*map(draft, range(8)))
        results = sorted(await asyncio.gather(*(activate(*each) for each in drafts)))
    finally:
        for manager in managers:
            await manager.aclose()
    assert results == ["active", *["told"] * 7]
    states = [row["state"] for row in execute(empty, "SELECT * FROM es_connect_setting_change")]
    assert states.count("active") == 1
