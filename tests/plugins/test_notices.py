"""What vendors tell of a person's account, over HTTP: the rules of every notice, with Apple and Google as vendors."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connect_apple.sandbox import AppleSandbox
from connect_core.crypto import SigningKey
from connect_core.harness import RunningShop, Visitor
from connect_core.identity import ClientType
from connect_core.providers.abilities import NoticeKind, NoticeRequest
from connect_google.sandbox import GoogleSandbox
from connect_oidc.sandbox import PlainOidcSandbox

from ..kit.account_page import bind
from ..kit.databases import run_shop

Stage = tuple[RunningShop, AppleSandbox, GoogleSandbox]
TABLES = ("es_connect_used_flow", "es_connect_event", "es_connect", "es_member_session")
OPEN: list[Visitor] = []
"""Visitors of the shop that runs, to be closed with it."""


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A shop with both vendors, and one that tells nothing."""
    with run_stage() as stage:
        yield stage


@contextmanager
def run_stage(limits: Mapping[str, str] | None = None, **service: Any) -> Iterator[Stage]:
    """Run the shop with further settings of `[service]`, and `limits` in place of those of `[limits]`."""

    def change(raw: dict[str, Any]) -> None:
        raw["service"].update(service)
        raw["limits"] = raw.get("limits", {}) | dict(limits or {})

    apple, google = AppleSandbox(), GoogleSandbox()
    sandboxes = {"apple": apple, "google": google, "oidc": PlainOidcSandbox()}
    with run_shop(sandboxes, change=change) as shop:
        try:
            yield shop, apple, google
        finally:
            while OPEN:
                OPEN.pop().http.close()


def log_in(shop: RunningShop, person: str = "lihua", provider: str = "apple", client: str = "pc") -> Visitor:
    """Return a visitor who has logged in by a redirect."""
    visitor = Visitor(shop)
    OPEN.append(visitor)
    assert visitor.log_in(provider, client, person).status_code == 303
    assert is_in(visitor)
    return visitor


def is_in(visitor: Visitor) -> bool:
    """Whether the visitor is logged in."""
    return visitor.http.get("/connect/me").status_code == 200


def tell(shop: RunningShop, notice: NoticeRequest | None, provider: str = "apple") -> httpx.Response:
    """Send a notice as the vendor's server does."""
    assert notice is not None
    url, headers = f"{shop.url}/connect/{provider}/notify", dict(notice.headers)
    return httpx.request(notice.method, url, headers=headers, content=notice.content, trust_env=False)


def from_apple(apple: AppleSandbox, event: object = None, header: Any = None, **claims: Any) -> NoticeRequest:
    """Return a notification about Li Hua; `claims` replace what a right one has, and None leaves one out."""
    right = {"type": "consent-revoked", "sub": apple.subject("lihua"), "event_time": 1}
    events = event if isinstance(event, str) else json.dumps(event or right)
    standard = apple.notice_claims(apple.client_id) | {"events": events}
    body = json.dumps({"payload": apple.sign_token(header or {}, {**standard, **claims})}).encode()
    return NoticeRequest("POST", {}, {"content-type": "application/json"}, body)


def count_rows(shop: RunningShop) -> list[int]:
    """Return the number of rows of every table that a notice may write to."""
    return [len(shop.rows(table)) for table in TABLES]


def get_connection(shop: RunningShop, union_type: str = "APPLE") -> dict[str, Any]:
    """Return the only connection of this vendor."""
    [row] = [row for row in shop.rows("es_connect") if row["union_type"] == union_type]
    return row


def get_events(shop: RunningShop) -> list[tuple[str, str, str]]:
    """Return kind, provider and detail of what was written about notices."""
    rows = shop.rows("es_connect_event")
    told = [row for row in rows if row["kind"] in ("vendor_notice", "unbound")]
    return [(row["kind"], row["provider"], row["detail"]) for row in told]


