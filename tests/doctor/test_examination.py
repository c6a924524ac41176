"""What is examined, in which order, and for how long."""

import asyncio
import time

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from connect_core.doctor.examination import UnknownProvider
from connect_core.findings import Finding, Level
from connect_core.identity import ClientType
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sandbox.serving import serving

from ..kit.commands import run_in
from .bench import Bench, make_certificate

GITHUB = {"client_id": "x", "client_secret": "y"}


@pytest.fixture
def providers(bench: Bench) -> Bench:
    """A shop with GitHub on two client types, and Gitee on one."""
    bench.raw["clients"] = {"pc": ["github", "gitee"], "h5": ["github"]}
    bench.raw["providers"] = {"github": GITHUB, "gitee": GITHUB}
    return bench


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"provider": "githup"}, "--provider: no client type shows githup; did you mean github?"),
        ({"provider": "x"}, "--provider: no client type shows x; there are gitee, github"),
        ({"client_type": ClientType.MINI}, "--client: [clients] lists no provider for mini"),
        ({"client_type": ClientType.H5, "provider": "gitee"}, "--client: h5 does not show gitee"),
    ],
)
@pytest.mark.anyio
async def test_a_name_that_is_not_configured_is_refused(
    providers: Bench, options: dict[str, object], line: str
) -> None:
    """It says what was meant, or what there is."""
    providers.options |= options
    with pytest.raises(UnknownProvider) as caught:
        await providers.examine()
    assert caught.value.mistakes == (line,)


@pytest.mark.parametrize(
    ("options", "subjects"),
    [
        ({}, ["github/pc", "gitee/pc", "github/h5"]),
        ({"provider": "github"}, ["github/pc", "github/h5"]),
        ({"client_type": ClientType.PC}, ["github/pc", "gitee/pc"]),
        ({"client_type": ClientType.H5, "provider": "github"}, ["github/h5"]),
    ],
)
@pytest.mark.anyio
async def test_each_provider_is_checked_for_each_client_type(
    providers: Bench, options: dict[str, object], subjects: list[str]
) -> None:
    """Unless options narrow it; the finding's subject, and the address of the callback, are the doctor's to fill in."""

    async def check(configured: ConfiguredProvider, *, offline: bool, callback_url: str, **_: object) -> list[Finding]:
        assert offline
        path = f"{configured.name}/{configured.client_type}"
        assert callback_url == f"https://shop.example/below/connect/{path}/callback"
        return [Finding("seen", Level.OK, "It is well.")]

    providers.service["root_path"] = "/below"
    providers.options |= options
    providers.surroundings.check_provider = check
    findings = await providers.examine()
    assert [finding.subject for finding in findings if finding.id == "seen"] == subjects
    assert any(finding.id == "database" for finding in findings) is not bool(options)


@pytest.mark.anyio
async def test_checks_run_at_once_and_say_what_is_waited_for(providers: Bench) -> None:
    """Three providers that take half a second each take half a second; names vanish as checks end."""

    async def check(configured: ConfiguredProvider, **_: object) -> list[Finding]:
        await asyncio.sleep(0.5)
        return []

    seen: list[list[str]] = []
    providers.surroundings.check_provider = check
    providers.surroundings.tell = lambda names: seen.append(list(names))
    providers.options["client_type"] = ClientType.PC
    await providers.examine()
    assert seen[0] == ["plugins"]
    assert seen[1:3] == [["github/pc", "gitee/pc"], ["gitee/pc"]]
    assert seen[-1] == []


@pytest.mark.anyio
async def test_a_check_that_hangs_holds_up_no_other(providers: Bench) -> None:
    """Also one that ignores its cancellation: it is left behind, and all the others are told."""
    is_over = asyncio.Event()

    async def check(configured: ConfiguredProvider, **_: object) -> list[Finding]:
        while configured.name == "gitee" and not is_over.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        return [Finding("seen", Level.OK, "It is well.")]

    providers.options["check_seconds"] = 2.0
    providers.surroundings.check_provider = check
    began = time.monotonic()
    findings = await providers.examine()
    assert time.monotonic() - began < 20
    assert [finding.subject for finding in findings if finding.id == "seen"] == ["github/pc", "github/h5"]
    assert [finding.subject for finding in findings if finding.id == "check_unfinished"] == ["gitee/pc"]
    is_over.set()
    await asyncio.sleep(0.2)  # nothing of it is left for other tests


@pytest.mark.anyio
async def test_one_mistake_does_not_hide_the_others(bench: Bench) -> None:
    """Every check runs, whatever another one found."""
    bench.key.chmod(0o644)
    bench.service["database_url"] = "postgresql+psycopg://shop@127.0.0.1:1/shop"
    bench.service["redis_url"] = "redis://127.0.0.1:1/0"
    bench.raw |= {"clients": {"pc": ["nothing"]}, "providers": {"nothing": {}}}
    ids = {finding.id for finding in await bench.examine()}
    assert {"secret_file_readable", "database_unreachable", "redis_unreachable", "plugin_unusable"} <= ids


@pytest.mark.anyio
async def test_a_mounted_service_is_found_where_it_is_mounted(bench: Bench) -> None:
    """The configuration does not say where; `--root-path` does."""
    bench.service["public_url"] = bench.stack.enter_context(
        serving(Starlette(routes=[Mount("/shop", bench.make_app())]))
    )
    bench.options["offline"] = False
    assert "public_url_foreign" in {finding.id for finding in await bench.examine()}
    bench.options["root_path"] = "/shop"
    assert "public_url" in {finding.id for finding in await bench.examine()}


def test_a_shop_on_https_is_well(bench: Bench) -> None:
    """TLS, a proxy and the service, all real: the command, which knows the root certificate, misses only providers."""
    certificate, key = make_certificate(bench.folder, days=365)
    bench.publish_over_tls(certificate, key)
    bench.write_config()
    done = run_in(bench.folder, "doctor", SSL_CERT_FILE=str(certificate))
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert "[public_url]" in done.stdout
    assert "[no_providers]" in done.stdout
    assert "0 broken, 1 warning, 0 hints" in done.stdout
