"""Plugins found, checked and set aside; providers built once from the shop's configuration, every mistake told."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field, ValidationError

from connect_core.errors import PluginError, SettingsError, Unsupported
from connect_core.http import Http
from connect_core.identity import ClientType
from connect_core.plugin import Entrance, LoginEvent, Provider, ProviderSettings, Register, hookimpl
from connect_core.providers.registry import Plugins

from ..kit.acme import AcmeProvider, AcmeSettings, PluginOf
from ..kit.plugins import ACME, installed, mistakes, plugins, registry

# finding plugins


def test_our_own_plugins_are_found() -> None:
    """Through the same entry points as a stranger's."""
    found = Plugins()
    assert {"alipay", "wechat"} <= set(found.available)
    assert found.quarantined == {}
    assert found.available["wechat"].provider.union_type == "WECHAT"


BROKEN = {
    "no_module": "import a_package_nobody_has",
    "syntax": "def (",
    "raises": "raise RuntimeError('two\\nlines')",
    "exits": "raise SystemExit(3)",
    "sulks": "class Sulk(BaseException): pass\nraise Sulk('no')",
    "hook_raises": (
        "from connect_core.plugin import hookimpl\n@hookimpl\ndef connect_register_providers(register): 1 / 0"
    ),
    "not_a_class": (
        "from connect_core.plugin import hookimpl\n@hookimpl\n"
        "def connect_register_providers(register): register('x', 7)"
    ),
    "odd_hook": "from connect_core.plugin import hookimpl\n@hookimpl\ndef connect_registered(nonsense): pass",
}


def test_a_broken_plugin_is_set_aside_and_the_others_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong in a plugin's import or registration, start-up goes on and one line tells the reason."""
    with installed(tmp_path, BROKEN, {"stranger": [f"{name} = {name}" for name in BROKEN]}):
        found = Plugins()
    assert {"alipay", "wechat"} <= set(found.available)
    assert set(found.quarantined) == set(BROKEN)
    assert {vars(record)["plugin"] for record in caplog.records if record.msg == "plugin_quarantined"} == set(BROKEN)
    told = {name: reason.partition(":")[0] for name, reason in found.quarantined.items()}
    assert told == {
        "no_module": "ModuleNotFoundError",
        "syntax": "SyntaxError",
        "raises": "RuntimeError",
        "exits": "SystemExit",
        "sulks": "Sulk",
        "hook_raises": "ZeroDivisionError",
        "not_a_class": "TypeError",
        "odd_hook": "PluginValidationError",
    }
    assert found.quarantined["raises"] == "RuntimeError: two lines"
    assert not [reason for reason in found.quarantined.values() if "\n" in reason]
    assert found.hooks.connect_registered.get_hookimpls() == []


def test_blocked_plugins_are_not_even_imported(tmp_path: Path) -> None:
    """The environment variable names entry points, separated by commas, blanks let pass."""
    os.environ["CONNECT_BLOCK_PLUGINS"] = "wechat , bomb"
    with installed(tmp_path, {"bomb": "raise RuntimeError"}, {"stranger": ["bomb = bomb"]}):
        found = Plugins()
    assert "alipay" in found.available
    assert "wechat" not in found.available
    assert found.quarantined == {}


def test_two_packages_of_one_entry_point_stop_start_up(tmp_path: Path) -> None:
    """Both are named; which of them counts would depend on the machine."""
    packages = {"one": "", "other": ""}
    points = {"one": ["acme = one"], "other": ["acme = other"]}
    with installed(tmp_path, packages, points), pytest.raises(PluginError) as caught:
        Plugins()
    assert {"acme:", "one", "other"} <= set(str(caught.value).split())


def test_two_plugins_that_offer_one_provider_stop_start_up() -> None:
    """Both are named; neither overrides the other, not even one that comes later."""
    two = [("first", PluginOf(acme=ACME)), ("second", PluginOf(acme=ACME))]
    with pytest.raises(PluginError, match="plugins first and second both offer acme"):
        Plugins(two, discover=False)
    with pytest.raises(PluginError, match="plugins wechat and mine both offer wechat"):
        Plugins([("mine", PluginOf(wechat=ACME))])


def test_two_plugins_of_one_name_stop_start_up() -> None:
    """The first one's hooks would be gone."""
    with pytest.raises(PluginError, match="two plugins are called mine"):
        Plugins([("mine", PluginOf(acme=ACME)), ("mine", PluginOf(other=ACME))], discover=False)


@pytest.mark.parametrize("step", ["check_state", "allow_redirect", "open_flow", "verify_identity", "start_session"])
def test_what_the_core_decides_is_no_hook(step: str) -> None:
    """A plugin that would decide on states, redirects or sessions itself is refused by name, whenever it comes."""
    hook = hookimpl(lambda _: True, tryfirst=True)
    with pytest.raises(PluginError, match=f"connect_{step}"):
        Plugins([("mine", type("Deciding", (), {f"connect_{step}": hook})())], discover=False)