def test_withdrawn_consent(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Every login through the vendor ends, its profile goes, and whoever comes back is the same member."""
    shop, apple, _ = stage
    caplog.set_level("INFO", "connect_login")
    desk, phone, stranger = log_in(shop), log_in(shop, client="h5"), log_in(shop, "wangfang", client="pc")
    before = desk.http.get("/connect/me").json()["uid"]
    answer = tell(shop, apple.make_notice(ClientType.PC, "lihua", NoticeKind.CONSENT_WITHDRAWN))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "no-store" in answer.headers["cache-control"]
    assert [is_in(visitor) for visitor in (desk, phone, stranger)] == [False, False, True]
    mine, others = shop.rows("es_connect")
    assert (mine["profile"], mine["profile_time"], mine["unbound_time"]) == ("{}", 0, None)
    assert others["profile"] != "{}"
    assert get_events(shop) == [("vendor_notice", "apple", "consent_withdrawn")]
    [line] = [record for record in caplog.records if record.message == "vendor_notice"]
    assert (line.notice, line.sessions, line.is_unbound) == ("consent_withdrawn", 2, False)  # type: ignore[attr-defined]
    assert log_in(shop).http.get("/connect/me").json()["uid"] == before


def test_ended_sessions(stage: Stage) -> None:
    """An account that was taken over: its logins end, all else stays. Google is answered with 202."""
    shop, _, google = stage
    visitor = log_in(shop, provider="google")
    profile = get_connection(shop, "GOOGLE")["profile"]
    answer = tell(shop, google.make_notice(ClientType.PC, "lihua", NoticeKind.SESSIONS_ENDED), "google")
    assert (answer.status_code, answer.content) == (202, b"")
    assert not is_in(visitor)
    assert get_connection(shop, "GOOGLE")["profile"] == profile != "{}"
    assert get_events(shop) == [("vendor_notice", "google", "sessions_ended")]


def test_closed_account_that_is_the_only_way_in(stage: Stage) -> None:
    """The connection stays: nobody loses a member for a notice. The profile goes."""
    shop, apple, _ = stage
    visitor = log_in(shop)
    assert tell(shop, apple.make_notice(ClientType.PC, "lihua", NoticeKind.ACCOUNT_CLOSED)).status_code == 200
    assert not is_in(visitor)
    row = get_connection(shop)
    assert (row["unbound_time"], row["profile"]) == (None, "{}")
    assert get_events(shop) == [("vendor_notice", "apple", "account_closed")]


def test_closed_account_beside_another_login(stage: Stage) -> None:
    """The connection ends, however young, and what came through another vendor lives on."""
    shop, apple, _ = stage
    by_google = log_in(shop, provider="google")
    bind(by_google, "apple")
    by_apple = log_in(shop)
    assert tell(shop, apple.make_notice(ClientType.PC, "lihua", NoticeKind.ACCOUNT_CLOSED)).status_code == 200
    assert [is_in(by_google), is_in(by_apple)] == [True, False]
    assert get_connection(shop)["unbound_time"]
    assert get_connection(shop, "GOOGLE")["unbound_time"] is None
    told = ("vendor_notice", "apple", "account_closed")
    assert get_events(shop) == [told, ("unbound", "apple", "account_closed")]


def test_closed_account_of_a_member_with_a_password() -> None:
    """A password is another way in."""
    with run_stage(first_login="choose") as (shop, apple, _):
        visitor = Visitor(shop)
        OPEN.append(visitor)
        assert visitor.log_in("apple", "pc").headers["location"].endswith("/connect/first-login")
        form = {"decision": "register"}
        assert visitor.http.post("/connect/first-login", data=form, headers={"origin": shop.url}).status_code == 303
        words = {"password": "correct horse battery staple", "repeated": "correct horse battery staple"}
        visitor.http.post("/connect/account/password", data=words, headers={"origin": shop.url})
        assert shop.rows("es_member")[0]["password_hash"]
        assert tell(shop, apple.make_notice(ClientType.PC, "lihua", NoticeKind.ACCOUNT_CLOSED)).status_code == 200
        assert get_connection(shop)["unbound_time"]


def test_notice_is_taken_once(stage: Stage) -> None:
    """A repeated notice is answered like the first, also of four at once, and ends no later login."""
    shop, apple, _ = stage
    visitor, notice = log_in(shop), from_apple(apple)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: tell(shop, notice).status_code, range(4))) == [200] * 4
    assert len(get_events(shop)) == 1
    assert visitor.log_in("apple", "pc").status_code == 303
    assert tell(shop, notice).status_code == 200
    assert is_in(visitor)


def test_person_whom_nobody_knows(stage: Stage) -> None:
    """Answered like a known one; nothing is written but the key."""
    shop, apple, google = stage
    visitor = log_in(shop)
    flows, *others = count_rows(shop)
    for kind in (NoticeKind.CONSENT_WITHDRAWN, NoticeKind.ACCOUNT_CLOSED):
        answer = tell(shop, apple.make_notice(ClientType.PC, "nobody", kind))
        assert (answer.status_code, answer.content) == (200, b"")
    assert tell(shop, google.make_notice(ClientType.PC, "lihua", NoticeKind.ACCOUNT_CLOSED), "google").is_success
    assert count_rows(shop) == [flows + 3, *others]
    assert is_in(visitor)


FORGED: dict[str, dict[str, Any]] = {
    "alg none": {"header": {"alg": "none"}},
    "another alg": {"header": {"alg": "HS256"}},
    "another key": {"header": {"kid": "nobody-knows"}},
}
WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "another client": {"aud": "another-client"},
    "further client": {"aud": ["example.shop.web", "another"]},
    "no audience": {"aud": None},
    "no jti": {"jti": None},
    "empty jti": {"jti": ""},
    "no iat": {"iat": None},
    "stale": {"iat": 1},
    "to come": {"iat": 9_999_999_999},
    "no events": {"events": None},
    "ID token": {"nonce": "n"},
    "no person": {"event": {"type": "consent-revoked"}},
    "person as a number": {"event": {"type": "account-delete", "sub": 7}},
    "events that are no JSON": {"event": "consent-revoked"},
    "critical": {"header": {"crit": ["exp"]}},
}


def test_forged_and_wrong_notices(stage: Stage) -> None:
    """What Apple did not sign is 403, anything else that is wrong 400; nothing is written and nobody logged out."""
    shop, apple, _ = stage
    visitor, before = log_in(shop), count_rows(shop)
    right = from_apple(apple)
    stranger = AppleSandbox()
    stranger.issuer, stranger.key = apple.issuer, SigningKey.generate("RS256", apple.key.kid)
    unsigned = json.dumps({"payload": json.loads(right.text)["payload"].rpartition(".")[0] + "."}).encode()
    forged = [from_apple(stranger), replace(right, content=unsigned)]
    forged += [from_apple(apple, **wrong) for name, wrong in FORGED.items() if name != "another key"]
    for notice in forged:
        answer = tell(shop, notice)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    wrong = {name: from_apple(apple, **change) for name, change in WRONG.items()}
    bodies = {"empty": b"", "list": b"[]", "bytes": b"\xff\xfe", "no payload": b"{}", "long": b"x" * (64 * 1024 + 1)}
    wrong |= {name: replace(right, content=body) for name, body in bodies.items()}
    wrong |= {"GET": replace(right, method="GET", content=b"")}
    for name, notice in wrong.items():
        answer = tell(shop, notice)
        assert (name, answer.status_code, answer.json()["code"]) == (name, 400, "bad_request")
    assert count_rows(shop) == before
    assert is_in(visitor)
    assert tell(shop, right).status_code == 200


def test_only_forged_notices_are_limited() -> None:
    """A vendor may send as many as it wants to, whereas an address that forges them is soon refused."""
    with run_stage({"failures_per_address": "5/minute"}) as (shop, apple, _):
        assert {tell(shop, from_apple(apple)).status_code for _ in range(12)} == {200}
        stranger = AppleSandbox()
        stranger.issuer, stranger.key = apple.issuer, SigningKey.generate("RS256", apple.key.kid)
        answers = [tell(shop, from_apple(stranger)) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [403] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"]


def test_unnamed_key(stage: Stage) -> None:
    """A token that names no key of the vendor's is checked with all of them, and one with a strange name with none."""
    shop, apple, _ = stage
    log_in(shop)
    assert tell(shop, from_apple(apple, **FORGED["another key"])).status_code == 403
    assert tell(shop, from_apple(apple, header={"kid": None})).status_code == 200


def test_stale_after_26_hours(stage: Stage) -> None:
    """And the clocks' difference, not more: vendors repeat what they could not deliver."""
    shop, apple, _ = stage
    now = int(apple.now())
    assert tell(shop, from_apple(apple, iat=now - 93_640)).status_code == 200
    assert tell(shop, from_apple(apple, iat=now - 93_670)).status_code == 400


def test_notice_for_another_registration(stage: Stage) -> None:
    """Website and native app have their own client ids; the notice for either reaches the person."""
    shop, apple, _ = stage
    visitor = log_in(shop)
    assert tell(shop, apple.make_notice(ClientType.APP, "lihua", NoticeKind.CONSENT_WITHDRAWN)).status_code == 200
    assert not is_in(visitor)


@pytest.mark.parametrize("event", ["email-disabled", "email-enabled", "account-deleted", "something-new"])
def test_events_that_concern_no_login(stage: Stage, event: str) -> None:
    """Relay addresses, and events that Apple may add, are answered and nothing more."""
    shop, apple, _ = stage
    visitor, before = log_in(shop), count_rows(shop)
    told = {"type": event, "sub": apple.subject("lihua"), "email": "x@privaterelay.example"}
    assert tell(shop, from_apple(apple, told)).status_code == 200
    assert (count_rows(shop), is_in(visitor)) == (before, True)


def test_events_of_google(stage: Stage) -> None:
    """Google's check of the address is answered; a subject of another issuer is refused; two events are two notices."""
    shop, _, google = stage
    visitor, risc = log_in(shop, provider="google"), "https://schemas.openid.net/secevent/risc/event-type/"
    oauth = "https://schemas.openid.net/secevent/oauth/event-type/"
    check = google.send_event({f"{risc}verification": {"state": "a text of ours"}})
    assert tell(shop, check, "google").status_code == 202
    subject = {"subject_type": "iss-sub", "iss": f"{google.issuer}/", "sub": google.subject("lihua")}
    for wrong in ({**subject, "iss": "https://evil.example"}, {**subject, "sub": 7}, {}, "lihua"):
        notice = google.send_event({f"{risc}sessions-revoked": {"subject": wrong}})
        assert tell(shop, notice, "google").status_code == 400
    for ignored in ("account-enabled", "account-credential-change-required"):
        assert tell(shop, google.send_event({f"{risc}{ignored}": {"subject": subject}}), "google").is_success
    assert is_in(visitor)
    both = {f"{risc}sessions-revoked": {"subject": subject}, f"{oauth}tokens-revoked": {"subject": subject}}
    assert tell(shop, google.send_event(both), "google").status_code == 202
    assert not is_in(visitor)
    assert [detail for _, _, detail in get_events(shop)] == ["sessions_ended", "consent_withdrawn"]


def test_key_rotated_before_the_notice(stage: Stage) -> None:
    """A notice that is signed with a new key is checked with the keys fetched again."""
    shop, apple, _ = stage
    visitor = log_in(shop)
    apple.rotate()
    assert tell(shop, from_apple(apple)).status_code == 200
    assert not is_in(visitor)


def test_keys_that_cannot_be_fetched(stage: Stage) -> None:
    """The error is not the vendor's to mend: it may send the notice again, and then it counts."""
    shop, apple, _ = stage
    notice, keys = from_apple(apple), len(shop.rows("es_connect_used_flow"))
    for _ in range(3):
        apple.faults.add("status", "503", on="jwks")
    assert tell(shop, notice).status_code >= 500
    assert len(shop.rows("es_connect_used_flow")) == keys


def test_provider_that_takes_no_notices(stage: Stage) -> None:
    """404, whoever signed; so is a provider that is not there."""
    shop, apple, _ = stage
    for provider in ("oidc", "nobody"):
        answer = tell(shop, from_apple(apple), provider)
        assert (answer.status_code, answer.json()["code"]) == (404, "unsupported")


def test_nothing_secret_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """No token and no id of the vendor is in the log or in the events."""
    shop, apple, _ = stage
    log_in(shop)
    caplog.set_level("DEBUG", "connect_login")
    notices = [from_apple(apple), from_apple(apple, aud="another")]
    assert [tell(shop, notice).status_code for notice in notices] == [200, 400]
    lines = caplog.text + str([vars(record) for record in caplog.records if record.name == "connect_login"])
    assert not any(json.loads(notice.text)["payload"][-20:] in lines for notice in notices)
    assert apple.subject("lihua") not in lines + json.dumps(shop.rows("es_connect_event"))
