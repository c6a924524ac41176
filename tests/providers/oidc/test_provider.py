"""The base provider of OpenID providers: what is asked of them and how, and whose profile is believed."""

import base64
import json
import traceback
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ValidationError

from connect_core.crypto import SigningKey, VerificationKey
from connect_core.errors import (
    CodeInvalid,
    ContradictingAnswer,
    ProviderBadResponse,
    ProviderConfig,
    ProviderFault,
    SettingsError,
)
from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.providers.oidc import OidcProvider
from connect_core.sandbox import read_jwt

from ...kit.openid import (
    ACCESS,
    CALLBACK,
    CLIENT,
    CODE,
    EC,
    ISSUER,
    NONCE,
    NOW,
    RSA,
    SECRET,
    VERIFIER,
    Acme,
    Vendor,
    hand_in,
    log_in,
    log_in_with,
    make,
    request,
    token,
)

BY_KEY = {"client_secret": None, "private_key": EC.pkcs8_pem(), "key_id": "key-7"}


def query(url: str) -> dict[str, str]:
    """Return a URL's parameters, each name once."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


async def begin(vendor: Vendor | None = None, client: ClientType = ClientType.PC, **settings: Any) -> str:
    """Begin a login."""
    return await make(vendor, **settings).get_login_url(request(client))


async def token_call(vendor: Vendor, **settings: Any) -> tuple[dict[str, str], str]:
    """Log in and return the form of the token call and its authorization header."""
    await log_in(make(vendor, **settings))
    [call] = [asked for asked in vendor.requests if asked.url.path == "/token"]
    return dict(parse_qsl(call.content.decode())), call.headers.get("authorization", "")


async def profile_of(identity: Identity, vendor: Vendor, **settings: Any) -> Profile | None:
    """Ask for the profile."""
    return (await make(vendor, **settings).fetch_profile(identity)).profile


async def test_authorization_request_is_the_standards() -> None:
    """Core §3.1.2.1 with nonce and code challenge, every value encoded once, and no secret."""
    assert await begin() == (
        f"{ISSUER}/authorize?response_type=code&client_id=c-1&redirect_uri=https%3A%2F%2Fshop.example%2Fcb"
        f"&scope=openid%20profile&state={'Ab1' * 10}&nonce={NONCE}"
        "&code_challenge=ch4llenge&code_challenge_method=S256"
    )


async def test_scope_is_the_configured_one() -> None:
    """Only what is configured is asked for; `openid` must be among it."""
    assert query(await begin(scope="openid email"))["scope"] == "openid email"
    with pytest.raises(SettingsError, match="scope: openid"):
        make(scope="profile email")


async def test_authorization_endpoint_may_have_a_query() -> None:
    """RFC 6749 §3.1: it is kept."""
    vendor = Vendor(discovery={"authorization_endpoint": f"{ISSUER}/authorize?p=login"})
    assert query(await begin(vendor))["p"] == "login"


@pytest.mark.parametrize(
    ("pkce", "methods", "is_sent"),
    [
        ("auto", ["plain", "S256"], True),
        ("auto", ["plain"], False),
        ("auto", None, False),
        ("auto", "S256", False),
        ("force", None, True),
        ("never", ["S256"], False),
    ],
)
async def test_code_challenge(pkce: str, methods: object, *, is_sent: bool) -> None:
    """`auto` sends S256 where the provider says so, `force` always; the verifier goes where the challenge went."""
    vendor = Vendor(discovery={"code_challenge_methods_supported": methods})
    asked = query(await begin(vendor, pkce=pkce))
    assert ("code_challenge" in asked) is ("code_challenge_method" in asked) is is_sent
    form, _ = await token_call(vendor, pkce=pkce)
    assert form.get("code_verifier") == (VERIFIER if is_sent else None)


@pytest.mark.parametrize(
    ("names_itself", "sender", "is_taken"),
    [
        (None, None, True),
        (None, ISSUER, True),
        (None, "https://evil.example", False),
        (True, ISSUER, True),
        (True, None, False),
        (True, f"{ISSUER}/", False),
        (True, "", False),
        ("true", None, True),
    ],
)
async def test_sender_of_the_response(names_itself: object, sender: str | None, *, is_taken: bool) -> None:
    """RFC 9207: `iss` is there where it is announced, and right wherever it is; else nobody is called."""
    vendor = Vendor(discovery={"authorization_response_iss_parameter_supported": names_itself})
    parameters = {} if sender is None else {"iss": sender}
    if is_taken:
        assert await log_in(make(vendor), **parameters)
        return
    with pytest.raises(ProviderBadResponse):
        await log_in(make(vendor), **parameters)
    assert vendor.count("token") == 0


async def test_secret_in_the_header() -> None:
    """`client_secret_basic` is the standard's default."""
    form, header = await token_call(Vendor(), client_secret="a b:ü")
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == "c-1:a+b%3A%C3%BC"
    assert form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


