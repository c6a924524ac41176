"""Plugins that hold start-up, or say of themselves what nobody can read: set aside or refused, and named."""

import signal
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connect_core.cli.demo import _try_all
from connect_core.errors import PluginError, SettingsError
from connect_core.http import Http, HttpPool
from connect_core.identity import ClientType
from connect_core.plugin import Entrance, Provider, ProviderSettings
from connect_core.providers.hookspecs import hookimpl
from connect_core.providers.registry import Plugins, Registry

from ..kit.acme import Acme, AcmeProvider, AcmeSettings, PluginOf, provider_of, settings_of
from ..kit.databases import run_shop
from ..kit.plugins import installed, mistakes, plugins

ACME = provider_of(Acme())
HANGING = {
    "sleeps": "import time\ntime.sleep(60)",
    "computes": "while True: pass",
    "connects": "import socket\nhere, there = socket.socketpair()\nwith here, there:\n    here.recv(1)",
    "swallows": "import time\ntry:\n    time.sleep(60)\nexcept Exception:\n    pass",
    "registers": (
        "import time\nfrom connect_core.plugin import hookimpl\n@hookimpl\n"
        "def connect_register_providers(register): time.sleep(60)"
    ),
}


def test_a_plugin_that_never_gets_loaded_is_set_aside(tmp_path: Path) -> None:
    """Whatever its import or registration waits for: after its patience start-up goes on, and says why."""
    before, began = signal.getsignal(signal.SIGALRM), time.monotonic()
    with installed(tmp_path, HANGING, {"stranger": [f"{name} = {name}" for name in HANGING]}):
        found = Plugins(patience=0.2)
    assert time.monotonic() - began < 10
    assert {"alipay", "wechat"} <= set(found.available)
    told = "TookTooLong: did not come to an end within 0.2 s"
    assert found.quarantined == dict.fromkeys(HANGING, told)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_shops_own_alarm_goes_off_all_the_same() -> None:
    """Whoever mounts us may have a timer running: it is given back."""
    rung = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: rung.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        plugins()
        assert rung.wait(5)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_plugins_are_loaded_outside_the_main_thread_too() -> None:
    """There no signal comes, so nothing is limited; nothing fails either."""
    found: list[Plugins] = []
    thread = threading.Thread(target=lambda: found.append(plugins()))
    thread.start()
    thread.join()
    assert list(found[0].available) == ["acme"]


def kind(**said: object) -> type[Provider]:
    """Acme's provider, saying something else of itself."""
    return type("Odd", (ACME,), said)