class Misspelt:
    """A plugin whose hook nobody calls."""

    @hookimpl
    def connect_registerd(self, event: LoginEvent) -> None:
        """Never be called."""


def test_a_misspelt_hook_stops_start_up() -> None:
    """It is named, so that nobody waits for a call that never comes."""
    with pytest.raises(PluginError, match="connect_registerd"):
        Plugins([("mine", Misspelt())], discover=False)


class Twice:
    """A plugin that cannot count."""

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Offer one name twice."""
        register("acme", ACME)
        register("acme", ACME)


UNFINISHED: dict[str, tuple[object, str]] = {
    "no provider": (PluginOf(acme=dict), "acme is not a Provider class"),  # type: ignore[arg-type]
    "abstract": (
        PluginOf(acme=type("Half", (Provider,), {"get_login_url": AcmeProvider.get_login_url})),
        "acme does not implement login_callback",
    ),
    "nothing said": (
        PluginOf(acme=type("Bare", (Provider,), {"get_login_url": None, "login_callback": None})),
        "acme does not say its union_type, entrances, Settings, titles",
    ),
    "lower case": (PluginOf(acme=type("Low", (AcmeProvider,), {"union_type": "acme"})), "union_type is upper case"),
    "own settings": (
        PluginOf(acme=type("Own", (AcmeProvider,), {"Settings": dict})),
        "Settings is no ProviderSettings",
    ),
    "own entrances": (
        PluginOf(acme=type("Door", (AcmeProvider,), {"entrances": {"pc": "redirect"}})),
        "entrances maps client types to Entrance",
    ),
    "twice": (Twice(), "acme is offered twice"),
}


@pytest.mark.parametrize("case", UNFINISHED)
def test_an_unfinished_plugin_of_the_shops_own_stops_start_up(case: str) -> None:
    """What would fail at the first login is told at start-up; the shop asked for this very plugin."""
    plugin, reason = UNFINISHED[case]
    with pytest.raises(PluginError, match="plugin mine cannot be used: PluginError: ") as caught:
        Plugins([("mine", plugin)], discover=False)
    assert reason in str(caught.value)


@dataclass
class Plain:
    """A plugin that is a plain data class, which cannot be hashed."""

    offered: type[Provider] = ACME

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Offer it."""
        register("plain", self.offered)


def test_any_object_can_be_a_plugin() -> None:
    """Hashable or not, alone or beside others."""
    found = Plugins([("plain", Plain()), ("acme", PluginOf(acme=ACME))], discover=False)
    assert list(found.available) == ["plain", "acme"]


# building providers


class Counted(AcmeProvider):
    """A provider that counts how often it is made."""

    made: ClassVar[list[AcmeSettings]]

    def __init__(self, settings: AcmeSettings, http: Http) -> None:
        super().__init__(settings, http)
        self.made.append(settings)


def test_a_provider_is_built_once_for_the_same_settings(tmp_path: Path) -> None:
    """Four client types, one of which differs: two instances; keys are parsed as often and no more."""
    Counted.made = []
    providers = {"acme": {"app_id": "a", "mini": {"app_id": "b"}}}
    shown_for = {
        configured.client_type: configured
        for configured in registry(tmp_path, plugins(acme=Counted), providers=providers)
    }
    assert [own.app_id for own in Counted.made] == ["a", "b"]
    assert shown_for[ClientType.PC].provider is shown_for[ClientType.H5].provider is shown_for[ClientType.APP].provider
    assert shown_for[ClientType.MINI].provider is not shown_for[ClientType.PC].provider


def test_slots_belong_to_the_name_not_to_the_instance(tmp_path: Path) -> None:
    """A provider that was built twice shares one face of the pool; another name has its own."""
    providers: dict[str, Any] = {"acme": {"mini": {"app_id": "b"}}, "twin": {"plugin": "acme"}}
    found = registry(tmp_path, clients={"pc": ["acme", "twin"], "mini": ["acme"]}, providers=providers)
    pc, twin, mini = (found.find(*of).provider for of in (("acme", "pc"), ("twin", "pc"), ("acme", "mini")))
    assert mini is not pc
    assert mini.http is pc.http
    assert twin.http is not pc.http


def test_a_provider_gets_its_own_settings_frozen(tmp_path: Path) -> None:
    """Account, provider and client type merged, later wins; nothing of the others, and nothing can be changed."""
    found = registry(
        tmp_path,
        accounts={"pay": {"app_id": "from the account", "other_software": "x"}},
        providers={"acme": {"use": "pay", "profile_max_age": 7, "mini": {"app_id": "from the client"}}},
    )
    pc, mini = (found.find("acme", client).provider.settings for client in ("pc", "mini"))
    assert pc == AcmeSettings(app_id="from the account", profile_max_age=7)
    assert mini == AcmeSettings(app_id="from the client", profile_max_age=7)
    with pytest.raises(ValidationError):
        setattr(pc, "app_id", "x")  # noqa: B010 - an assignment would not pass the type checker
    assert found.find("acme", "pc").profile_max_age == 7


