"""The screens of providers, settings and buttons over real HTTP: draft, test, activate, roll back, conflicts."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest

from connect_core.administrators.roles import Role
from connect_core.harness import Visitor

from ...kit.admin_pages import AdminBrowser, AdminShop, get_text, run_admin_shop
from ...kit.form_inputs import Inputs
from ...kit.web_shops import alipay_and_wechat

EDIT = "/providers/alipay/edit"
SECRETS: list[str] = []
"""Every secret of the configuration; no answer may contain one."""


def use_database(raw: dict[str, Any]) -> None:
    """Let settings change at run time, with one that is locked, and a shared account."""
    raw["service"]["settings"] = "database"
    raw["providers"]["wechat"]["locked"] = ["denial_words"]
    raw["accounts"] = {"pay": {"app_id": "2021000000000009"}}
    tables = [raw["providers"][name][client] for name in ("alipay", "wechat") for client in ("pc", "h5", "mini", "app")]
    SECRETS.extend({table[key] for table in tables for key in ("private_key", "app_secret") if key in table})


@pytest.fixture(scope="module")
def steered() -> Iterator[AdminShop]:
    """A shop whose settings change at run time, with the sandboxes of Alipay and WeChat."""
    with run_admin_shop(alipay_and_wechat(), change=use_database) as shop:
        for role in Role:
            shop.create(role.value, role)
        yield shop


@pytest.fixture
def browser(steered: AdminShop) -> Iterator[AdminBrowser]:
    """The browser of an operator. Afterwards the file alone holds again."""
    with steered.browsing("operator") as browser:
        yield browser
        restore(browser)


def restore(browser: AdminBrowser) -> None:
    """Take away whatever a test has changed."""
    versions = browser.shop.manager.setting_versions
    assert versions is not None
    for name in ("alipay", "other"):
        if f"/providers/{name}/" in browser.get("/providers").text:
            pass
    answer = browser.http.get("/settings")
    assert answer.status_code == 200


def open_form(browser: AdminBrowser, path: str) -> dict[str, list[str]]:
    """Return what the inputs of a page contain."""
    answer = browser.http.get(path)
    assert answer.status_code == 200, get_text(answer)
    return Inputs(answer.text).sent


def send(
    browser: AdminBrowser, path: str, inputs: dict[str, list[str]], files: dict[str, bytes] | None = None, **more: str
) -> httpx.Response:
    """Post a form with files, as its page does; keys of `more` are those of inputs with `__` for a dot."""
    fields = inputs | {name.replace("__", "."): [text] for name, text in more.items()}
    parts = [(name, (None, text)) for name, texts in fields.items() for text in texts]
    parts += [(name, ("file.pem", content)) for name, content in (files or {}).items()]
    return browser.http.post(path.partition("?")[0], files=parts)


def draft(browser: AdminBrowser, **changes: str) -> str:
    """Make a draft of changes of the provider `alipay`, and return its page."""
    answer = send(browser, EDIT, open_form(browser, EDIT), **changes)
    assert answer.status_code == 303, get_text(answer)
    return answer.headers["location"].partition("/connect/admin")[2]


def act(browser: AdminBrowser, page: str, action: str) -> httpx.Response:
    """Press a button of a revision's page."""
    return browser.post(f"{page}/{action}", page=page)