ODD: dict[str, tuple[str, type[Provider], str]] = {
    "a name of no address": ("Acme/..", ACME, "Acme/..: names are lower-case letters, digits, - and _"),
    "no text for union type": ("acme", kind(union_type=7), "union_type is upper case"),
    "a union type too long to keep": ("acme", kind(union_type="A" * 33), "union_type is upper case"),
    "a union type of no address": ("acme", kind(union_type="A/B"), "union_type is upper case"),
    "no mapping of entrances": ("acme", kind(entrances=[Entrance.REDIRECT]), "entrances maps client types to Entrance"),
    "texts for client types": ("acme", kind(entrances={"pc": Entrance.REDIRECT}), "entrances maps client types"),
    "no titles": ("acme", kind(titles=None), "titles maps languages to texts"),
    "numbers for titles": ("acme", kind(titles={"en": 7}), "titles maps languages to texts"),
    "one code name": ("acme", kind(code_names="code"), "code_names is a tuple of texts"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_plugin_that_says_nonsense_of_itself_is_set_aside(case: str) -> None:
    """What pages, routes and tables read of a class is looked at once, when it is registered."""
    name, provider, reason = ODD[case]
    with pytest.raises(PluginError, match="plugin mine cannot be used: PluginError: ") as caught:
        Plugins([("mine", PluginOf(**{name: provider}))], discover=False)
    assert reason in str(caught.value)


def test_a_sandbox_is_named_by_a_text(tmp_path: Path) -> None:
    """So that it can be imported when somebody wants it."""
    source = (
        "from connect_core.plugin import provider_hook\nfrom connect_github import GithubProvider\n"
        "connect_register_providers = provider_hook('odd', GithubProvider, sandbox=7)"
    )
    with installed(tmp_path, {"odd": source}, {"stranger": ["odd = odd"]}):
        assert Plugins().quarantined["odd"] == "PluginError: odd: sandbox is `package.module:Class`"


class Turncoat(AcmeProvider):
    """A provider that says something else once it is made."""

    acme = Acme()

    def __init__(self, settings: AcmeSettings, http: Http) -> None:
        super().__init__(settings, http)
        setattr(self, settings.app_id, 7)


@pytest.mark.parametrize("said", ["union_type", "titles", "code_names"])
def test_a_provider_that_says_nonsense_once_it_is_made_stops_start_up(tmp_path: Path, said: str) -> None:
    """A constructor may set what its class says; then that is looked at, too."""
    [told] = mistakes(tmp_path, plugins(acme=Turncoat), clients={"pc": ["acme"]}, providers={"acme": {"app_id": said}})
    assert told.startswith(f"providers.acme: the plugin's {said} ")


class Fussy(ProviderSettings):
    """Settings whose own check fails."""

    app_id: str = "acme-1"

    def model_post_init(self, _: Any) -> None:
        """Fail."""
        raise ZeroDivisionError("hunter2")


def test_settings_that_fail_to_check_are_a_mistake(tmp_path: Path) -> None:
    """One line, as for a constructor; its text may quote a secret and is left out."""
    found = plugins(acme=kind(Settings=Fussy))
    assert mistakes(tmp_path, found, clients={"pc": ["acme"]}) == [
        "providers.acme: the plugin raised ZeroDivisionError"
    ]


class Directory:
    """A plugin that says where members live."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    @hookimpl
    def connect_member_directory(self, settings: Any) -> Any:
        """Answer, or raise."""
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (RuntimeError("hunter2"), "connect_member_directory raised RuntimeError; asked: mine"),
        (7, "connect_member_directory: int has no find, register, is_disabled, update_profile"),
        ({}, "connect_member_directory: dict has no find, register, is_disabled, update_profile"),
    ],
)
def test_a_member_directory_that_is_none_stops_start_up(tmp_path: Path, answer: object, told: str) -> None:
    """The shop must not go on with another one, nor find out at the first login; no text of the plugin's is told."""
    found = Plugins([("mine", Directory(answer))], discover=False)
    with pytest.raises(PluginError) as caught:
        found.find_directory(settings_of(tmp_path))
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


class Slow(AcmeProvider):
    """A provider that takes its time to be made."""

    acme = Acme()
    entrances: ClassVar = {ClientType.PC: Entrance.REDIRECT}

    def __init__(self, settings: AcmeSettings, http: Http) -> None:
        super().__init__(settings, http)
        time.sleep(60)


def test_a_provider_that_never_gets_made_stops_start_up(tmp_path: Path) -> None:
    """It is named, where the shop configured it."""
    found = Plugins([("acme", PluginOf(acme=Slow))], discover=False, patience=0.2)
    with pytest.raises(SettingsError, match=r"providers\.acme: the plugin did not come to an end within"):
        Registry(settings_of(tmp_path, clients={"pc": ["acme"]}), found, HttpPool())


SANDBOXES = {
    "nowhere": "connect_nowhere:Sandbox",
    "nobody": "connect_github.sandbox:Nobody",
    "nonsense": "connect_github.sandbox:GithubSandbox.title",
    "number": "connect_github:GITHUB",
}


def test_a_sandbox_that_cannot_be_loaded_costs_nobody_the_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The others are logged in through; the demo says which is not, and is no success."""
    source = "from connect_core.plugin import hookimpl\nfrom connect_github import GithubProvider\n@hookimpl\n"
    source += "def connect_register_providers(register):\n"
    source += "".join(f"    register({name!r}, GithubProvider, sandbox={at!r})\n" for name, at in SANDBOXES.items())
    with installed(tmp_path, {"stranger": source}, {"stranger": ["stranger = stranger"]}):
        assert _try_all(Plugins(), ()) is False
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    failed = {line[0]: " ".join(line[1:]) for line in lines if "ok" not in line[2].split()[:1]}
    assert failed == dict.fromkeys(SANDBOXES, "FAILED its sandbox cannot be loaded")
    assert sum(line[2].startswith("ok ") for line in lines) > 10
    told = {vars(one)["plugin"] for one in caplog.records if one.message == "sandbox_set_aside"}
    assert told == set(SANDBOXES)


def test_an_empty_stage_needs_no_sandbox() -> None:
    """A shop without sandboxes is one too."""
    with run_shop({}) as shop:
        assert shop.sandboxes == {}


def test_a_shop_on_the_internet_is_told_of_a_vendor_on_loopback(caplog: pytest.LogCaptureFixture) -> None:
    """A sandbox lets anybody be anybody: a shop that others reach and that asks one says so at every start."""

    def publish(raw: dict[str, Any]) -> None:
        raw["service"]["public_url"] = "https://shop.example"

    told = []
    for change in (publish, lambda _: None):
        caplog.clear()
        with run_shop(change=change) as shop:
            configured = {(configured.name, configured.client_type) for configured in shop.manager.registry}
        records = [vars(one) for one in caplog.records if one.message == "vendor_on_this_machine"]
        told.append({(one["provider"], one["client_type"]) for one in records})
    calls_nobody = {("telegram-mini", ClientType.MINI)}
    assert told == [configured - calls_nobody, set()]
