"""The Python client against a running shop: a mini program's login from its beginning to its end, and refusals."""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connect_core.harness import RunningShop, Visitor

from ..kit.databases import run_shop
from ..kit.web_shops import alipay_and_wechat

EXAMPLE = Path(__file__).parents[2] / "docs/examples/api_clients/log_in.py"
SOURCE = Path(__file__).parents[2] / "clients/python/src"


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(alipay_and_wechat()) as running_shop:
        yield running_shop


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """The client's package, as its wheel would install it."""
    sys.path.insert(0, str(SOURCE))
    import connect_login_client  # noqa: PLC0415 - it is found only now

    yield connect_login_client
    sys.path.remove(str(SOURCE))


@pytest.fixture
def code(shop: RunningShop) -> str:
    """What `my.getAuthCode` gives the mini program."""
    with Visitor(shop) as visitor:
        [value] = visitor.client_parameters("alipay", "mini").values()
    return value


def test_a_login_from_its_beginning_to_its_end(shop: RunningShop, client: Any, code: str) -> None:
    """Providers, login, who am I, connections, refresh and log-out answer as the types say."""
    with client.ConnectLogin(shop.url) as connect:
        assert {offered["provider"] for offered in connect.list_providers(client="mini")} == {"alipay", "wechat"}
        tokens = connect.log_in("alipay", "mini", code=code, device_id="phone")
        connect.access_token = tokens["access_token"]
        assert connect.me()["uid"] == tokens["uid"]
        assert [linked["union_type"] for linked in connect.list_connections()] == ["ALIPAY"]
        [session] = [row for row in connect.list_sessions() if row["is_this"]]
        assert session["device_id"] == "phone"
        renewed = connect.refresh(refresh_token=tokens["refresh_token"])
        assert renewed["uid"] == tokens["uid"]
        assert connect.log_out(refresh_token=renewed["refresh_token"]) is None
        with pytest.raises(client.Refusal) as refusal:
            connect.me()
    assert (refusal.value.status, refusal.value.code) == (401, "not_logged_in")
    assert refusal.value.request_id
    assert code not in str(refusal.value)


def test_a_browsers_login_begins_with_an_address(shop: RunningShop, client: Any) -> None:
    """A front end's server gets the vendor's address, and a target that is not allowed is a refusal with its code."""
    with client.ConnectLogin(shop.url) as connect:
        assert connect.get_login_url("alipay", "pc", return_to="/cart")["login_url"].startswith("http")
        with pytest.raises(client.Refusal) as refusal:
            connect.get_login_url("alipay", "pc", return_to="https://evil.example")
        assert refusal.value.code == "redirect_not_allowed"
        with pytest.raises(client.Refusal) as refusal:
            connect.get_login_url("alipay/../x", "pc")
    assert refusal.value.code == "unsupported"


def test_the_example_of_the_documentation_runs(shop: RunningShop, client: Any, code: str) -> None:
    """What `docs/how-to/api-clients.md` shows greets the member, and knows what to say to a code that was used."""
    greet = runpy.run_path(str(EXAMPLE))["greet"]
    assert greet(shop.url, code) == "Hello 李华"
    assert greet(shop.url, code) == "Please log in again."


async def test_asynchronous_code_has_the_same_methods(shop: RunningShop, client: Any, code: str) -> None:
    """A code that was handed in before is refused by name."""
    async with client.AsyncConnectLogin(shop.url) as connect:
        connect.access_token = (await connect.log_in("alipay", "mini", authCode=code))["access_token"]
        assert (await connect.me())["client_type"] == "mini"
        with pytest.raises(client.Refusal) as refusal:
            await connect.log_in("alipay", "mini", code=code)
    assert refusal.value.code == "code_seen"


def test_an_answer_of_somebody_else_is_no_refusal(shop: RunningShop, client: Any) -> None:
    """The error page of a proxy, or of another service, is not taken for an answer of ours."""
    with client.ConnectLogin(shop.sandbox_url) as connect, pytest.raises(client.UnexpectedAnswer) as error:
        connect.me()
    assert error.value.status == 404
