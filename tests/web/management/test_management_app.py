"""The application of the management port, in the process of a service that has no visitor yet."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from connect_core import measurements
from connect_core.errors import RateLimited
from connect_core.events.notices import PluginCalls
from connect_core.observability.metrics import begin_counting
from connect_core.plugin import Register, hookimpl
from connect_core.providers.hookspecs import LoginEvent
from connect_core.web import Plugins, create_app, create_management_app
from connect_core.web.management.state import get_key_id
from connect_core.web.rate_limit import Limiter

from ...kit.acme import execute, settings_of
from ...kit.scraping import Samples, get, parse_samples
from ...kit.web_shops import Acme


class WithCertificates(Acme):
    """A provider with certificates, one of which is the same for each client type."""

    def get_certificate_expiries(self) -> Mapping[str, int]:
        return {"app_cert": 2_000_000_000, "root_cert": 1_900_000_000}


class Raising(Acme):
    """A provider that cannot say when its certificates expire."""

    def get_certificate_expiries(self) -> Mapping[str, int]:
        raise SystemError("a stranger's bug")


class Registering:
    """A plugin that registers a provider class as `acme`."""

    def __init__(self, provider: type[Acme]) -> None:
        self._provider = provider

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        register("acme", self._provider)


@asynccontextmanager
async def managing(
    folder: Path, provider: type[Acme] = Acme, **service: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient, Any]]:
    """A client of a service, one of its management application, and its manager; nobody runs a lifespan."""
    plugins = Plugins([("acme", Registering(provider))], discover=False)
    settings = settings_of(
        folder,
        service={"database_url": f"sqlite:///{folder}/shop.db", **service},
        clients={"pc": ["acme"], "mini": ["acme"]},
        providers={"acme": {}},
    )
    app = create_app(settings, plugins=plugins)
    management = create_management_app(app)
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="https://a.example")
        for served in (app, management)
    ]
    async with aclosing(app.state.manager), clients[0], clients[1], management.router.lifespan_context(management):
        await clients[0].get("/healthz")
        yield *clients, app.state.manager


async def scrape(management: httpx.AsyncClient) -> Samples:
    """What `/metrics` answers."""
    response = await management.get("/metrics")
    assert response.status_code == 200
    return parse_samples(response.text)


async def test_the_management_port_answers_three_addresses(tmp_path: Path) -> None:
    """And no other, whatever the method; of the service's own routes none is there, and it has no `/metrics`."""
    async with managing(tmp_path) as (visitors, management, _):
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await management.get(path)).status_code == 200
            assert (await management.post(path)).status_code == 404
        for path in ("/", "/connect/me", "/connect/providers?client=pc", "/metrics/", "/metrics/x", "//metrics"):
            response = await management.get(path)
            assert (response.status_code, response.headers["content-type"][:10]) == (404, "text/plain")
        assert (await visitors.get("/metrics")).status_code == 404
        assert (await visitors.get("/readyz")).status_code == 200


async def test_without_the_extra_metrics_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Health is answered all the same, and nothing is counted."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    async with managing(tmp_path) as (_, management, _):
        response = await management.get("/metrics")
        assert (response.status_code, "connect-login[metrics]" in response.text) == (404, True)
        assert (await management.get("/healthz")).status_code == 200
    assert type(measurements.current) is measurements.Measurements


async def test_what_stands_in_an_address_is_no_label(tmp_path: Path) -> None:
    """Only what is configured is: garbage of any kind, in great numbers, makes no further series."""
    async with managing(tmp_path) as (visitors, management, _):
        await visitors.get("/connect/acme/pc/callback?code=c&state=none")
        before = set(await scrape(management))
        for number in range(50):
            await visitors.get(f"/connect/garbage{number}/pc/login")
            await visitors.get(f"/connect/acme/garbage{number}/callback?code=secret{number}&state=s{number}")
            await visitors.post(f"/connect/a%22%0a{{}}{number}/b%5c{number}/token", json={})
            await visitors.get(f"/nothing/{number}")
        samples = await scrape(management)
    labels = {value for (_, pairs) in samples for _, value in pairs}
    assert not any("garbage" in value or "secret" in value or value.startswith("s1") for value in labels)
    assert len(set(samples) - before) <= 4
    assert get(samples, "connect_refused_total", code="unsupported", provider="", client="pc") == 50
    assert get(samples, "connect_refused_total", code="unsupported", provider="acme", client="") == 50
    assert get(samples, "connect_refused_total", code="state_invalid", provider="acme", client="pc") == 1
    assert get(samples, "connect_state_refused_total", reason="no_cookie") == 1


async def test_the_state_is_told_before_anybody_comes(tmp_path: Path) -> None:
    """Readiness, certificates, keys, plugins and notices are in the very first answer."""
    async with managing(tmp_path, WithCertificates) as (_, management, manager):
        manager.plugins.quarantined["broken"] = "ImportError"
        samples = await scrape(management)
        [key] = manager.settings.service.keys
    assert get(samples, "connect_certificate_expiry_timestamp_seconds", provider="acme", which="app_cert") == 2e9
    assert get(samples, "connect_key_info", kid=get_key_id(key)) == 1
    assert get(samples, "connect_plugin_up", plugin="acme") == 1
    assert samples["connect_plugin_up", (("plugin", "broken"),)] == 0
    assert [get(samples, "connect_ready", check=check) for check in ("database", "schema", "write")] == [1, 1, 1]
    assert samples["connect_notices_pending", ()] == samples["connect_notice_oldest_seconds", ()] == 0
    assert "connect_cache_up" not in {name for name, _ in samples}
    assert samples["connect_login_total", (("client", "pc"), ("provider", "acme"), ("stage", "started"))] == 0