@pytest.mark.parametrize(
    ("methods", "configured"), [(["client_secret_post"], None), (["client_secret_basic"], "client_secret_post")]
)
async def test_secret_in_the_form(methods: list[str], configured: str | None) -> None:
    """`client_secret_post`, where the provider takes nothing else or the configuration says so."""
    vendor = Vendor(discovery={"token_endpoint_auth_methods_supported": methods})
    form, header = await token_call(vendor, token_endpoint_auth_method=configured)
    assert (form["client_id"], form["client_secret"], header) == (CLIENT, SECRET, "")


async def test_no_secret() -> None:
    """A public client says that it is one, and sends its id alone."""
    form, header = await token_call(Vendor(), client_secret=None, token_endpoint_auth_method="none")
    assert (form["client_id"], "client_secret" in form, header) == (CLIENT, False, "")


@pytest.mark.parametrize("key", [EC, RSA])
async def test_signed_assertion(key: SigningKey) -> None:
    """`private_key_jwt` (RFC 7523 §3): for the issuer alone, for a minute, each with its own id."""
    vendor, seen = Vendor(), set()
    for _ in range(3):
        vendor.requests.clear()
        form, header = await token_call(vendor, **{**BY_KEY, "private_key": key.pkcs8_pem()})
        claims = read_jwt(form["client_assertion"], key)
        seen.add(claims.pop("jti"))
        assert claims == {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": NOW, "exp": NOW + 60}
        head = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[0] + "=="))
        assert head == {"alg": key.algorithm, "typ": "JWT", "kid": "key-7"}
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert (header, "client_secret" in form) == ("", False)
    assert len(seen) == 3
    assert VerificationKey.find(key.public_jwk())


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"client_secret": None}, "client_secret"),
        ({"client_secret": None, "token_endpoint_auth_method": "client_secret_post"}, "client_secret"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "private_key"),
        ({"private_key": "nonsense"}, "private_key"),
        ({"private_key": SigningKey.generate("ES256").public_pem()}, "private_key"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], key: str) -> None:
    """Start-up names the key, never its value."""
    with pytest.raises(SettingsError) as caught:
        make(**settings)
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [key]
    assert "nonsense" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "settings",
    [
        {"claims": {"user_id": "id"}},
        {"claims": {"nick": "name"}},
        {"pkce": "plain"},
        {"client_id": ""},
        {"algorithms": ["none"]},
        {"token_endpoint_auth_method": "client_secret_jwt"},
    ],
)
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    """The id is `sub`; nothing weaker than what is listed can be configured."""
    with pytest.raises(ValidationError):
        make(**settings)


async def test_user_info_is_about_the_person() -> None:
    """Its `sub` equals the ID token's (Core §5.3.2): another one fails the login, none leaves it without a profile."""
    vendor = Vendor()
    identity = await log_in(make(vendor))
    assert (identity.profile, identity.grant) == (None, ACCESS)
    told = await profile_of(identity, vendor)
    assert told is not None
    assert told.nickname == "Li Hua"
    assert vendor.requests[-1].headers["authorization"] == f"Bearer {ACCESS}"
    assert ACCESS not in str(vendor.requests[-1].url)
    for wrong in ({"name": "x"}, {"sub": ["person-1"]}, {"sub": ""}, b"<html>", {"sub": "person-2", "name": "x"}):
        vendor.documents["userinfo"] = wrong
        with pytest.raises(ProviderBadResponse) as caught:
            await profile_of(identity, vendor)
        assert isinstance(caught.value, ContradictingAnswer) == ("person-2" in str(wrong))


async def test_profile_in_the_id_token_saves_a_call() -> None:
    """What the token names is not asked for again."""
    vendor = Vendor()
    identity = await log_in_with(token(name="Li Hua", picture="https://img.example/1.png"), vendor)
    assert identity.profile == Profile(nickname="Li Hua", face="https://img.example/1.png")
    assert await profile_of(identity, vendor) == identity.profile
    assert vendor.count("userinfo") == 0


async def test_no_user_info_leaves_the_login_standing() -> None:
    """A provider without that endpoint has no profile to tell."""
    vendor = Vendor(discovery={"userinfo_endpoint": None})
    identity = await log_in(make(vendor))
    assert await profile_of(identity, vendor) is None
    assert await profile_of(replace(identity, grant=""), Vendor()) is None


