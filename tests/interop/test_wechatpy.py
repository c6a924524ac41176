"""The community's client of WeChat against the sandbox: a login of each kind, as that client reads WeChat."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import httpx
import pytest

from connect_core.plugin import ClientType
from connect_core.sandbox import serving
from connect_wechat.sandbox import APPS, WechatSandbox

from .drivers import drive, missing

CALLBACK = "https://shop.example/"


@pytest.fixture(scope="module", autouse=True)
def _is_installed() -> None:
    if not find_spec("wechatpy"):
        missing("the PyPI package wechatpy")


@pytest.fixture(scope="module")
def sandbox() -> WechatSandbox:
    """A sandbox."""
    return WechatSandbox()


@pytest.fixture(scope="module")
def told(sandbox: WechatSandbox) -> Iterator[dict[str, Any]]:
    """What the client made of everything."""
    person = sandbox.people["wangfang"]
    website, mini = APPS[ClientType.PC], APPS[ClientType.MINI]
    with serving(sandbox.app()) as url:
        link = {"appid": website.app_id, "redirect_uri": CALLBACK, "response_type": "code", "scope": "snsapi_login"}
        form = {"person": person.key, "decision": "agree"}
        agreed = httpx.post(f"{url}/connect/qrconnect", params=link, data=form, trust_env=False)
        js_code = sandbox.mini.wx_login(person)
        pressed = [sandbox.mini.press_phone_button(person) for _ in range(2)]
        job = {
            "url": url,
            "website": (website.app_id, website.secret),
            "mini": (mini.app_id, mini.secret),
            "code": httpx.URL(agreed.headers["location"]).params["code"],
            "js_code": js_code,
            "phone_codes": [one["phone_code"] for one in pressed],
            **pressed[0],
        }
        yield drive([sys.executable, "wechat_driver.py"], job, "UTC")


def test_the_client_logs_in(told: dict[str, Any], sandbox: WechatSandbox) -> None:
    """Code, token, profile and refresh are what it expects; a used code has WeChat's number."""
    oauth = told["oauth"]
    assert oauth["token"]["unionid"] == oauth["person"]["unionid"] == sandbox.union_id("wangfang")
    assert oauth["person"]["nickname"] == sandbox.people["wangfang"].nickname
    assert oauth["is_alive"] is True
    assert oauth["next"]["openid"] == oauth["token"]["openid"]
    assert oauth["again"] == {"error": 40163}


def test_the_client_opens_a_session(told: dict[str, Any], sandbox: WechatSandbox) -> None:
    """The mini program's code brings the same person; what its key opens is the number, for this app."""
    mini = told["mini"]
    assert mini["session"]["unionid"] == sandbox.union_id("wangfang")
    assert mini["opened"]["purePhoneNumber"] == sandbox.people["wangfang"].mobile
    assert mini["opened"]["watermark"]["appid"] == APPS[ClientType.MINI].app_id


def test_the_client_asks_for_the_number(told: dict[str, Any], sandbox: WechatSandbox) -> None:
    """With either app token; a phone code works once."""
    mini = told["mini"]
    for name in ("number", "number_with_stable_token"):
        assert mini[name]["phone_info"]["purePhoneNumber"] == sandbox.people["wangfang"].mobile
    assert mini["again"] == {"error": 40029}
