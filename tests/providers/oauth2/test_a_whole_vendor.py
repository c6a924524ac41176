"""Summit, the vendor of `docs/examples/connect-summit`: what used to need a provider of its own is data now."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl

import httpx
import pytest

from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins
from connect_core.sandbox import OAuth2Sandbox, serving
from connect_core.testing import RunningShop, Visitor, run_shop

SUMMIT = Path(__file__).parents[3] / "docs/examples/connect-summit"
FILES = ("connect_summit/__init__.py", "connect_summit/sandbox.py", "tests/test_summit.py")
MINI_TOKEN = "/connect/summit/mini/token"


@pytest.fixture
def installed(tmp_path: Path) -> str:
    """A search path on which Summit is an installed distribution."""
    info = tmp_path / "connect_summit-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: connect-summit\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[connect_login]\nsummit = connect_summit\n")
    return os.pathsep.join(filter(None, (str(tmp_path), str(SUMMIT), os.environ.get("PYTHONPATH"))))


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Summit's plugin, imported."""
    monkeypatch.syspath_prepend(SUMMIT)
    yield importlib.import_module("connect_summit")
    for name in ("connect_summit", "connect_summit.sandbox"):
        sys.modules.pop(name, None)


@pytest.fixture
def sandbox(plugin: ModuleType) -> OAuth2Sandbox:
    """Summit's sandbox."""
    made: OAuth2Sandbox = importlib.import_module("connect_summit.sandbox").SummitSandbox()
    return made


@pytest.fixture
def shop(plugin: ModuleType, sandbox: OAuth2Sandbox) -> Iterator[RunningShop]:
    """A shop with Summit alone."""
    with run_shop({"summit": sandbox}, plugins=Plugins([("summit", plugin)], discover=False)) as running:
        yield running


def test_it_fits_in_90_lines() -> None:
    """Provider, sandbox and contract together."""
    assert sum(len((SUMMIT / name).read_text("utf-8").splitlines()) for name in FILES) <= 90


def test_it_keeps_the_contract(installed: str) -> None:
    """Every rule, on PC, H5 and in the mini program."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SUMMIT / "tests")]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": installed}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout


def test_each_answer_is_what_the_vendor_has(sandbox: OAuth2Sandbox) -> None:
    """The vendor is what it was meant to be: forms, numbers that no double holds, a list, a code under its own name."""
    client = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    link = {"response_type": "code", "client_id": sandbox.client_id, "redirect_uri": "http://x/cb", "state": "s"}
    with serving(sandbox.app()) as url, httpx.Client(base_url=url, trust_env=False) as http:
        page = http.post("/authorize", params=link, data={"person": "lihua", "decision": "agree"})
        code = dict(parse_qsl(page.headers["location"].partition("?")[2]))["auth_code"]
        form = {**client, "code": code, "grant_type": "authorization_code", "redirect_uri": "http://x/cb"}
        token = dict(parse_qsl(http.post("/token", data=form).text))["access_token"]
        [person] = http.get("/users", headers={"authorization": f"Bearer {token}"}).json()["data"]
    assert isinstance(person["id"], int)
    assert int(float(person["id"])) != person["id"]


def test_one_person_everywhere_with_a_number(shop: RunningShop, sandbox: OAuth2Sandbox) -> None:
    """PC and mini program find one member, whose number the phone button gave; the app token is fetched once."""
    with Visitor(shop) as visitor:
        assert visitor.log_in("summit", "pc").status_code == 303
        for _ in range(2):
            body = visitor.client_parameters("summit", "mini") | sandbox.phone_parameters(ClientType.MINI, "lihua")
            assert visitor.http.post(MINI_TOKEN, json=body).status_code == 200
    [member] = shop.rows("es_member")
    [connection] = shop.rows("es_connect")
    assert (member["mobile"], connection["union_id"]) == ("13800000001", str(sandbox.user_id("lihua")))
    assert [sandbox.called(name) for name in ("code", "phone", "app_token", "userinfo")] == [2, 2, 1, 1]


def test_phone_code_works_once(shop: RunningShop, sandbox: OAuth2Sandbox) -> None:
    """The vendor refuses one that was used and one that it never gave: those logins go on without a number."""
    with Visitor(shop) as visitor:
        phone = sandbox.phone_parameters(ClientType.MINI, "lihua")
        codes = []
        for more in (phone, phone, {"phone_code": "made-up"}):
            body = visitor.client_parameters("summit", "mini", "maria" if more is not phone else "lihua") | more
            codes.append(visitor.http.post(MINI_TOKEN, json=body).json().get("code"))
    assert codes == [None, None, None]
    assert [member["mobile"] for member in shop.rows("es_member")] == ["13800000001", ""]
    assert sandbox.called("phone") == 3


def test_client_says_nothing_about_itself(shop: RunningShop, sandbox: OAuth2Sandbox) -> None:
    """Ids and tokens beside the code change nothing, and reach no vendor."""
    claimed = {"uid": "7", "user_id": "7", "id": "7", "app_token": "a", "access_token": "b", "client_id": "c"}
    with Visitor(shop) as visitor:
        body = visitor.client_parameters("summit", "mini") | claimed
        assert visitor.http.post(MINI_TOKEN, json=body).status_code == 200
    [connection] = shop.rows("es_connect")
    assert connection["union_id"] == str(sandbox.user_id("lihua"))
    assert not set(claimed.values()) & set(sandbox.calls[-1].parameters.values())
