"""The screens of providers, settings and buttons over real HTTP: draft, test, activate, roll back, conflicts."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connect_core.administrators.roles import Role
from connect_core.harness import Visitor

from ...kit.admin_pages import AdminBrowser, AdminShop, get_text, run_admin_shop
from ...kit.form_inputs import Inputs
from ...kit.web_shops import alipay_and_wechat

EDIT = "/providers/alipay/edit"
FILE = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----"
RAW: dict[str, Any] = {}
"""The configuration of the shop, as `connect.toml` has it."""


def use_database(raw: dict[str, Any]) -> None:
    """Let settings change at run time, with one that is locked, and a shared account."""
    raw["service"]["settings"] = "database"
    raw["providers"]["wechat"]["locked"] = ["denial_words"]
    raw["accounts"] = {"pay": {"app_id": "2021000000000009", "private_key": "hidden-in-the-account"}}
    RAW.update(raw)


@pytest.fixture(scope="module")
def steered() -> Iterator[AdminShop]:
    """A shop whose settings change at run time, with the sandboxes of Alipay and WeChat."""
    with run_admin_shop(alipay_and_wechat(), change=use_database) as shop:
        for name, role in (("operator", Role.OPERATOR), ("second", Role.OPERATOR), ("viewer", Role.VIEWER)):
            shop.create(name, role)
        yield shop


@pytest.fixture(scope="module")
def operator(steered: AdminShop) -> Iterator[AdminBrowser]:
    """The browser of an operator, who signs in once: a name has few tries."""
    with steered.browsing("operator") as browser:
        yield browser


@pytest.fixture
def browser(operator: AdminBrowser) -> Iterator[AdminBrowser]:
    """The same browser. After the test the file alone holds again."""
    yield operator
    if "/settings/revisions/0/roll-back" in operator.get("/settings").text:
        operator.post("/settings/revisions/0/roll-back", page="/settings")


def open_form(browser: AdminBrowser, path: str) -> dict[str, list[str]]:
    """Return what the inputs of a page contain."""
    answer = browser.request("GET", path)
    assert answer.status_code == 200, get_text(answer)
    return Inputs(answer.text).sent


def send(
    browser: AdminBrowser, path: str, inputs: dict[str, list[str]], files: dict[str, bytes] | None = None, **more: str
) -> httpx.Response:
    """Post a form with files, as its page does; keys of `more` are those of inputs with `__` for a dot."""
    fields = inputs | {name.replace("__", "."): [text] for name, text in more.items()}
    parts = [(name, (None, text)) for name, texts in fields.items() for text in texts]
    parts += [(name, ("file.pem", content)) for name, content in (files or {}).items()]
    return browser.request("POST", path.partition("?")[0], files=parts)


def draft(browser: AdminBrowser, path: str = EDIT, files: dict[str, bytes] | None = None, **changes: str) -> str:
    """Make a draft by the form at `path`, and return its page."""
    answer = send(browser, path, open_form(browser, path), files, **changes)
    assert answer.status_code == 303, get_text(answer)
    return answer.headers["location"].partition("/connect/admin")[2]


def act(browser: AdminBrowser, page: str, action: str) -> httpx.Response:
    """Press a button of a revision's page."""
    return browser.post(f"{page}/{action}", page=page)


def get_scope(browser: AdminBrowser) -> str:
    """Return the words for a refusal that this process uses now."""
    configured = browser.shop.manager.registry.find("alipay", "pc")
    return ", ".join(configured.provider.settings.denial_words)


def test_a_draft_is_tested_activated_and_rolled_back(browser: AdminBrowser) -> None:
    """Nothing changes before the draft is active; a roll-back brings the earlier values back, and all is recorded."""
    first = draft(browser, providers__alipay__denial_words="no way", comment="the vendor has a new word")
    page = get_text(browser.get(first))
    assert 'denial_words none here ["no way"]' in page
    assert "the vendor has a new word" in page
    assert get_scope(browser) == ""
    tested = browser.post("/providers/alipay/test", page=first, draft=first.rpartition("/")[2])
    assert "credentials_accepted" in tested.text
    assert "The test has ended" in tested.text
    assert get_scope(browser) == ""
    assert act(browser, first, "activate").status_code == 303
    assert get_scope(browser) == "no way"
    second = draft(browser, providers__alipay__denial_words="no way\nnever")
    act(browser, second, "activate")
    assert get_scope(browser) == "no way, never"
    act(browser, first, "roll-back")
    assert get_scope(browser) == "no way"
    assert "settings.activated" in browser.get("/audit").text


def test_a_discarded_draft_changes_nothing(browser: AdminBrowser) -> None:
    """A draft that is discarded cannot be activated any more."""
    page = draft(browser, providers__alipay__denial_words="no way")
    assert act(browser, page, "discard").status_code == 303
    assert "Activate" not in browser.get(page).text
    token = {"form_token": open_form(browser, EDIT)["form_token"][0]}
    assert browser.request("POST", f"{page}/activate", data=token).status_code == 409
    assert get_scope(browser) == ""


