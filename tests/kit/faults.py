"""Faults that operators meet, each planted in a real service of its own, and the visitors who run into them."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from connect_alipay.sandbox_keys import get_chain, get_key, get_roots, join_pem
from connect_core.crypto import RsaPrivateKey
from connect_core.crypto.minting import new_authority, new_certificate
from connect_core.harness import Visitor

from .acme import execute
from .ports import free_port
from .redis_server import OwnRedis
from .web_shops import Served, served, wait_for

Raw = MutableMapping[str, Any]
TRY_SECONDS = 5
"""Time between two logins of a shop that has visitors."""


@dataclass
class Faulty:
    """A service with a fault: its jobs' targets, how the fault is planted, and how visitors log in, if any do."""

    targets: list[str]
    plant: Callable[[], None] = lambda: None
    visit: Callable[[], None] | None = None
    configuration: Path = Path()
    command: list[str] = field(default_factory=list)
    """What comes before a command that is to see the fault as the service does."""

    def examine(self) -> set[str]:
        """Run the doctor, and return the ids of what it finds wrong."""
        program = [*self.command, sys.executable, "-c", "from connect_core.cli import main; main()"]
        command = [*program, "doctor", "--json", "--config", str(self.configuration)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        findings = json.loads(done.stdout)["findings"]
        return {finding["id"] for finding in findings if finding["level"] != "ok"}


@dataclass(frozen=True)
class Fault:
    """A fault by name, the alert that has to fire for it, what the doctor finds, and how it is built in a folder."""

    name: str
    alert: str
    finding: str
    build: Callable[[ExitStack, Path], Faulty]

    @property
    def job(self) -> str:
        """The job's name in Prometheus."""
        return self.name.replace(" ", "-")


def _serve(stack: ExitStack, folder: Path, *, workers: int = 1, **options: Any) -> tuple[Served, str]:
    """Start a service; returns it and the target of its management port."""
    folder.mkdir(exist_ok=True)
    target = f"127.0.0.1:{free_port()}"
    ports = ("--management-port", target.partition(":")[2], "--workers", str(workers))
    service = stack.enter_context(served(folder, *ports, **options))
    wait_for(f"http://{target}/healthz")
    return service, target


def _changing(client: str, **values: Any) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        raw["providers"]["alipay"][client].update(values)

    return change


def _log_in(service: Served) -> Callable[[], None]:
    """A visitor who logs in by Alipay on a PC, as far as they get."""

    def visit() -> None:
        with Visitor(service) as visitor, suppress(httpx.TransportError, AssertionError):  # type: ignore[arg-type]
            visitor.http.get(visitor.consent(visitor.begin("alipay", "pc")))

    return visit


def _with_settings(**values: Any) -> Callable[[ExitStack, Path], Faulty]:
    """A fault of Alipay's settings that shows when somebody logs in."""

    def build(stack: ExitStack, folder: Path) -> Faulty:
        service, target = _serve(stack, folder, change=_changing("pc", **values))
        return Faulty([target], visit=_log_in(service), configuration=folder / "connect.toml")

    return build


def _healthy(stack: ExitStack, folder: Path) -> Faulty:
    service, target = _serve(stack, folder, workers=2)
    return Faulty([target], visit=_log_in(service), configuration=folder / "connect.toml")


def _wrong_alipay_key(stack: ExitStack, folder: Path) -> Faulty:
    stranger = RsaPrivateKey.generate().public_key().spki_pem()
    return _with_settings(alipay_public_key="".join(stranger.splitlines()[1:-1]))(stack, folder)


def _expired_certificate(stack: ExitStack, folder: Path) -> Faulty:
    authority_key, authority = new_authority("Merchants")
    ended = datetime.now(UTC) - timedelta(days=1)
    app = new_certificate("app", get_key("app").public_key(), authority_key, authority, not_after=ended)

    def change(raw: Raw) -> None:
        for client in ("pc", "h5", "app", "mini"):
            settings = raw["providers"]["alipay"][client]
            del settings["alipay_public_key"]
            settings |= {"app_cert": app.pem(), "alipay_cert": join_pem(get_chain("alipay"))}
            settings["alipay_root_cert"] = join_pem(get_roots())

    _, target = _serve(stack, folder, change=change)
    return Faulty([target], configuration=folder / "connect.toml")


def _clock_off(stack: ExitStack, folder: Path) -> Faulty:
    """Its database is on another machine, whose clock is right."""
    from .databases import fresh_database, server_of  # noqa: PLC0415 - reads the environment

    folder.mkdir()
    url = stack.enter_context(fresh_database(server_of("postgresql"), folder))
    command = ["faketime", "-f", "+5m"]
    _, target = _serve(stack, folder, service={"database_url": url}, command=command)
    return Faulty([target], configuration=folder / "connect.toml", command=command)


def _wrong_address(make: Callable[[str], str]) -> Callable[[ExitStack, Path], Faulty]:
    def build(stack: ExitStack, folder: Path) -> Faulty:
        def change(raw: Raw) -> None:
            raw["service"]["public_url"] = make(raw["service"]["public_url"])

        service, target = _serve(stack, folder, change=change)
        return Faulty([target], visit=_log_in(service), configuration=folder / "connect.toml")

    return build


def _redis_down(stack: ExitStack, folder: Path) -> Faulty:
    folder.mkdir()
    redis = OwnRedis(folder)
    redis.start()
    stack.callback(redis.kill)
    _, target = _serve(stack, folder, service={"redis_url": redis.url})
    return Faulty([target], plant=redis.kill, configuration=folder / "connect.toml")


def _schema_newer(stack: ExitStack, folder: Path) -> Faulty:
    service, target = _serve(stack, folder)
    statement = "UPDATE es_connect_schema SET version_num = '9999', min_version = '9999'"
    return Faulty([target], lambda: execute(f"sqlite:///{service.database}", statement), None, folder / "connect.toml")


def _other_keys(stack: ExitStack, folder: Path) -> Faulty:
    folder.mkdir()
    service, target = _serve(stack, folder / "a")

    def change(raw: Raw) -> None:  # the same shop, but for its key
        raw["service"]["public_url"] = service.url

    _, other = _serve(stack, folder / "b", change=change)
    return Faulty([target, other], configuration=folder / "b" / "connect.toml")


PLUGIN = """
from connect_core.plugin import *

class BrokenProvider(Provider):
    union_type = "BROKEN"
    titles = {"en": "Broken"}
    entrances = {ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = ProviderSettings

    async def get_login_url(self, request):
        return ""

    async def login_callback(self, response):
        raise ValueError("broken")

connect_register_providers = provider_hook("broken", BrokenProvider)
"""


def _plugin_raises(stack: ExitStack, folder: Path) -> Faulty:
    info = folder / "site" / "broken-1.dist-info"
    info.mkdir(parents=True)
    (folder / "site" / "broken_plugin.py").write_text(PLUGIN, "utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text("[connect_login]\nbroken = broken_plugin\n", "utf-8")

    def change(raw: Raw) -> None:
        raw["clients"]["mini"].append("broken")
        raw["providers"]["broken"] = {}

    path = os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")])
    command = ["env", f"PYTHONPATH={path}"]
    service, target = _serve(stack, folder, change=change, command=command)

    def visit() -> None:
        code = base64.urlsafe_b64encode(os.urandom(9)).decode()
        httpx.post(f"{service.url}/connect/broken/mini/token", json={"code": code}, trust_env=False)

    return Faulty([target], visit=visit, configuration=folder / "connect.toml", command=command)


def _disk_full(stack: ExitStack, folder: Path) -> Faulty:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=True)
    stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
    _, target = _serve(stack, folder)

    def plant() -> None:
        with suppress(OSError), (folder / "filling").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    return Faulty([target], plant=plant, configuration=folder / "connect.toml")


_with_scheme = _wrong_address(lambda url: url.replace("http:", "https:"))
_with_host = _wrong_address(lambda _: f"http://localhost:{free_port()}")
HEALTHY = Fault("healthy", "", "", _healthy)
FAULTS = (
    Fault("wrong Alipay key", "ConnectVendorUnsigned", "vendor_key_wrong", _wrong_alipay_key),
    Fault("expired certificate", "ConnectCertificateExpired", "certificate_expired", _expired_certificate),
    Fault("clock off", "ConnectClockDiffers", "database_clock_differs", _clock_off),
    Fault(
        "wrong scheme",
        "ConnectNobodyReturns",
        "public_url_unreachable",
        _with_scheme,
    ),
    Fault(
        "callback host",
        "ConnectNobodyReturns",
        "public_url_unreachable",
        _with_host,
    ),
    Fault("Redis down", "ConnectRedisDown", "redis_unreachable", _redis_down),
    Fault("schema newer", "ConnectNotReady", "database_schema_wrong", _schema_newer),
    Fault(
        "provider down",
        "ConnectVendorDown",
        "vendor_unreachable",
        _with_settings(gateway_url=f"http://127.0.0.1:{free_port()}/gateway.do"),
    ),
    Fault(
        "DNS",
        "ConnectVendorNotResolved",
        "vendor_name_not_resolved",
        _with_settings(gateway_url="https://gateway.invalid/gateway.do"),
    ),
    Fault("key ring of one replica", "ConnectKeyRingsDiffer", "public_url_other_instance", _other_keys),
    Fault("plugin that raises", "ConnectPluginFails", "plugin_failed", _plugin_raises),
    Fault("disk full", "ConnectNotReady", "database_not_writable", _disk_full),
)
"""The faults that each have an alert of their own."""


@contextmanager
def visiting(shops: Mapping[str, Faulty]) -> Iterator[None]:
    """Let somebody log in every `TRY_SECONDS` in each shop that has visitors."""
    is_over = threading.Event()

    def visit(log_in: Callable[[], None]) -> None:
        while not is_over.wait(TRY_SECONDS):
            log_in()

    threads = [threading.Thread(target=visit, args=(shop.visit,)) for shop in shops.values() if shop.visit]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