def test_offers_come_in_configured_order_and_no_others(tmp_path: Path) -> None:
    """What is not listed does not exist, however it is spelt."""
    clients = {"pc": ["twin", "acme"], "h5": ["acme"]}
    found = registry(tmp_path, clients=clients, providers={"acme": {}, "twin": {"plugin": "acme"}, "spare": {}})
    assert [configured.name for configured in found.shown_for("pc")] == ["twin", "acme"]
    assert [(configured.name, configured.client_type) for configured in found] == [
        ("twin", "pc"),
        ("acme", "pc"),
        ("acme", "h5"),
    ]
    assert found.find("acme", "h5").entrance is Entrance.REDIRECT
    assert found.shown_for("mini") == found.shown_for("nonsense") == []
    for wanted in (("twin", "h5"), ("spare", "pc"), ("ACME", "pc"), ("acme", "PC"), ("acme", ""), ("", "")):
        with pytest.raises(Unsupported):
            found.find(*wanted)


# mistakes


class StrictSettings(ProviderSettings):
    """What a strict plugin wants."""

    app_id: str
    level: int = Field(ge=1)


class Strict(AcmeProvider):
    """A provider that needs more, and has no mini program."""

    Settings = StrictSettings  # type: ignore[assignment]
    entrances: ClassVar = {ClientType.PC: Entrance.REDIRECT, ClientType.H5: Entrance.REDIRECT}


class Choosy(AcmeProvider):
    """A provider whose constructor refuses what the model let pass."""

    def __init__(self, settings: AcmeSettings, http: Http) -> None:
        super().__init__(settings, http)
        if settings.app_id == "crash":
            raise ValueError("hunter2")
        raise SettingsError(["app_id: is another's", "key: is missing"])


def test_every_mistake_of_every_provider_is_told_at_once(tmp_path: Path) -> None:
    """One line each with the path of its key, none twice, the nearest known key named, no value quoted."""
    told = mistakes(
        tmp_path,
        plugins(strict=Strict, choosy=Choosy),
        clients={"pc": ["strict", "choosy", "ghost", "crash"], "h5": ["strict"], "mini": ["strict"]},
        providers={
            "strict": {"levle": 3, "level": 0},
            "choosy": {},
            "ghost": {"plugin": "phantom"},
            "crash": {"plugin": "choosy", "app_id": "crash"},
        },
    )
    assert told == [
        "providers.strict.app_id: is missing",
        "providers.strict.level: give 1 or more",
        "providers.strict.levle: unknown key; did you mean `level`?",
        "providers.choosy.app_id: is another's",
        "providers.choosy.key: is missing",
        "providers.ghost.plugin: there is no plugin phantom; installed: choosy, strict",
        "providers.crash: the plugin raised ValueError",
        "clients.mini: strict has no login for mini",
    ]


def test_a_provider_of_a_plugin_set_aside_says_why(tmp_path: Path) -> None:
    """The operator reads the reason where the provider is configured."""
    with installed(tmp_path, {"bomb": "raise RuntimeError('no licence')"}, {"stranger": ["acme = bomb"]}):
        found = Plugins()
    assert mistakes(tmp_path, found, clients={"pc": ["acme"]}) == [
        "providers.acme.plugin: acme cannot be used: RuntimeError: no licence"
    ]


def test_a_required_plugin_that_is_not_there_stops_start_up(tmp_path: Path) -> None:
    """Set aside, not installed or blocked: the shop would go on with another member directory than its own."""
    with installed(tmp_path, {"bomb": "raise RuntimeError('no licence')"}, {"stranger": ["members = bomb"]}):
        found = Plugins([("own", PluginOf(acme=ACME))])
    required = {"required_plugins": ["members", "ghost", "own", "wechat"]}
    assert mistakes(tmp_path, found, service=required) == [
        "service.required_plugins: members cannot be used: RuntimeError: no licence",
        "service.required_plugins: ghost is not installed, or blocked by CONNECT_BLOCK_PLUGINS",
    ]
    assert registry(tmp_path, found, service={"required_plugins": ["own"]}).find("acme", "pc")


def test_a_plugin_without_a_sandbox_says_so() -> None:
    """And one whose sandbox is named gets it imported only then."""
    with pytest.raises(PluginError, match="plugin acme has no sandbox"):
        plugins().available["acme"].load_sandbox()
    assert Plugins().available["wechat"].load_sandbox().__name__ == "WechatSandbox"