async def test_a_draft_that_is_changed_keeps_the_rest(browser: AdminBrowser) -> None:
    """Changing a draft replaces it by one with both changes, a secret too, which no page shows."""
    page = draft(browser, "/providers/wechat/edit", providers__wechat__pc__app_secret="new-hidden-secret")
    number = page.rpartition("/")[2]
    path = f"/providers/wechat/edit?draft={number}"
    later = draft(browser, path, providers__wechat__profile_max_age="12")
    text = get_text(browser.get(later))
    assert "app_secret changed (secret)" in text
    assert "profile_max_age" in text
    assert "discarded" in get_text(browser.get(page))
    versions = browser.shop.manager.setting_versions
    assert versions is not None
    values = await versions.load_values(int(later.rpartition("/")[2]))
    assert values["providers.wechat.pc", "app_secret"] == "new-hidden-secret"


def test_mistakes_stand_beside_their_fields(browser: AdminBrowser) -> None:
    """A refused form keeps what was typed but for secrets, says what is wrong with each field, and saves nothing."""
    before = browser.get("/settings").text.count("/settings/revisions/")
    inputs = open_form(browser, EDIT)
    changes = {
        "providers__alipay__pc__gateway_url": "ftp://typed.example",
        "providers__alipay__pc__private_key": "oops",
    }
    answer = send(browser, EDIT, inputs, {"providers.alipay.pc.app_cert": b"\x30\x82\xff"}, **changes)
    assert answer.status_code == 400
    assert "The file is no text" in answer.text
    answer = send(browser, EDIT, inputs, **changes)
    assert answer.status_code == 400
    assert 'id="providers-alipay-pc-gateway_url-mistake"' in answer.text
    assert "ftp://typed.example" in answer.text
    assert "oops" not in answer.text
    limits = "/settings/limits"
    answer = send(browser, limits, open_form(browser, limits), limits__per_address="often")
    assert answer.status_code == 400
    assert 'id="limits-per_address-mistake"' in answer.text
    assert "such as 600/minute" in answer.text
    assert browser.get("/settings").text.count("/settings/revisions/") == before


def test_a_certificate_is_uploaded_and_checked(browser: AdminBrowser) -> None:
    """What the plugin cannot read is refused with the plugin's words, beside the field."""
    answer = send(browser, EDIT, open_form(browser, EDIT), {"providers.alipay.pc.private_key": FILE.encode()})
    assert answer.status_code == 400
    assert 'id="providers-alipay-pc-private_key-mistake"' in answer.text


def test_a_provider_is_added_shown_and_removed(browser: AdminBrowser) -> None:
    """A provider that was made by the form logs people in, until it is removed."""
    chosen = browser.request("GET", "/providers/new", params={"plugin": "alipay", "name": "other"})
    path = chosen.headers["location"].partition("/connect/admin")[2]
    table = {**RAW["providers"]["alipay"]["pc"]}
    files = {f"providers.other.{key}": table.pop(key).encode() for key in ("private_key", "alipay_public_key")}
    typed = {f"providers__other__{key}": str(value) for key, value in table.items()}
    page = draft(browser, path, files, **typed, shown_in="pc")
    assert act(browser, page, "activate").status_code == 303
    with Visitor(browser.shop) as visitor:
        assert visitor.log_in("other", "pc").status_code == 303
        assert visitor.http.get("/connect/me").status_code == 200
    base = open_form(browser, "/providers")["base"][0]
    removed = browser.post("/providers/other/remove", page="/providers/other/edit", base=base)
    act(browser, removed.headers["location"].partition("/connect/admin")[2], "activate")
    assert browser.request("GET", "/providers/other/edit").status_code == 404
    assert httpx.get(f"{browser.shop.url}/connect/other/pc/login").status_code == 404


def test_a_switch_hides_and_shows_a_login(browser: AdminBrowser) -> None:
    """A login that is switched off is refused at once, and comes back last in the order."""
    url = f"{browser.shop.url}/connect/alipay/pc/login"
    for to, status in (("off", 404), ("on", 303)):
        base = open_form(browser, "/providers")["base"][0]
        answer = browser.post("/providers/alipay/clients", page="/providers", base=base, client="pc", to=to)
        assert answer.status_code == 303
        assert httpx.get(url).status_code == status
    base = open_form(browser, "/providers")["base"][0]
    wrong = browser.post("/providers/alipay/clients", page="/providers", base=base, client="watch", to="on")
    assert wrong.status_code == 400


def test_a_locked_value_stays(browser: AdminBrowser) -> None:
    """What `connect.toml` locks is disabled, and a form that was tampered with does not change it."""
    path = "/providers/wechat/edit"
    text = browser.get(path).text
    assert re.search(r'id="providers-wechat-denial_words"[^>]* disabled', text)
    assert "Locked in connect.toml" in text
    answer = send(browser, path, open_form(browser, path), providers__wechat__denial_words="no way")
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text


