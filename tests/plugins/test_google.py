"""Google: two names for one issuer, Workspace domains, ID tokens of apps and One Tap."""

from typing import ClassVar

import httpx
import pytest

from connect_core.errors import ProviderBadResponse, ProviderDenied
from connect_core.identity import ClientType, PersonId
from connect_core.plugin import RequiredBrowser
from connect_core.testing import ProviderContract, RunningShop, Visitor, run_shop
from connect_google import GoogleProvider, OneTapProvider
from connect_google.sandbox import GoogleSandbox, OneTapSandbox
from connect_line.sandbox import LineSandbox

from ..kit.openid import CLIENT, NONCE, NOW, Vendor, hand_in, log_in_with, token

ISSUER = "https://accounts.google.com"
# https://accounts.google.com/.well-known/openid-configuration
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
    "token_endpoint": "https://oauth2.googleapis.com/token",
    "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
    "jwks_uri": "https://www.googleapis.com/oauth2/v3/jwks",
    "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    "code_challenge_methods_supported": ["plain", "S256"],
}
# https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
CLAIMS = {
    "iss": ISSUER,
    "azp": CLIENT,
    "aud": CLIENT,
    "sub": "10769150350006150715113082367",
    "hd": "example.com",
    "email": "jsmith@example.com",
    "email_verified": True,
    "iat": NOW,
    "exp": NOW + 3600,
    "nonce": NONCE,
    "name": "J Smith",
    "picture": "https://lh3.googleusercontent.com/a/photo",
}
PERSON = PersonId.union_id("10769150350006150715113082367", ISSUER)


class Google(GoogleProvider):
    """Google at the time of the documented token."""

    now = staticmethod(lambda: float(NOW))


def google() -> Vendor:
    """Google's documented answers."""
    return Vendor(discovery=DOCUMENT)


@pytest.mark.parametrize(("issuer", "refused"), [(ISSUER, RequiredBrowser.BROWSER), ("http://127.0.0.1:9000", None)])
def test_an_apps_own_browser_is_refused(issuer: str, refused: RequiredBrowser | None) -> None:
    """Google answers `disallowed_useragent` in web views, its sandbox does not; browsers work.

    https://developers.google.com/identity/protocols/oauth2/policies#browsers
    """
    settings = GoogleProvider.Settings(client_id="c", client_secret="s", issuer=issuer)
    provider = GoogleProvider(settings, None)
    view = "Mozilla/5.0 (Linux; Android 14; K; wv) AppleWebKit/537.36 Version/4.0 Chrome/140.0 Mobile Safari/537.36"
    for client_type in (ClientType.PC, ClientType.H5):
        assert provider.find_required_browser(client_type, view) is refused
        assert provider.find_required_browser(client_type, f"{view} Line/14.9.0") is refused
        assert provider.find_required_browser(client_type, view.replace("; wv", "")) is None


async def test_documented_token_names_a_person() -> None:
    """The profile stands in the ID token, so that nothing else is asked for."""
    vendor = google()
    identity = await log_in_with(token(**CLAIMS), vendor, kind=Google, issuer=ISSUER)
    assert identity.ids == (PERSON,)
    assert identity.profile is not None
    assert (identity.profile.nickname, identity.profile.mobile) == ("J Smith", "")
    assert vendor.count("userinfo") == 0


@pytest.mark.parametrize("issuer", [ISSUER, "accounts.google.com"])
async def test_two_names_are_one_issuer(issuer: str) -> None:
    """Both stand for the same person; the id's scope is the configured one."""
    assert (await log_in_with(token(**{**CLAIMS, "iss": issuer}), google(), kind=Google, issuer=ISSUER)).ids == (
        PERSON,
    )


@pytest.mark.parametrize("issuer", ["http://accounts.google.com", "accounts.google.com/", "google.com", "https://"])
async def test_no_third_name(issuer: str) -> None:
    """Nothing else does."""
    with pytest.raises(ProviderBadResponse):
        await log_in_with(token(**{**CLAIMS, "iss": issuer}), google(), kind=Google, issuer=ISSUER)


async def test_workspace_domain_is_checked_in_the_token() -> None:
    """`hd` of the request is a hint; the claim decides."""
    options = {"kind": Google, "issuer": ISSUER, "hd": "example.com"}
    assert await log_in_with(token(**CLAIMS), google(), **options)
    for hd in (None, "evil.example", "EXAMPLE.com"):
        with pytest.raises(ProviderDenied):
            await log_in_with(token(**{**CLAIMS, "hd": hd}), google(), **options)


async def test_token_of_an_android_app() -> None:
    """Its audience is the web client, its party the app's own client, which must be one of ours."""
    android = token(**{**CLAIMS, "azp": "android-client"})
    assert (await hand_in(android, google(), kind=Google, issuer=ISSUER, audiences=("android-client",))).ids == (
        PERSON,
    )
    with pytest.raises(ProviderBadResponse):
        await hand_in(android, google(), kind=Google, issuer=ISSUER)


class TestContract(ProviderContract):
    """The profile comes with the ID token."""

    plugin = "google"
    token_operation = "token"
    untrusted = ("missing_id", "wrong_nonce", "unsigned", "wrong_sign", "unknown_key", "repeated_name")
    refusals: ClassVar = {"invalid_grant": "code_invalid", "invalid_client": "provider_config"}


class TestOneTapContract(ProviderContract):
    """The page hands in an ID token; Google is asked for its keys alone."""

    plugin = "google-one-tap"
    untrusted = ("missing_id", "wrong_nonce", "unsigned", "wrong_sign", "unknown_key", "repeated_name")
    refusals: ClassVar = {}


