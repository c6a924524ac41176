"""The sandbox of an OAuth 2.0 vendor: it says no wherever a vendor does, and in the vendor's own way."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connect_core.identity import ClientType
from connect_core.plugin import Claims, OAuth2Provider
from connect_core.sandbox import OAuth2Sandbox, serving

from ..kit.clock import Clock
from ..kit.vendor_transport import Acme, quirky

REDIRECT_URI = "http://127.0.0.1:1/cb"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
LINK = {
    "response_type": "code",
    "client_id": "sandbox-client",
    "redirect_uri": REDIRECT_URI,
    "scope": "basic",
    "state": "s1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
TOKEN_CALL = {
    "grant_type": "authorization_code",
    "redirect_uri": REDIRECT_URI,
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "code_verifier": VERIFIER,
}


class ServedSandbox:
    """A sandbox that is served, and a client without a proxy or a cookie."""

    def __init__(self, url: str, sandbox: OAuth2Sandbox, clock: Clock) -> None:
        self.url, self.sandbox, self.clock = url, sandbox, clock

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""
        return httpx.request(method, self.url + path, trust_env=False, **options)

    def code(self, link: Mapping[str, str] = LINK, decision: str = "agree") -> dict[str, str]:
        """Decide on the page and return what comes back."""
        form = {"person": "lihua", "decision": decision}
        response = self.ask("POST", "/authorize", params=link, data=form)
        assert response.status_code == 303, response.text
        return dict(parse_qsl(urlsplit(response.headers["location"]).query))

    def redeem(self, link: Mapping[str, str] = LINK, **changed: str) -> dict[str, Any]:
        """Redeem a fresh code; `changed` replaces parameters, an empty one leaves its parameter out."""
        form = {**TOKEN_CALL, "code": self.code(link).get("code", ""), **changed}
        response = self.ask("POST", "/token", data={name: value for name, value in form.items() if value})
        return dict(response.json()) | {"status": response.status_code}


def served(provider: type[OAuth2Provider], **data: Any) -> Iterator[ServedSandbox]:
    """Serve a sandbox of `provider` whose class has `data` too."""
    clock = Clock(1_800_000_000)
    sandbox = type("AcmeSandbox", (OAuth2Sandbox,), {"title": "Acme", "provider": provider, **data})(now=clock)
    with serving(sandbox.app()) as url:
        yield ServedSandbox(url, sandbox, clock)


@pytest.fixture
def served_sandbox() -> Iterator[ServedSandbox]:
    """The sandbox of a vendor that follows the standard to the letter."""
    yield from served(Acme)


def test_whole_login(served_sandbox: ServedSandbox) -> None:
    """Page, code, token, person; every call is noted under its operation."""
    assert "李华" in served_sandbox.ask("GET", "/authorize", params=LINK).text
    told = served_sandbox.redeem()
    person = served_sandbox.ask("GET", "/me", headers={"authorization": f"Bearer {told['access_token']}"})
    assert person.json() == {"id": served_sandbox.sandbox.user_id("lihua"), "name": "李华"}
    assert [call.operation for call in served_sandbox.sandbox.calls] == ["authorize", "token", "userinfo"]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("client_id", "other", "unauthorized_client"),
        ("response_type", "token", "unsupported_response_type"),
        ("redirect_uri", "javascript:alert(1)", "invalid_request"),
        ("state", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
    ],
)
def test_wrong_links_have_no_page(served_sandbox: ServedSandbox, name: str, value: str, word: str) -> None:
    """A vendor does not send people to an address that it does not trust."""
    response = served_sandbox.ask("GET", "/authorize", params={**LINK, name: value})
    assert (response.status_code, word in response.text) == (400, True)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:1/other"}, "invalid_grant"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
    ],
)
def test_wrong_token_calls_are_refused(served_sandbox: ServedSandbox, changed: dict[str, str], word: str) -> None:
    """Client, code, address and verifier are each held against what the login began with."""
    told = served_sandbox.redeem(**changed)
    assert (told["error"], told["status"]) == (word, 400)


def test_verifier_without_a_challenge_is_refused(served_sandbox: ServedSandbox) -> None:
    """A challenge stripped on the way must not go unnoticed."""
    link = {name: value for name, value in LINK.items() if not name.startswith("code_challenge")}
    assert served_sandbox.redeem(link)["error"] == "invalid_grant"
    assert "access_token" in served_sandbox.redeem(link, code_verifier="")


def test_codes_work_once_and_expire(served_sandbox: ServedSandbox) -> None:
    """Ten minutes, one use; a code is no token, and a token expires too."""
    code = served_sandbox.code()["code"]
    assert "access_token" in served_sandbox.redeem(code=code)
    assert served_sandbox.redeem(code=code)["error"] == "invalid_grant"
    late = served_sandbox.code()["code"]
    served_sandbox.clock.advance(601)
    assert served_sandbox.redeem(code=late)["error"] == "invalid_grant"
    token = served_sandbox.redeem()["access_token"]
    unused = served_sandbox.code()["code"]
    served_sandbox.clock.advance(7201)
    for bearer in (token, unused, "made-up"):
        answer = served_sandbox.ask("GET", "/me", headers={"authorization": f"Bearer {bearer}"})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_refusal_is_the_vendors() -> None:
    """A person's no comes back as the standard's error, or as a bare state; a code under the vendor's name."""
    for served_sandbox in served(Acme):
        assert served_sandbox.code(decision="refuse") == {"state": "s1", "error": "access_denied"}
    quirks = quirky(refuses_without_code=True, code_names=["authCode"])
    for served_sandbox in served(type("Quirky", (Acme,), {"quirks": quirks})):
        assert served_sandbox.code(decision="refuse") == {"state": "s1"}
        assert served_sandbox.code().keys() == {"state", "authCode"}