def test_a_value_of_the_file_cannot_be_emptied(browser: AdminBrowser) -> None:
    """An emptied field would change nothing, because the file still has its value: the form says so."""
    answer = send(browser, EDIT, open_form(browser, EDIT), providers__alipay__pc__app_id="")
    assert answer.status_code == 400
    assert "connect.toml has this value" in answer.text


def test_the_second_administrator_reads_what_the_first_changed(steered: AdminShop, browser: AdminBrowser) -> None:
    """A form that was opened before somebody else's change is refused with that change, and nothing is saved."""
    with steered.browsing("second") as other:
        inputs = open_form(other, EDIT)
        old_draft = draft(other, providers__alipay__denial_words="late")
        act(browser, draft(browser, providers__alipay__denial_words="early"), "activate")
        answer = send(other, EDIT, inputs, providers__alipay__denial_words="late")
        assert answer.status_code == 409
        assert '["early"]' in get_text(answer)
        token = {"form_token": inputs["form_token"][0]}
        assert other.request("POST", f"{old_draft}/activate", data=token).status_code == 409
    assert get_scope(browser) == "early"


def test_the_order_is_moved_previewed_and_saved(browser: AdminBrowser) -> None:
    """An arrow shows another order, which the preview has too; only saving it changes the login page."""
    listed = f"{browser.shop.url}/connect/providers?client=pc"
    order = [each["provider"] for each in httpx.get(listed).json()]
    moved = browser.request("GET", "/buttons", params={"client": "pc", "order": ",".join(order), "down": order[0]})
    inputs = Inputs(moved.text).sent
    wanted = [order[1], order[0], *order[2:]]
    assert inputs["order"] == [",".join(wanted)] * 2
    preview = browser.request("GET", "/buttons/preview", params={"client": "pc", "order": ",".join(wanted)})
    assert re.findall('data-provider="([^"]+)" href="#preview"', preview.text) == wanted
    assert "form-action 'none'" in preview.headers["content-security-policy"]
    assert [each["provider"] for each in httpx.get(listed).json()] == order
    fields = {"base": inputs["base"][0], "client": "pc", "order": ",".join(wanted)}
    assert browser.post("/buttons", page="/buttons", **fields).status_code == 303
    assert [each["provider"] for each in httpx.get(listed).json()] == wanted


def test_no_answer_contains_a_secret(browser: AdminBrowser) -> None:
    """No page of any revision, form, test or preview has a secret of the file or of the database."""
    page = draft(browser, "/providers/wechat/edit", providers__wechat__pc__app_secret="new-hidden-secret")
    paths = ("/providers", EDIT, "/providers/wechat/edit", "/accounts/pay/edit?plugin=alipay", "/settings", page)
    answers = [
        browser.request("GET", path) for path in (*paths, f"/providers/wechat/edit?draft={page.rpartition('/')[2]}")
    ]
    answers.append(browser.post("/providers/wechat/test", page=page, draft=page.rpartition("/")[2]))
    answers.append(act(browser, page, "activate"))
    answers += [browser.request("GET", path) for path in paths]
    tables = [RAW["providers"][name][client] for name in ("alipay", "wechat") for client in ("pc", "h5", "mini", "app")]
    secrets = {str(table[key]) for table in tables for key in ("private_key", "app_secret") if key in table}
    assert len(secrets) > 1
    for answer in answers:
        assert answer.status_code in (200, 303), get_text(answer)
        for secret in (*secrets, "hidden-in-the-account", "new-hidden-secret"):
            assert secret not in answer.text
            assert secret[40:80] not in answer.text or not secret[40:80]


def test_a_viewer_looks_and_changes_nothing(steered: AdminShop) -> None:
    """A viewer sees every form disabled, without a button that saves it."""
    with steered.browsing("viewer", language="zh-CN") as browser:
        text = browser.request("GET", EDIT).text
        assert "检查并保存为草稿" not in text
        assert '<fieldset class="card" disabled>' in text
        assert "move_up" not in browser.request("GET", "/buttons").text


def test_with_settings_of_the_file_all_is_shown_and_locked(admin_shop: AdminShop) -> None:
    """Where settings come from `connect.toml` alone, the pages say so, and no form can be sent."""
    with admin_shop.browsing("operator") as browser:
        for path in ("/providers", "/providers/new", "/settings", "/settings/limits", "/settings/pages"):
            answer = browser.request("GET", path)
            assert answer.status_code == 200
            assert "Settings come from connect.toml alone" in answer.text
        inputs = {"form_token": open_form(browser, "/settings/limits")["form_token"], "base": ["0"]}
        answer = send(browser, "/settings/limits", inputs, limits__per_address="1/hour")
        assert answer.status_code == 400
        assert "Nothing was changed" in answer.text
