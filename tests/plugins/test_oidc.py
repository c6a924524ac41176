"""Any OpenID provider by configuration alone: its contract, and whole logins that go wrong in every way."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
import pytest

from connect_core.sandbox import OidcSandbox, Sandbox
from connect_core.testing import ProviderContract, RunningShop, Visitor, run_shop
from connect_oidc.sandbox import PlainOidcSandbox

from ..kit.openid import EC, OTHER

FAULTS = [
    ("claims", {"iss": "https://evil.example"}),
    ("claims", {"aud": "another-client"}),
    ("claims", {"aud": ["sandbox-client", "another-client"]}),
    ("claims", {"azp": "another-client"}),
    ("claims", {"exp": 1}),
    ("claims", {"exp": None}),
    ("claims", {"iat": None}),
    ("claims", {"iat": 1}),
    ("claims", {"nbf": 9_999_999_999}),
    ("claims", {"nonce": None}),
    ("claims", {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
    ("claims", {"sub": 7}),
    ("header", {"crit": ["exp"]}),
    ("header", {"zip": "DEF"}),
    ("header", {"alg": "none"}),
    ("header", {"alg": "HS256"}),
    ("public_key_secret", "pem"),
    ("public_key_secret", "jwk"),
    ("unknown_key", ""),
    ("repeated_name", ""),
    ("unsigned", ""),
    ("wrong_sign", ""),
    ("id_token", "a.b"),
    ("answer", {"id_token": None}),
    ("answer", {"access_token": None}),
]
"""What the token call can answer but a right ID token: (fault, value)."""


class TestContract(ProviderContract):
    """RS256, the secret in the header."""

    plugin = "oidc"
    token_operation = "token"
    profile_operation = "userinfo"
    untrusted = ("missing_id", "wrong_nonce", "unsigned", "wrong_sign", "unknown_key", "repeated_name", "swapped_id")
    refusals: ClassVar = {
        "invalid_grant": "code_invalid",
        "invalid_client": "provider_config",
        "access_denied": "provider_denied",
        "temporarily_unavailable": "provider_refused",
    }


class TestContractWithKeys(TestContract):
    """ES256, the client by a signed assertion."""

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Return the sandbox in that mode."""
        return PlainOidcSandbox(algorithm="ES256", auth_method="private_key_jwt")


class TestContractWithEd25519(TestContract):
    """EdDSA."""

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Return the sandbox in that mode."""
        return PlainOidcSandbox(algorithm="EdDSA")


class TestContractWithTheSecret(TestContract):
    """HS256 with the client secret, which the settings name."""

    untrusted = tuple(fault for fault in TestContract.untrusted if fault != "unknown_key")

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Return the sandbox in that mode."""
        return PlainOidcSandbox(algorithm="HS256")


@contextmanager
def staged(sandbox: OidcSandbox | None = None, **settings: Any) -> Iterator[tuple[RunningShop, OidcSandbox]]:
    """Run a shop with this one provider; `settings` are changed."""
    sandbox = sandbox or PlainOidcSandbox()

    def change(raw: dict[str, Any]) -> None:
        raw["providers"]["oidc"] |= settings

    with run_shop({"oidc": sandbox}, change=change) as running_shop:
        yield running_shop, sandbox


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[RunningShop, OidcSandbox]]:
    """A shop whose every login meets the fault that a test asks for."""
    with staged() as both:
        yield both


@pytest.mark.parametrize(("kind", "value"), FAULTS)
def test_wrong_token_ends_the_login(shop: tuple[RunningShop, OidcSandbox], kind: str, value: object) -> None:
    """OIDF's negative modules: 502, nothing written, no session, and user-info is not asked."""
    running_shop, sandbox = shop
    sandbox.faults.add(kind, value if isinstance(value, str) else json.dumps(value), on="token")
    with Visitor(running_shop) as visitor:
        answer = visitor.log_in("oidc", "pc")
        assert visitor.who(answer) is None
    assert (answer.status_code, answer.json()["code"][:9]) == (502, "provider_")
    assert "connect_session" not in answer.headers.get("set-cookie", "")
    assert running_shop.rows("es_member") == running_shop.rows("es_member_session") == []
    assert (sandbox.called("userinfo"), sandbox.faults.unused) == (0, 0)


