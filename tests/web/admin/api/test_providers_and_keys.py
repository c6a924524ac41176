"""Providers, certificates, order of buttons, administrators' sessions and keys in the management API."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from connect_core.administrators.api_tokens import Scope

from ....kit.admin_pages import AdminShop, run_admin_shop
from ....kit.api_clients import Client, create
from ....kit.web_shops import alipay_and_wechat

NUMBERS = count()
RAW: dict[str, Any] = {}
"""The configuration of the shop, as `connect.toml` has it."""


@pytest.fixture(scope="module")
def steered() -> Iterator[AdminShop]:
    """A shop whose settings change at run time, with the sandboxes of Alipay and WeChat."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"]["settings"] = "database"
        raw["accounts"] = {"pay": {"app_id": "2021000000000009"}}
        RAW.update(raw)

    with run_admin_shop(alipay_and_wechat(), change=change) as shop:
        yield shop


@pytest.fixture
def client(steered: AdminShop) -> Client:
    """A program that may do everything."""
    return Client(steered, create(steered, f"program-{next(NUMBERS)}", *Scope))


def get_revision(client: Client) -> int:
    """Return the active revision."""
    revision: int = client.get("/settings")["active_revision"]
    return revision


def upload(client: Client, status: int, files: dict[str, bytes], **fields: str) -> Any:
    """Send files as a form does."""
    parts = {name: (f"{name}.pem", content) for name, content in files.items()}
    answer = client.http.post("/settings/files", files=parts, data=fields)
    assert answer.status_code == status, answer.text
    return answer.json()


def find_order(steered: AdminShop, client_type: str) -> list[str]:
    """Return the logins that the login page shows."""
    listed = httpx.get(f"{steered.shop.url}/connect/providers?client={client_type}").json()
    return [each["provider"] for each in listed]


def test_a_provider_is_shown_without_its_secrets(client: Client) -> None:
    """Cards with switches; a form's settings with what they take, and the addresses for the vendor's console."""
    listed = client.get("/providers")
    [card] = [each for each in listed["providers"] if each["name"] == "alipay"]
    assert {"client": "pc", "is_on": True, "lock": ""} in card["switches"]
    assert (card["examined_at"], card["findings"]) == (0, [])
    assert "alipay" in client.get("/plugins")["plugins"]
    shown = client.get("/providers/alipay")
    assert any(each["value"].endswith("/connect/alipay/pc/callback") for each in shown["addresses"])
    [pc] = [table for table in shown["tables"] if table["client_type"] == "pc"]
    settings = {each["name"]: each for each in pc["settings"]}
    assert (settings["private_key"]["is_set"], settings["private_key"]["value"]) == (True, None)
    assert settings["app_id"]["value"] == RAW["providers"]["alipay"]["pc"]["app_id"]
    assert settings["app_cert"]["takes_file"]
    assert RAW["providers"]["alipay"]["pc"]["private_key"][30:90] not in str(shown)
    assert client.get("/providers/nobody", status=404)["code"] == "unsupported"


def test_a_login_is_hidden_and_shown_at_once(steered: AdminShop, client: Client) -> None:
    """Who decides on an older revision is told, and nothing happens."""
    base = get_revision(client)
    for is_shown, status in ((False, 404), (True, 303)):
        body = {"client": "pc", "shown": is_shown, "base": get_revision(client)}
        assert client.post("/providers/alipay/clients", body) == {"changed": True}
        assert httpx.get(f"{steered.shop.url}/connect/alipay/pc/login").status_code == status
    assert client.post("/providers/alipay/clients", body) == {"changed": False}
    stale = client.post("/providers/alipay/clients", {"client": "pc", "shown": False, "base": base}, 409)
    assert stale["code"] == "changed_meanwhile"
    assert client.post("/providers/alipay/clients", {"client": "watch", "shown": True}, 400)["mistakes"]
    wrong = client.post("/providers/alipay/clients", {"client": "pc", "shown": False}, 400)
    assert "If-Match" in wrong["detail"]
    assert client.post("/providers/nobody/clients", {"client": "pc", "shown": True, "base": 0}, 404)
    [record, *_] = client.get("/audit", target="clients")["records"]
    assert (record["action"], record["via"]) == ("settings.activated", "api")


def test_the_order_of_buttons_is_changed_at_once(steered: AdminShop, client: Client) -> None:
    """All logins of the client type and no other, or nothing changes."""
    answer = client.http.get("/buttons")
    [pc] = [each for each in answer.json()["clients"] if each["client"] == "pc"]
    turned = [*reversed(pc["order"])]
    match = {"if-match": answer.headers["etag"]}
    for order in (turned[1:], [*turned, "nobody"], [*turned, turned[0]]):
        assert client.post("/buttons/pc", {"order": order}, 400, **match)["detail"].startswith("order: ")
    assert client.post("/buttons/pc", {"order": turned}, **match) == {"changed": True}
    assert find_order(steered, "pc") == turned
    assert client.post("/buttons/pc", {"order": pc["order"]}, 409, **match)["code"] == "changed_meanwhile"
    assert client.post("/buttons/watch", {"order": []}, 404, **match)["code"] == "unsupported"


def test_files_become_a_draft(client: Client) -> None:
    """Files that belong together are one draft, which is checked as a form's is; the connection can be tested."""
    table = RAW["providers"]["alipay"]["pc"]
    keys = {f"providers.alipay.{key}": table[key].encode() for key in ("private_key", "alipay_public_key")}
    number = upload(client, 201, keys, base=str(get_revision(client)), comment="new keys")["revision"]
    revision = client.get(f"/settings/revisions/{number}")
    assert (revision["state"], revision["comment"]) == ("draft", "new keys")
    assert {each["name"] for each in revision["changes"]} == {"private_key", "alipay_public_key"}
    tested = client.post("/providers/alipay/test", {"revision": number})
    assert {each["subject"] for each in tested["findings"]} >= {"alipay/pc"}
    assert "credentials_accepted" in {each["id"] for each in tested["findings"]}
    client.post(f"/settings/revisions/{number}/discard", status=204)
    assert client.post("/providers/nobody/test", status=404)["code"] == "unsupported"


