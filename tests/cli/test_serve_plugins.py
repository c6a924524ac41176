"""The service as a process of its own, with a plugin that does what it likes."""

import gc
import json
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from connect_core.cli.serve import init
from connect_core.cli.service_process import ServiceProcess

from ..kit.commands import running, wait_for
from ..kit.ports import free_port
from ..kit.worker_processes import wait_until, workers_of

PLUGIN = """
import asyncio, os, time
from connect_core.plugin import *

class StrangerProvider(Provider):
    union_type = "STRANGER"
    titles = {"en": "Stranger"}
    entrances = {ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = ProviderSettings

    def __init__(self, *made_of):
        super().__init__(*made_of)
        with open("constructed", "a") as file:
            file.write(f"{os.getpid()} ")

    async def get_login_url(self, request):
        return ""

    async def login_callback(self, response):
        task = asyncio.create_task(getattr(self, response.code)())
        if response.code == "keep":
            self.task = task
        await asyncio.sleep(0.01)
        return Identity("STRANGER", (PersonId.user_id("1"),), "app", Profile())

    async def swallow(self):
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass

    async def fail(self):
        raise ValueError("c4n4ry")

    keep = fail

    async def block(self):
        time.sleep(0.15)

connect_register_providers = provider_hook("stranger", StrangerProvider)
"""
CONFIGURATION = """
[service]
public_url = "http://127.0.0.1:8000"
database_url = "sqlite:///connect.db"
secret_keys = ["{key}"]
[clients]
mini = ["stranger"]
[providers.stranger]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of a shop whose only provider is the stranger's."""
    site = tmp_path / "site"
    info = site / "stranger-1.dist-info"
    info.mkdir(parents=True)
    (site / "stranger.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[connect_login]\nstranger = stranger\n")
    configuration = tmp_path / "connect.toml"
    configuration.write_text(CONFIGURATION.format(key="A" * 43 + "="))
    configuration.chmod(0o600)  # others may not read the key in it
    os.environ["PYTHONPATH"] = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return tmp_path


def serve(shop: Path, code: str, number: signal.Signals = signal.SIGINT) -> list[dict[str, object]]:
    """Log in with `code`, stop the service, and return the lines of its log; it must end within seconds."""
    port = free_port()
    with running(shop, "serve", "--port", str(port)) as process:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        time.sleep(1.2)  # the monitor of the event loop begins a second after the start
        url = f"http://127.0.0.1:{port}/connect/stranger/mini/token"
        assert httpx.post(url, json={"code": code}, trust_env=False).status_code == 200
        time.sleep(0.2)
        process.send_signal(number)
        _, output = process.communicate(timeout=8)
    _, *lines = output.splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_task_of_a_plugin_does_not_keep_the_service_from_stopping(shop: Path, number: signal.Signals) -> None:
    """It swallows every cancellation; nothing but the login is in the log."""
    assert [line["event"] for line in serve(shop, "swallow", number)] == ["registered", "bound", "logged_in"]


def test_a_task_of_a_plugin_that_fails_is_told_without_its_text(shop: Path) -> None:
    """A line of asyncio's would quote the exception, which may hold a secret."""
    assert [line["event"] for line in serve(shop, "keep")] == ["registered", "bound", "logged_in"]
    lines = serve(shop, "fail")
    assert sorted(str(line["event"]) for line in lines) == ["background_task_failed", "logged_in"]
    [failed] = [line for line in lines if line["event"] == "background_task_failed"]
    assert (failed["level"], failed["error"]) == ("error", "ValueError")
    assert str(failed["place"]).startswith("StrangerProvider.fail:")
    assert "c4n4ry" not in json.dumps(lines)


def test_a_plugin_that_blocks_the_service_is_told(shop: Path) -> None:
    """For how long, and which provider's code was under way."""
    [blocked] = [line for line in serve(shop, "block") if line["event"] == "event_loop_blocked"]
    assert (blocked["level"], blocked["providers"]) == ("warning", "stranger")
    assert float(str(blocked["seconds"])) > 0.1


def test_a_constructor_of_another_plugin_runs_in_each_worker(shop: Path) -> None:
    """It may open a connection or start a thread, and no copy of a process may share those."""
    port = free_port()
    with running(shop, "serve", "--port", str(port), "--workers", "2") as process:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        wait_until(lambda: set(workers_of(process)) <= set(read_constructors(shop)))
        assert process.pid not in read_constructors(shop)


def read_constructors(shop: Path) -> list[int]:
    """The processes in which the provider was constructed."""
    return [int(pid) for pid in (shop / "constructed").read_text().split()]


@pytest.mark.parametrize("kept_in", ["file", "database"])
def test_the_main_process_makes_the_application(tmp_path: Path, kept_in: str) -> None:
    """Workers are copies of it, unless they have to read the database for its settings."""
    init(tmp_path)
    service = ServiceProcess(tmp_path / "connect.toml", "info", workers=2)
    settings = service.load()
    settings = settings.model_copy(update={"service": settings.service.model_copy(update={"settings": kept_in})})
    preloaded = service.preload(settings).preloaded
    gc.unfreeze()
    assert preloaded is not None
    assert (preloaded.app is not None) is (kept_in == "file")