def test_pkce_may_be_required() -> None:
    """As at vendors that refuse a login without it."""
    link = {name: value for name, value in LINK.items() if not name.startswith("code_challenge")}
    for served_sandbox in served(Acme, requires_pkce=True):
        assert served_sandbox.ask("GET", "/authorize", params=link).status_code == 400


def test_basic_get_json_and_header() -> None:
    """The sandbox wants credentials, parameters and token exactly where the quirks put them."""
    basic = type("Basic", (Acme,), {"quirks": quirky(client_auth="basic", token_method="json")})
    pair = base64.b64encode(b"sandbox-client:sandbox-secret").decode()
    for served_sandbox in served(basic):
        body = {**TOKEN_CALL, "code": served_sandbox.code()["code"]}
        assert served_sandbox.ask("POST", "/token", json=body).json()["error"] == "invalid_client"
        headers = {"authorization": f"Basic {pair}"}
        assert "access_token" in served_sandbox.ask("POST", "/token", json=body, headers=headers).json()
    by_get = type("ByGet", (Acme,), {"quirks": quirky(token_method="get", token_parameters={"fmt": "json"})})
    for served_sandbox in served(by_get):
        asked = {**TOKEN_CALL, "code": served_sandbox.code()["code"]}
        assert served_sandbox.ask("POST", "/token", data=asked).status_code == 405
        assert served_sandbox.ask("GET", "/token", params=asked).json()["error"] == "invalid_request"
        assert "access_token" in served_sandbox.ask("GET", "/token", params={**asked, "fmt": "json"}).json()


def test_everything_that_goes_with_a_token_is_checked() -> None:
    """Another app's id or another person's does not get an answer."""
    parameters = {"t": "{access_token}", "key": "{client_id}", "who": "{open_id}"}
    data = {"quirks": quirky(userinfo_parameters=parameters), "id_claims": Claims(open_id="openid")}
    for served_sandbox in served(type("Query", (Acme,), data)):
        token = served_sandbox.redeem()["access_token"]
        right = {"t": token, "key": "sandbox-client", "who": served_sandbox.sandbox.open_id("lihua")}
        assert served_sandbox.ask("GET", "/me", params=right).json()["name"] == "李华"
        for name in right:
            assert "error" in served_sandbox.ask("GET", "/me", params={**right, name: "other"}).json()
        assert "error" in served_sandbox.ask("GET", "/me", headers={"authorization": f"Bearer {token}"}).json()


def test_formats_and_own_codes() -> None:
    """Forms, scripts, prefixes and the vendor's own words for the standard's errors."""
    for served_sandbox in served(type("Form", (Acme,), {"quirks": quirky(answer="form", prefix="&&&")})):
        answer = served_sandbox.ask("POST", "/token", data={**TOKEN_CALL, "code": served_sandbox.code()["code"]})
        assert answer.text.startswith("&&&access_token=")
    jsonp = type("Jsonp", (Acme,), {"quirks": quirky(answer="jsonp")})
    for served_sandbox in served(jsonp, refusals={"invalid_grant": "100019"}, error_statuses=(200, 200)):
        answer = served_sandbox.ask("POST", "/token", data={**TOKEN_CALL, "code": "made-up"})
        assert (answer.status_code, answer.text[:27]) == (200, 'callback( {"error": "100019')


def test_faults_of_its_own(served_sandbox: ServedSandbox) -> None:
    """Ids can be missing or somebody else's wherever they stand; an error can be any."""
    token = {"authorization": f"Bearer {served_sandbox.redeem()['access_token']}"}
    told = []
    for kind in ("missing_id", "swapped_id"):
        served_sandbox.sandbox.faults.add(kind, on="userinfo")
        told.append(served_sandbox.ask("GET", "/me", headers=token).json())
    assert told == [{"name": "李华"}, {"id": served_sandbox.sandbox.user_id("lihua") + 1, "name": "李华"}]
    served_sandbox.sandbox.faults.add("error", "anything", on="token")
    assert served_sandbox.redeem()["error"] == "anything"


def test_settings_reach_the_double() -> None:
    """Every address that the provider has, and no other."""
    sandbox = type("AcmeSandbox", (OAuth2Sandbox,), {"title": "Acme", "provider": Acme})()
    assert sandbox.settings("http://127.0.0.1:1/acme", ClientType.PC) == {
        "client_id": "sandbox-client",
        "client_secret": "sandbox-secret",
        "authorize_url": "http://127.0.0.1:1/acme/authorize",
        "token_url": "http://127.0.0.1:1/acme/token",
        "userinfo_url": "http://127.0.0.1:1/acme/me",
    }
    with pytest.raises(LookupError):
        sandbox.client_parameters(ClientType.PC, "lihua")
