"""Plugins of strangers, installed from their own folders beside our wheel: generated ones, and the one of the docs."""

import re

import pytest

from ..conftest import Require
from ..kit.fresh_environment import ROOT, Fresh, can_build

TEMPLATES = ("oauth2", "oidc", "custom")
ACME = ROOT / "docs/examples/connect-acme"
LOGIN_PAGE = """
from connect_core.harness import run_shop, Visitor
with run_shop() as shop, Visitor(shop) as visitor:
    print(visitor.http.get("/connect/login", params={"client": "pc"}, headers={"accept-language": "en"}).text)
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, require: Require) -> Fresh:
    """One environment for all: our wheel, a generated plugin of each template, the plugin of the docs."""
    require(can_build(), "pip and hatchling are missing here")
    fresh = Fresh(tmp_path_factory.mktemp("fresh"))
    for like in TEMPLATES:
        done = fresh.run("connect-login", "plugin", "new", f"my_{like}", "--like", like)
        assert done.returncode == 0, done.stderr
    fresh.install(*(fresh.folder / f"connect-my_{like}" for like in TEMPLATES), ACME)
    return fresh


@pytest.mark.parametrize("like", TEMPLATES)
def test_a_generated_plugin_passes_its_own_tests(fresh: Fresh, like: str) -> None:
    """The contract holds before a line is edited."""
    done = fresh.run("python", "-m", "pytest", "-q", "-W", "error", folder=fresh.folder / f"connect-my_{like}")
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 30


def test_the_plugin_of_the_docs_passes_its_own_tests(fresh: Fresh) -> None:
    """What is shown to authors is a distribution that works."""
    done = fresh.run("python", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(ACME))
    assert done.returncode == 0, done.stdout


def test_strangers_are_logged_in_through(fresh: Fresh) -> None:
    """The demo has a row for each client type of each stranger, and every provider of ours works beside them."""
    done = fresh.run("connect-login", "demo", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {tuple(line.split()[:3]) for line in done.stdout.splitlines()}
    for name in ("acme", *(f"my_{like}" for like in TEMPLATES)):
        assert {(name, client, "ok") for client in ("pc", "h5")} <= rows


def test_strangers_are_listed_and_on_the_login_page(fresh: Fresh) -> None:
    """`providers` tells their union types, the hosted page their names."""
    listed = fresh.run("connect-login", "providers").stdout.split()
    page = fresh.run("python", "-c", LOGIN_PAGE).stdout
    for name, title in {"my_oauth2": "MyOauth2", "my_oidc": "MyOidc", "my_custom": "MyCustom", "acme": "Acme"}.items():
        assert {name, name.upper()} <= set(listed)
        assert f"/connect/{name}/pc/login" in page
        assert title in page


def test_strangers_can_publish_a_report(fresh: Fresh) -> None:
    """The contract by command, found by the distribution's name."""
    done = fresh.run("connect-login", "plugin", "check", "connect-acme")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("# Contract of acme: passed\n\nconnect-acme 1.0.0, connect-login ")