def test_both_sandboxes_know_the_same_people() -> None:
    """In the demo, too, One Tap and the redirect log the same member in."""
    assert OneTapSandbox().subject("lihua") == GoogleSandbox().subject("lihua") != GoogleSandbox().subject("maria")


def code_of(answer: httpx.Response) -> str:
    """The code of a refusal."""
    return str(answer.json()["code"])


def hand(visitor: Visitor, body: dict[str, str]) -> httpx.Response:
    """Post to the app's token route."""
    return visitor.http.post("/connect/google/app/token", json=body)


def sandbox_of(shop: RunningShop) -> GoogleSandbox:
    """Google's sandbox."""
    sandbox = shop.sandboxes["google"]
    assert isinstance(sandbox, GoogleSandbox)
    return sandbox


def test_token_and_ticket_are_used_once() -> None:
    """The ticket holds the nonce: without it, with another's, or a second time, no token logs anybody in."""
    with run_shop({"google": GoogleSandbox()}) as shop, Visitor(shop) as visitor:
        first, second = (visitor.client_parameters("google", "app") for _ in range(2))
        assert code_of(hand(visitor, {"id_token": first["id_token"]})) == "state_missing"
        third, fourth = (visitor.client_parameters("google", "app") for _ in range(2))
        assert code_of(hand(visitor, {**third, "ticket": second["ticket"]})) == "provider_bad_response"
        assert code_of(hand(visitor, {**second, "ticket": "x.y"})) == "state_invalid"
        assert code_of(hand(visitor, {"ticket": fourth["ticket"]})) == "code_missing"
        assert hand(visitor, fourth).status_code == 200
        assert code_of(hand(visitor, fourth)) == "code_seen"
        fresh = visitor.client_parameters("google", "app")
        assert code_of(hand(visitor, {**fresh, "ticket": fourth["ticket"]})) == "state_invalid"
        assert len(shop.rows("es_member")) == 1


def test_token_of_a_refused_request_is_dead() -> None:
    """Who saw it in a request that was refused cannot use it, with the right ticket either."""
    with run_shop({"google": GoogleSandbox()}) as shop, Visitor(shop) as visitor:
        body = visitor.client_parameters("google", "app")
        assert code_of(hand(visitor, {"id_token": body["id_token"]})) == "state_missing"
        assert code_of(hand(visitor, body)) == "code_seen"


def test_access_tokens_are_not_taken() -> None:
    """An app that hands in an access token or the person's id hands in nothing."""
    with run_shop({"google": GoogleSandbox()}) as shop, Visitor(shop) as visitor:
        ticket = visitor.client_parameters("google", "app")["ticket"]
        for body in ({"access_token": "x"}, {"sub": "x"}, {"code": "x"}, {"id_token": ""}):
            assert code_of(hand(visitor, {**body, "ticket": ticket})) == "code_missing"
        assert code_of(hand(visitor, {"id_token": "not.a.token", "ticket": ticket})) == "provider_bad_response"


def test_one_tap_and_redirect_are_one_person() -> None:
    """The page that shows One Tap logs the same member in, with tokens and without a cookie."""

    def change(raw: dict[str, object]) -> None:
        settings = raw["providers"]["google"]["pc"]  # type: ignore[index]
        raw["providers"] = {"google": {"pc": settings}, "google-one-tap": {"pc": settings}}
        raw["clients"] = {"pc": ["google", "google-one-tap"]}

    sandbox = GoogleSandbox()
    with run_shop({"google": sandbox}, change=change) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("google", "pc").status_code == 303
        begun = visitor.http.post("/connect/google-one-tap/pc/login-url", json={}).json()
        body = sandbox.client_parameters(ClientType.PC, "lihua", begun["login_url"])
        visitor.http.cookies.clear()
        login = visitor.http.post("/connect/google-one-tap/pc/token", json={**body, "ticket": begun["ticket"]})
        assert (login.status_code, "set-cookie" in login.headers) == (200, False)
        assert len(shop.rows("es_member")) == len(shop.rows("es_connect")) == 1
        shown = visitor.http.get("/connect/providers?client=pc").json()
        assert [entry["login_url"] for entry in shown] == ["/connect/google/pc/login", None]
        assert OneTapProvider.union_type == "GOOGLE"


@pytest.mark.parametrize("select_by", ["user", "btn", "fedcm", "fedcm_auto"])
def test_a_page_may_post_the_whole_answer_of_googles_script(select_by: str) -> None:
    """The browser's own window (FedCM) gives the same ID token; what else the script tells is passed over.

    https://developers.google.com/identity/gsi/web/reference/js-reference#CredentialResponse
    """
    sandbox = OneTapSandbox()
    with run_shop({"google-one-tap": sandbox}) as shop, Visitor(shop) as visitor:
        begun = visitor.http.post("/connect/google-one-tap/pc/login-url", json={}).json()
        token = sandbox.client_parameters(ClientType.PC, "lihua", begun["login_url"])["id_token"]
        answer = {"credential": token, "select_by": select_by, "clientId": sandbox.client_id}
        body = {**answer, "id_token": token, "ticket": begun["ticket"]}
        assert visitor.http.post("/connect/google-one-tap/pc/token", json=body).status_code == 200


def test_app_binds_with_its_token() -> None:
    """A member who is logged in otherwise binds Google by ID token and ticket."""
    with run_shop({"google": GoogleSandbox(), "line": LineSandbox()}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("line", "pc").status_code == 303
        begun = visitor.http.post("/connect/google/app/bind", json={}).json()
        body = sandbox_of(shop).client_parameters(ClientType.APP, "lihua", begun["login_url"])
        bound = visitor.http.post("/connect/google/app/bind", json={**body, "ticket": begun["ticket"]})
        assert bound.json() == {"union_type": "GOOGLE"}
        assert visitor.http.get("/connect/me").json()["connections"] == ["LINE", "GOOGLE"]