def test_key_rotated_just_before_signing() -> None:
    """OIDF signing-key-rotation: the new key is looked up once, and the login succeeds."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        assert visitor.log_in("oidc", "pc").status_code == 303
        sandbox.faults.add("rotated", on="token")
        assert visitor.log_in("oidc", "pc").status_code == 303
        assert sandbox.called("jwks") == 2


def test_broken_provider_takes_nobody_down() -> None:
    """A provider whose document is wrong is out of order by itself; once it is right people log in."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        sandbox.faults.add("answer", '{"issuer":"https://evil.example"}', on="discovery")
        assert visitor.http.get("/connect/oidc/pc/login").json()["code"] == "provider_bad_response"
        sandbox.faults.add("answer", '{"token_endpoint":"http://evil.example/token"}', on="discovery")
        assert visitor.http.get("/connect/oidc/pc/login").json()["code"] == "provider_bad_response"
        assert visitor.http.get("/readyz").status_code == 200
        assert visitor.log_in("oidc", "pc").status_code == 303


def test_flood_of_keys() -> None:
    """A set of ten thousand keys, or of many megabytes, is cut off."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        sandbox.faults.add("huge", on="jwks")
        assert visitor.log_in("oidc", "pc").json()["code"] == "provider_bad_response"
        many = json.dumps({"keys": [{"kty": "RSA", "kid": str(n)} for n in range(5000)]})
        sandbox.faults.add("answer", many, on="jwks")
        assert visitor.log_in("oidc", "pc").json()["code"] == "provider_bad_response"
        assert visitor.log_in("oidc", "pc").status_code == 303


BROKEN_ANSWERS: list[tuple[str, str]] = [
    ("answer", json.dumps({"padding": "x" * 5 * 1024 * 1024})),
    ("answer", json.dumps({"keys": None})),
    ("bomb", ""),
    ("delay", "30"),
    ("drip", "1"),
    ("drop", ""),
    ("answer", '{"keys": []}'),
    ("garbage", "[" * 100_000),
    ("gzip", ""),
    ("html", ""),
    ("repeat", ""),
    ("status", "404"),
    ("status", "503"),
    ("truncate", ""),
]
"""What the address of the keys answers that is no key set: (fault, value)."""


@pytest.mark.parametrize(("kind", "value"), BROKEN_ANSWERS)
def test_known_keys_outlive_a_renewal_that_fails(kind: str, value: str) -> None:
    """A token of a strange key has the keys looked up; whatever comes then, the others still log in, without a look."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        assert visitor.log_in("oidc", "pc").status_code == 303
        sandbox.faults.add("unknown_key", on="token", times=3)
        sandbox.faults.add(kind, value, on="jwks")
        for _ in range(3):
            assert visitor.log_in("oidc", "pc").json()["code"] == "provider_unsigned"
        assert visitor.log_in("oidc", "pc").status_code == 303
        assert (sandbox.called("jwks"), sandbox.faults.unused) == (2, 0)