def test_a_fingerprint_tells_keys_apart_and_nothing_else() -> None:
    """It is short, the same on every replica, and shows no part of the key."""
    keys = [bytes([number]) * 32 for number in range(100)]
    kids = [get_key_id(key) for key in keys]
    assert len(set(kids)) == 100
    assert {len(kid) for kid in kids} == {8}
    assert not any(kid in key.hex() for kid, key in zip(kids, keys, strict=True))


async def test_a_strange_provider_hides_no_other_metric(tmp_path: Path) -> None:
    """One that raises when it is asked for its certificates has none."""
    async with managing(tmp_path, Raising) as (_, management, _):
        samples = await scrape(management)
    assert get(samples, "connect_ready", check="write") == 1
    assert "connect_certificate_expiry_timestamp_seconds" not in {name for name, _ in samples}


async def test_a_database_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """`connect_ready` says which check fails; the answer comes all the same."""
    async with managing(tmp_path) as (_, management, manager):
        execute(f"sqlite:///{tmp_path}/shop.db", "DROP TABLE es_connect_used_flow")
        samples = await scrape(management)
        assert manager.database is not None
    checks = [samples["connect_ready", (("check", check),)] for check in ("database", "schema", "write")]
    assert checks[0] == 1
    assert checks[2] == 0


async def test_stages_of_a_mini_program(tmp_path: Path) -> None:
    """Its code starts and returns at once, so that `started` less `returned` says nothing wrong."""
    async with managing(tmp_path) as (visitors, management, _):
        assert (await visitors.post("/connect/acme/mini/token", json={"code": "c1"})).status_code == 200
        samples = await scrape(management)
    stages = ("started", "returned", "redeemed", "settled")
    assert [get(samples, "connect_login_total", provider="acme", client="mini", stage=stage) for stage in stages] == [
        1,
        1,
        1,
        1,
    ]


async def test_states_that_are_refused_say_why(tmp_path: Path) -> None:
    """No cookie, one that does not open, another provider's, a second use: each counts under its reason."""
    async with managing(tmp_path, first_login="choose") as (visitors, management, _):
        start = await visitors.get("/connect/acme/pc/login")
        state = httpx.URL(start.headers["location"]).params["state"]
        cookie = start.headers["set-cookie"].partition(";")[0]
        callback = f"/connect/acme/pc/callback?code=c1&state={state}"

        async def come_back(sent: str) -> int:
            visitors.cookies.clear()
            return (await visitors.get(callback, headers={"cookie": sent})).status_code

        name, _, value = cookie.partition("=")
        assert await come_back("") == 400
        assert await come_back(f"{name}={value[:-6]}AAAAAA") == 400
        samples = await scrape(management)
    reasons = {
        reason: get(samples, "connect_state_refused_total", reason=reason)
        for reason in ("no_cookie", "cookie_unopened", "spent", "other_provider")
    }
    assert reasons == {"no_cookie": 1, "cookie_unopened": 1, "spent": 0, "other_provider": 0}


async def test_many_scrapes_are_one_look_at_the_state(tmp_path: Path) -> None:
    """Whoever asks more often than every 15 seconds makes no further writes."""
    async with managing(tmp_path) as (_, management, _):
        before = await scrape(management)
        await asyncio.gather(*(scrape(management) for _ in range(20)))
        after = await scrape(management)
    sample = "connect_db_duration_seconds_count", (("kind", "long"),)
    assert before[sample] == after[sample]


async def test_a_limit_counts_what_it_refuses() -> None:
    """Under the name that it has in `[limits]`; what it lets pass is not counted."""
    counts, limiter = begin_counting(), Limiter("1/minute", name="per_username")
    await limiter.hit("lihua")
    for _ in range(2):
        with pytest.raises(RateLimited):
            await limiter.hit("lihua")
    assert counts.take().counters == {("limited", "per_username"): 2}


def test_a_hook_is_measured_whatever_it_does() -> None:
    """A notice that a plugin takes, and one on which it raises, both took their time."""
    counts = begin_counting()

    def hook(event: LoginEvent) -> None:
        if event.member_id == 2:
            raise ValueError

    implementation = SimpleNamespace(function=hook, argnames=["event"])
    events = [LoginEvent("bound", number, "acme", "pc", "ACME", False, "", 0) for number in (1, 2)]
    calls = PluginCalls("crm", [("connect_bound", implementation, event) for event in events])
    calls.run()
    [(key, numbers)] = counts.take().histograms.items()
    assert (key, sum(numbers[1:])) == (("notice_duration_seconds", "crm", "connect_bound"), 2)
    assert calls.failed == [events[1]]