async def test_claims_are_mapped() -> None:
    """Our field = theirs, by path; what is not mapped keeps its standard place."""
    told = {"sub": "person-1", "who": {"display": "李华"}, "name": "x", "picture": "https://img.example/1.png"}
    vendor = Vendor(userinfo=told | {"gender": "female", "address": {"region": "浙江"}})
    identity = await log_in(make(vendor))
    profile = await profile_of(identity, vendor, claims={"nickname": "who.display", "province": "address.region"})
    assert profile == Profile(nickname="李华", face="https://img.example/1.png", sex=0, province="浙江")


@pytest.mark.parametrize(
    ("verified", "as_text", "is_believed"),
    [
        (True, False, True),
        ("true", False, False),
        ("true", True, True),
        (False, True, False),
        ("false", True, False),
        (None, True, False),
        (1, True, False),
        ("True", True, False),
    ],
)
async def test_verified_is_a_boolean(verified: object, *, as_text: bool, is_believed: bool) -> None:
    """A phone number counts where the vendor vouches for it; the text `true` does where the class says so."""
    vendor = Vendor(userinfo={"sub": "person-1", "phone_number": "+8613800000001", "phone_number_verified": verified})
    kind = type("Texts", (Acme,), {"text_booleans": as_text})
    told = (await make(vendor, kind=kind).fetch_profile(await log_in(make(vendor)))).profile
    assert told is not None
    assert told.mobile == ("+8613800000001" if is_believed else "")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"access_token": ACCESS, "token_type": "Bearer"}, ProviderBadResponse),
        ({"id_token": token()}, ProviderBadResponse),
        ({"error": "invalid_grant"}, CodeInvalid),
        ({"error": "invalid_client", "id_token": token(), "access_token": ACCESS}, ProviderConfig),
        ({"access_token": {"a": 1}, "id_token": token()}, ProviderBadResponse),
        (b"<html>", ProviderBadResponse),
    ],
)
async def test_token_answers(answer: object, fault: type[Exception]) -> None:
    """Errors are mapped; without an ID token or an access token nobody logs in."""
    with pytest.raises(fault):
        await log_in(make(Vendor(token=answer)))


@pytest.mark.parametrize("extra", [{"token_type": "bEARER"}, {"expires_in": None}, {"expires_in": "soon"}])
async def test_odd_token_answers(extra: dict[str, Any]) -> None:
    """The type's case and the life of a token that we do not keep are let pass."""
    vendor = Vendor()
    vendor.documents["token"] |= extra
    assert await log_in(make(vendor))


async def test_refused_token_asks_for_no_profile_and_tells_nothing() -> None:
    """No user-info call; neither the token, the code nor the access token stands in the error."""
    vendor, wrong = Vendor(), token(nonce="another")
    with pytest.raises(ProviderFault) as caught:
        await log_in_with(wrong, vendor)
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert not [secret for secret in (wrong, CODE, ACCESS, SECRET, NONCE, VERIFIER) if secret in told]
    assert vendor.count("userinfo") == 0


async def test_credential_begins_with_its_nonce() -> None:
    """An app's SDK takes the nonce; nobody is called for it."""
    vendor = Vendor()
    assert await begin(vendor, ClientType.APP) == NONCE
    assert vendor.requests == []


async def test_credential_asks_for_keys_alone() -> None:
    """No token call, no user-info: the ID token is all there is."""
    vendor = Vendor()
    identity = await hand_in(token(name="Li Hua"), vendor)
    assert (identity.ids, identity.grant) == ((PersonId.union_id("person-1", ISSUER),), "")
    assert [asked.url.path for asked in vendor.requests] == ["/.well-known/openid-configuration", "/jwks"]


async def test_two_issuers_are_two_people() -> None:
    """The same subject at another issuer is somebody else."""
    other = "https://id2.example"
    vendor = Vendor(discovery={"issuer": other})
    ids = {(await log_in_with(token())).ids, (await log_in_with(token(iss=other), vendor, issuer=other)).ids}
    assert len(ids) == 2


async def test_class_of_its_own_stays_small() -> None:
    """A vendor on the base provider is its literals; another person than it wants is refused by them."""

    class Staff(Acme):
        authorize = {"prompt": "login"}
        scope = "openid"

    provider: OidcProvider = make(kind=Staff)
    asked = query(await provider.get_login_url(request()))
    assert (asked["prompt"], asked["scope"]) == ("login", "openid")