def test_keys_are_fetched_from_their_own_address_alone() -> None:
    """A redirect is not followed, also not to the provider's own keys, at the first look or at a later one."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        keys = f"{sandbox.issuer}/keys"
        sandbox.faults.add("redirect", f"{keys}?elsewhere", on="jwks")
        assert visitor.log_in("oidc", "pc").json()["code"] == "provider_bad_response"
        assert sandbox.called("jwks") == 1
        assert visitor.log_in("oidc", "pc").status_code == 303
        sandbox.faults.add("redirect", f"{keys}?elsewhere", on="jwks")
        sandbox.faults.add("rotated", on="token")
        assert visitor.log_in("oidc", "pc").json()["code"] == "provider_unsigned"
        assert sandbox.called("jwks") == 3


OTHER_KEYS: dict[str, Callable[[dict[str, Any]], list[dict[str, Any]]]] = {
    "to encrypt": lambda key: [{**key, "use": "enc"}],
    "to sign": lambda key: [{**key, "key_ops": ["sign"]}],
    "for another algorithm": lambda key: [{**key, "alg": "PS256"}],
    "of another type": lambda key: [{**EC.public_jwk(), "kid": key["kid"]}],
    "of another type by name alone": lambda key: [{**key, "kty": "EC"}],
    "a secret made of the public key": lambda key: [{"kty": "oct", "kid": key["kid"], "k": key["n"]}],
    "another key of its name": lambda key: [{**OTHER.public_jwk(), "kid": key["kid"]}],
    "under another name": lambda key: [{**key, "kid": "another"}],
}


@pytest.mark.parametrize("case", OTHER_KEYS)
def test_a_set_without_the_right_key_logs_nobody_in(case: str) -> None:
    """Whatever the key beside it is called; the right set logs in again, and one that lists no key any more counts."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        keys = json.dumps({"keys": OTHER_KEYS[case](dict(sandbox.key.public_jwk()))})
        sandbox.faults.add("answer", keys, on="jwks", times=2)
        assert visitor.log_in("oidc", "pc").json()["code"] == "provider_unsigned"
        assert sandbox.called("jwks") == 2
        assert visitor.log_in("oidc", "pc").json()["code"] == "provider_unsigned"
        assert running_shop.rows("es_member") == []
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        assert visitor.log_in("oidc", "pc").status_code == 303
        sandbox.faults.add("answer", keys, on="jwks")
        sandbox.faults.add("unknown_key", on="token")
        for _ in range(2):
            assert visitor.log_in("oidc", "pc").json()["code"] == "provider_unsigned"


def test_a_flood_of_strange_log_outs_asks_for_keys_twice() -> None:
    """Anybody may post one; members whose tokens have a known key log in meanwhile."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        assert visitor.log_in("oidc", "pc").status_code == 303
        for number in range(40):
            token = sandbox.sign_logout_token({"kid": f"k{number}"}, sub=sandbox.subject("lihua"))
            told = visitor.http.post("/connect/oidc/backchannel-logout", data={"logout_token": token})
            assert told.status_code == 400
        assert sandbox.called("jwks") == 2
        assert visitor.log_in("oidc", "pc").status_code == 303


def test_code_injected_into_another_flow() -> None:
    """A code of somebody else's flow fails on its verifier, and logs nobody in."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as victim, Visitor(running_shop) as attacker:
        stolen = victim.consent(victim.begin("oidc", "pc"), "lihua")
        callback = attacker.consent(attacker.begin("oidc", "pc"), "maria")
        [code] = [value for name, value in _query(stolen) if name == "code"]
        [mine] = [value for name, value in _query(callback) if name == "code"]
        answer = attacker.http.get(callback.replace(mine, code))
        assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")
        assert running_shop.rows("es_member") == []
        assert sandbox.called("token") == 1


def test_challenge_stripped_on_the_way() -> None:
    """Without its challenge the provider refuses the verifier, which is sent all the same."""
    with staged() as (running_shop, _), Visitor(running_shop) as visitor:
        login_url = visitor.begin("oidc", "pc")
        kept = "&".join(part for part in login_url.split("&") if not part.startswith("code_challenge"))
        answer = visitor.http.get(visitor.consent(kept))
        assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")