BAD_FILES: dict[str, tuple[dict[str, bytes], dict[str, str], str]] = {
    "binary": ({"providers.alipay.app_cert": b"\x30\x82\xff"}, {}, "providers.alipay.app_cert: The file is no text"),
    "empty": ({"providers.alipay.app_cert": b""}, {}, "providers.alipay.app_cert: the file is empty"),
    "no file": ({"providers.alipay.app_id": b"1"}, {}, "providers.alipay.app_id: is no setting"),
    "nobody": ({"providers.nobody.app_cert": b"1"}, {}, "providers.nobody.app_cert: is no setting"),
    "an account": ({"accounts.nobody.private_key": b"1"}, {}, "accounts.nobody.private_key: is no setting"),
    "a limit": ({"limits.per_address": b"1"}, {}, "limits.per_address: is no setting"),
    "a text": ({"providers.alipay.app_cert": b"x"}, {"providers.alipay.aes_key": "x"}, "providers.alipay.aes_key: is"),
    "an odd base": ({"providers.alipay.app_cert": b"x"}, {"base": "x"}, "base: give the number"),
}


@pytest.mark.parametrize(("files", "fields", "mistake"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_are_none_change_nothing(
    steered: AdminShop, client: Client, files: dict[str, bytes], fields: dict[str, str], mistake: str
) -> None:
    """400 with a line for each mistake, and no draft."""
    before = steered.shop.rows("es_connect_setting_change")
    refused = upload(client, 400, files, **({"base": str(get_revision(client))} | fields))
    assert refused["mistakes"][0].startswith(mistake)
    assert client.http.post("/settings/files?base=0", content=b"x").status_code == 400
    assert steered.shop.rows("es_connect_setting_change") == before


def test_a_provider_of_the_file_is_not_removed(client: Client) -> None:
    """Only what operators have added can be taken away; that makes a draft."""
    refused = client.post("/providers/alipay/remove", {"base": get_revision(client)}, 400)
    assert refused["detail"] == "the provider is in connect.toml"
    table = {**RAW["providers"]["wechat"]["pc"], "plugin": "wechat"}
    changes = [{"section": "providers.other", "name": key, "value": value} for key, value in table.items()]
    body = {"changes": changes, "base": get_revision(client)}
    added = client.post("/settings/drafts", body, 201)["revision"]
    client.post(f"/settings/revisions/{added}/activate", status=204)
    removal = client.post("/providers/other/remove", {"base": added, "comment": "gone"}, 201)["revision"]
    assert client.get("/providers/other")["is_removable"]
    client.post(f"/settings/revisions/{removal}/activate", status=204)
    assert client.get("/providers/other", status=404)


def test_sessions_of_administrators_are_listed_and_ended(steered: AdminShop, client: Client) -> None:
    """Without anything from which a session could be taken over; who has none is 404."""
    steered.create("zhao", "support")
    token = steered.open_session("zhao")
    sessions = client.get("/administrators/sessions")["sessions"]
    assert [each["provider"] for each in sessions if each["name"] == "zhao"] == [""]
    assert "token_hash" not in str(sessions)
    with steered.browsing() as browser:
        browser.take_session(token)
        assert browser.request("GET", "/audit").status_code == 200
        assert client.post("/administrators/sessions/end", {"name": "zhao"}) == {"ended": 1}
        assert browser.request("GET", "/audit").status_code == 303
    assert client.post("/administrators/sessions/end", {"name": "zhao"}, 404)["code"] == "unsupported"
    [record, *_] = client.get("/audit", target="administrator zhao")["records"]
    assert (record["action"], record["via"]) == ("administrator.sessions_ended", "api")


def test_the_dashboard_and_the_keys_are_there_too(steered: AdminShop, client: Client) -> None:
    """Figures with their stages, fingerprints with their counts, and no key."""
    shown = client.get("/dashboard")
    assert {funnel["provider"] for funnel in shown["summary"]["funnels"]} >= {"alipay", "wechat"}
    steered.create("qian", "viewer")
    keys = client.get("/keys")
    [key] = keys["keys"]
    assert len(key["fingerprint"]) == 16
    assert {each["name"]: each["by_key"] for each in keys["sealed"]}["totp"][0] >= 1
    assert client.get("/keys/count") == keys
    assert str(steered.shop.manager.settings.service.keys[0]) not in str(keys)


def test_with_settings_of_the_file_all_is_shown_and_nothing_changed() -> None:
    """Reading works; every change is 404 and says why."""
    with run_admin_shop(alipay_and_wechat()) as shop:
        client = Client(shop, create(shop, "file", *Scope))
        assert client.get("/providers")["revision"] == 0
        assert client.get("/providers/alipay")["tables"][0]["settings"][0]["lock"] == "file_alone"
        assert client.get("/buttons")["clients"]
        assert client.post("/providers/alipay/test")["findings"]
        changes: tuple[tuple[str, dict[str, Any]], ...] = (
            ("/providers/alipay/clients", {"client": "pc", "shown": False, "base": 0}),
            ("/providers/alipay/remove", {"base": 0}),
            ("/buttons/pc", {"order": [], "base": 0}),
        )
        for path, body in changes:
            assert 'settings = "database"' in client.post(path, body, 404)["detail"]
        assert upload(client, 404, {"providers.alipay.app_cert": b"x"}, base="0")["code"] == "unsupported"
