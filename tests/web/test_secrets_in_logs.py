"""Nothing that could be spent is told: not in log lines, not in error bodies, not in addresses of ours."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from connect_core.harness import RunningShop, Visitor
from connect_core.http import HttpPool
from connect_core.observability.logs import JsonFormatter
from connect_core.plugin import ClientType, hookimpl
from connect_core.store.models import Declared

from ..kit.databases import run_shop
from ..kit.web_shops import (
    HTML,
    TOKEN,
    acme_shop,
    bearer,
    changed,
    come_back,
    flow_cookies,
    mini_login,
    query,
    refused,
    served,
)

SPENDABLE = {"code", "state", "secret", "sign", "access_token", "auth_token", "refresh_token", "openid"}
OWN_CLIENTS = ("httpx", "httpcore")  # the visitor's; the service calls vendors through aiohttp


@dataclass
class Recorder:
    """Everything that was handed about and must not be told, and everything that was told."""

    canaries: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    def keep(self, *values: str) -> None:
        """Note what must never be told."""
        self.canaries |= {value for value in values if len(value) >= 6}

    def watch(self, answer: httpx.Response) -> None:
        """Note what an answer tells, but for cookies and token answers, which are meant to; keep what it carries."""
        if not answer.request.url.host.startswith("127."):
            return
        for line in answer.headers.get_list("set-cookie"):
            if "last_used=" not in line:  # the name of a provider
                self.keep(line.partition("=")[2].partition(";")[0])
        answer.read()
        if "access_token" in answer.text:
            self.keep(*(value for value in answer.json().values() if isinstance(value, str) and value != "Bearer"))
        elif answer.status_code >= 400 or answer.headers.get("content-type", "").startswith("text/html"):
            self.told.append(answer.text)

    def found(self, *texts: str) -> set[str]:
        """The canaries that stand in what was told, or in `texts`."""
        everything = "\n".join([*self.told, *texts])
        return {canary for canary in self.canaries if canary in everything}


@contextmanager
def watching(shop: RunningShop) -> Iterator[tuple[Visitor, Recorder]]:
    """A visitor whose every answer is watched."""
    recorder = Recorder()
    with Visitor(shop) as visitor:
        visitor.http.event_hooks["response"].append(recorder.watch)
        yield visitor, recorder
        for sandbox in shop.sandboxes.values():
            for call in sandbox.calls:
                recorder.keep(*(value for name, value in call.parameters.items() if name in SPENDABLE))
        recorder.keep(*(str(row["value"]) for row in shop.rows("es_connect_alias")))


def settings_secrets(shop: RunningShop) -> Iterator[str]:
    """The secrets of the configuration: keys, app secrets, private keys."""
    yield from (key.get_secret_value() for key in shop.manager.settings.service.secret_keys)
    for configured in shop.manager.registry:
        for _, value in configured.provider.settings:
            if isinstance(value, SecretStr):
                secret = value.get_secret_value()
                yield from (secret, secret[200:260]) if len(secret) > 300 else (secret,)


def log_in_everywhere(visitor: Visitor) -> None:
    """Every way to log in, and what follows it."""
    for provider, client in (("alipay", "pc"), ("wechat", "pc"), ("wechat", "h5"), ("alipay", "h5")):
        callback = come_back(visitor, provider, client)
        visitor.http.get(callback, headers=HTML)
        visitor.http.get(callback, headers=HTML)
    tokens = mini_login(visitor)
    visitor.http.post("/connect/alipay/app/token", json=visitor.client_parameters("alipay", "app"))
    visitor.http.get("/connect/me", headers=bearer(tokens))
    visitor.http.post(f"/login/{visitor.client_parameters('alipay', 'mini')['authCode']}")
    begun = visitor.http.get("/buyer/connect/alipay/pc/login").headers["location"]
    visitor.http.get(visitor.consent(begun))
    refresh_token = tokens.json()["refresh_token"]
    visitor.http.post("/connect/token/refresh", json={"refresh_token": refresh_token})
    visitor.http.post("/connect/logout", json={"refresh_token": refresh_token}, headers=bearer(tokens))


def fail_everywhere(shop: RunningShop, visitor: Visitor) -> None:
    """Every way not to log in, with things in hand that must not be told."""
    spoilt = 'garbage:{"access_token":"c4n4ry-token","openid":"c4n4ry-id",'
    faults = {
        "alipay": (TOKEN, ["unsigned", "wrong_sign", "html", "truncate", spoilt, "redirect", "status:503", "delay:1"]),
        "wechat": ("token", ["html", "truncate", spoilt, "error:40125", "error:40029", "status:500", "drip:0.1"]),
    }
    for provider, (call, kinds) in faults.items():
        for kind, _, value in (one.partition(":") for one in kinds):
            shop.sandboxes[provider].faults.add(kind, value, on=call)
            visitor.http.get(come_back(visitor, provider), headers=HTML if kind == "html" else {})
    callback = come_back(visitor)
    visitor.http.get(changed(callback, state=None))
    visitor.http.get(changed(callback, state="c4n4ry-state-of-another-browser"))
    visitor.http.get(callback, headers={"cookie": f"{list(flow_cookies(visitor))[-1]}=v1.c4n4ry.cookie"})
    visitor.http.get(callback + "&state=c4n4ry-second-state")
    visitor.http.get(changed(callback, error="an_odd_error", error_description="c4n4ry-description", auth_code=None))
    visitor.http.get("/connect/acme/pc/callback", params=query(callback), headers=HTML)
    visitor.http.post("/connect/alipay/pc/callback", content=b"c4n4ry-body", headers={"content-type": "text/plain"})
    visitor.http.get("/connect/alipay/pc/login", params={"return_to": "https://c4n4ry-target.example/?token=x"})
    visitor.http.post("/connect/alipay/mini/token", json={"code": "c4n4ry-code"})
    visitor.http.post("/connect/alipay/app/token", json={"code": "c4n4ry-app-code", "ticket": "c4n4ry-ticket"})
    visitor.http.post("/connect/token/refresh", json={"refresh_token": "c4n4ry-refresh-token"})
    visitor.http.get(
        "/connect/me", headers={"authorization": "Bearer c4n4ry-bearer", "cookie": "connect_session=c4n4ry"}
    )
    visitor.http.post("/login/c4n4ry-mini-code")
    visitor.http.get("/buyer/connect/alipay/h5/login?code=c4n4ry-h5-code&uuid=c4n4ry-uuid&state=c4n4ry-h5-state")


def test_nothing_spendable_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """With every logger at DEBUG, no login and no failure leaves a code, state, token, cookie, id or key behind."""
    caplog.set_level(logging.DEBUG)
    with run_shop(pool=HttpPool(deadline=0.4)) as shop, watching(shop) as (visitor, recorder):
        log_in_everywhere(visitor)
        fail_everywhere(shop, visitor)
        recorder.keep(*settings_secrets(shop), *flow_cookies(visitor).values())
    records = [record for record in caplog.records if not record.name.startswith(OWN_CLIENTS)]
    lines = [repr(vars(record)) for record in records] + [JsonFormatter().format(record) for record in records]
    recorder.keep("c4n4ry")
    assert len(recorder.canaries) > 80
    assert len([record for record in records if record.getMessage() == "login_refused"]) > 20
    assert recorder.found(*lines) == set()


def test_a_dump_of_the_database_holds_nothing_spendable() -> None:
    """After every login and every failure no row has a code, state, token, cookie or key; ids of vendors it must."""
    with run_shop(pool=HttpPool(deadline=0.4)) as shop, watching(shop) as (visitor, recorder):
        log_in_everywhere(visitor)
        visitor.http.post("/connect/handover")
        fail_everywhere(shop, visitor)
        recorder.keep("c4n4ry", *settings_secrets(shop), *flow_cookies(visitor).values())
        dump = {table: repr(shop.rows(table)) for table in Declared.metadata.tables}
        ids = {str(row["value"]) for row in shop.rows("es_connect_alias")}
    assert {table for table, text in dump.items() if text != "[]"} >= {"es_member", "es_member_session"}
    for sandbox in shop.sandboxes.values():
        recorder.keep(
            *(value for call in sandbox.calls for name, value in call.parameters.items() if name in SPENDABLE)
        )
    assert len(recorder.canaries) > 80
    told = {canary for canary in recorder.canaries - ids if any(canary in text for text in dump.values())}
    assert told == set()


def test_addresses_of_ours_tell_nothing() -> None:
    """No Location of ours but those to a vendor holds a code, state, token or id."""
    with run_shop() as shop, watching(shop) as (visitor, recorder):
        locations: list[str] = []
        visitor.http.event_hooks["response"].append(lambda answer: locations.append(answer.headers.get("location", "")))
        log_in_everywhere(visitor)
        own = [url for url in locations if url.startswith(shop.url) and "/callback?" not in url]
    assert len(own) > 5
    assert recorder.found(*own) == set()


@pytest.fixture(scope="module")
def diary(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Recorder]:
    """What `connect-login serve --log-level debug` wrote during logins and failures, line by line."""
    with served(tmp_path_factory.mktemp("served"), "--log-level", "debug") as one:
        shop = RunningShop(one.url, Starlette(), one.sandboxes, f"sqlite:///{one.database}")
        with watching(shop) as (visitor, recorder):
            for provider, client in (("alipay", "pc"), ("wechat", "pc"), ("wechat", "h5")):
                callback = come_back(visitor, provider, client)
                visitor.http.get(callback)
                visitor.http.get(changed(callback, state="c4n4ry-state"))
            one.sandboxes["alipay"].faults.add("unsigned", on=TOKEN)
            visitor.http.get(come_back(visitor))
            code = one.sandboxes["alipay"].client_parameters(ClientType.MINI, "lihua")["authCode"]
            visitor.http.post(f"/login/{code}?token=c4n4ry-token")
            visitor.http.post("/login/c4n4ry-code")
            visitor.http.cookies.clear()
            visitor.http.get("/connect/me?access_token=c4n4ry", headers={"authorization": "Bearer c4n4ry"})
            for path in ("a%0d%0ab", "%1b%5b31m", "%e2%80%a8", '"}%0a{"event":"forged'):
                visitor.http.get(f"/connect/{path}/pc/login", headers={"user-agent": "a\tb"})
    recorder.keep("c4n4ry", *(one.database.parent / "connect.toml").read_text("utf-8").split('"')[1::2])
    recorder.canaries -= set(_public(one.database.parent))
    return one.output.splitlines(), recorder


def _public(folder: Path) -> Iterator[str]:
    """The values of a connect.toml that are no secret."""
    for line in (folder / "connect.toml").read_text("utf-8").splitlines():
        name, _, value = line.partition(" = ")
        if not name.endswith(("key", "keys", "secret")) and value.startswith('"'):
            yield value.strip('"')


def test_real_service_writes_nothing_spendable(diary: tuple[list[str], Recorder]) -> None:
    """The process that operators run, at DEBUG: its whole output has no canary in it."""
    lines, recorder = diary
    assert len(lines) > 10
    assert len(recorder.canaries) > 20
    assert recorder.found(*lines) == set()


def test_one_event_is_one_line(diary: tuple[list[str], Recorder]) -> None:
    """Line breaks, colours and forged events in what a client sends stay inside one line of plain ASCII JSON."""
    events = [json.loads(line) for line in diary[0] if line.startswith("{")]
    assert len(events) >= len(diary[0]) - 1, "only the greeting is no event"
    assert all(line.isascii() and line.isprintable() for line in diary[0])
    assert "forged" not in {event["event"] for event in events}
    refusals = [event for event in events if event["event"] == "login_refused"]
    assert {"a\r\nb", "a\\r\\nb"} & {event.get("provider") for event in refusals}


def test_refusals_are_told_with_their_reason(diary: tuple[list[str], Recorder]) -> None:
    """Each refusal is one line with code, provider, client type and request id; who must act sees a warning."""
    events = [json.loads(line) for line in diary[0] if line.startswith("{")]
    refusals = {event["code"]: event for event in events if event["event"] == "login_refused"}
    assert {"state_invalid", "provider_unsigned", "code_invalid", "not_logged_in", "unsupported"} <= set(refusals)
    assert refusals["provider_unsigned"]["level"] == "warning"
    assert refusals["state_invalid"]["level"] == "info"
    for code, provider, client in (("state_invalid", "wechat", "h5"), ("provider_unsigned", "alipay", "pc")):
        event = refusals[code]
        assert (event["provider"], event["client"], len(event["request_id"])) == (provider, client, 16)


class Broken:
    """A plugin whose tokens cannot be issued, and which tells why."""

    @hookimpl
    def connect_issue_tokens(self, login: Any) -> None:
        """Log and raise what should not be told."""
        logging.getLogger("acme").warning("refresh_token=%s for %s", "c4n4ry-token", login.member_id)
        raise RuntimeError("SELECT * FROM c4n4ry WHERE secret='c4n4ry'")


def test_unexpected_errors_tell_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody foresaw is a generic 503 with a request id; the log has its kind and place, not its text."""
    with acme_shop(plugin=Broken()) as shop, Visitor(shop) as visitor:
        answer = visitor.http.post("/connect/acme/mini/token", json={"code": "lihua"})
        refused(answer, 503, "unavailable")
        page = visitor.http.post("/connect/acme/mini/token", json={"code": "maria"}, headers=HTML)
        assert (page.status_code, page.headers["retry-after"]) == (503, "2")
    first = next(record for record in caplog.records if record.getMessage() == "unhandled")
    told = json.loads(JsonFormatter().format(first))
    assert (told["error"], told["request_id"]) == ("RuntimeError", answer.json()["request_id"])
    assert "connect_issue_tokens" in told["place"]
    assert "c4n4ry" not in answer.text + page.text + repr([vars(one) for one in caplog.records if one.name != "acme"])


def test_what_a_plugin_logs_is_blotted_out(caplog: pytest.LogCaptureFixture) -> None:
    """A plugin that logs a token itself meets the formatter of the service."""
    with acme_shop(plugin=Broken()) as shop, Visitor(shop) as visitor:
        visitor.http.post("/connect/acme/mini/token", json={"code": "lihua"})
    [record] = [record for record in caplog.records if record.name == "acme"]
    assert "c4n4ry" in record.getMessage()
    assert json.loads(JsonFormatter().format(record))["event"].startswith("refresh_token=*** for ")