def test_mix_up() -> None:
    """FAPI: a response of another issuer, or of none, stops before the token call."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        for change in (lambda url: url.replace("&iss=", "&iss=x"), lambda url: url.partition("&iss=")[0]):
            callback = visitor.consent(visitor.begin("oidc", "pc"))
            pairs = dict(_query(callback))
            assert pairs["iss"] == sandbox.issuer
            ordered = f"{callback.partition('?')[0]}?state={pairs['state']}&code={pairs['code']}&iss={pairs['iss']}"
            assert visitor.http.get(change(ordered)).json()["code"] == "provider_bad_response"
        assert sandbox.called("token") == 0


def test_union_type_and_title_come_from_the_configuration() -> None:
    """The provider's NAME in upper case is the namespace; two instances are two namespaces."""

    def change(raw: dict[str, Any]) -> None:
        raw["providers"] = {name: {**raw["providers"]["oidc"]} for name in ("keycloak", "logto")}
        raw["providers"]["logto"] |= {"title": {"zh": "逻途", "en": "Logto"}}
        raw["clients"] = {"pc": ["keycloak", "logto"]}

    with run_shop({"oidc": PlainOidcSandbox()}, change=change) as running_shop, Visitor(running_shop) as visitor:
        for name in ("keycloak", "logto"):
            assert visitor.log_in(name, "pc").status_code == 303
        assert [row["union_type"] for row in running_shop.rows("es_connect")] == ["KEYCLOAK", "LOGTO"]
        assert {row["union_scope"] for row in running_shop.rows("es_connect")} == {
            running_shop.sandboxes["oidc"].issuer
        }  # type: ignore[attr-defined]
        shown = visitor.http.get("/connect/providers?client=pc&lang=en").json()
        assert [entry["name"] for entry in shown] == ["KEYCLOAK", "Logto"]


def test_refusal_with_form_post() -> None:
    """OIDF form-post-error: a refusal that comes by POST is shown as a refusal."""
    with staged() as (running_shop, sandbox), Visitor(running_shop) as visitor:
        login_url = f"{visitor.begin('oidc', 'pc')}&response_mode=form_post"
        callback = visitor.consent(login_url, decision="refuse")
        answer: httpx.Response = visitor.http.get(callback)
        assert (answer.status_code, answer.json()["code"]) == (400, "provider_denied")
        assert visitor.http.get(visitor.consent(f"{visitor.begin('oidc', 'pc')}&response_mode=form_post")).is_redirect
        assert sandbox.called("token") == 1


def test_front_end_hands_the_sender_on() -> None:
    """A page of the shop's own posts what came back, `iss` among it, and gets tokens."""
    with staged() as (running_shop, _), Visitor(running_shop) as visitor:
        page = f"{running_shop.url}/done"
        begun = visitor.http.post("/connect/oidc/pc/login-url", json={"redirect_uri": page}).json()
        back = dict(_query(visitor.consent(begun["login_url"])))
        login = visitor.http.post("/connect/oidc/pc/token", json=back)
        assert login.status_code == 200
        assert visitor.who(login) is not None


def _query(url: str) -> list[tuple[str, str]]:
    return list(httpx.URL(url).params.multi_items())


class SigningSandbox(PlainOidcSandbox):
    """Its user-info is a signed JWT."""

    signs_userinfo = True


class TestContractWithSignedUserinfo(TestContract):
    """User-info as OpenID Connect Core §5.3.2 has it."""

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Return the sandbox in that mode."""
        return SigningSandbox()


@pytest.mark.parametrize("kind", ["unsigned", "wrong_sign", "unknown_key"])
def test_forged_user_info_ends_the_login(kind: str) -> None:
    """A JWT that the provider did not sign is 502, and nobody is registered."""
    with staged(SigningSandbox()) as (shop, sandbox), Visitor(shop) as visitor:
        sandbox.faults.add(kind, on="userinfo")
        assert visitor.log_in("oidc", "pc", "lihua").json()["code"] == "provider_unsigned"
        assert not shop.rows("es_member")
        assert visitor.who(visitor.log_in("oidc", "pc", "lihua"))
