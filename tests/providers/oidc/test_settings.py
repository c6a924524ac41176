"""What an operator may set of an OpenID provider: addresses, parameters, algorithms and the assertion's audience."""

import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from pydantic import ValidationError

from connect_core.crypto import SecretKey, SigningKey, encode_part
from connect_core.errors import ProviderBadResponse, ProviderUnsigned, SettingsError
from connect_core.identity import VendorSession
from connect_core.providers.oidc import OidcProvider
from connect_core.providers.oidc.id_token import SKEW
from connect_core.sandbox import read_jwt

from ...kit.openid import (
    ACCESS,
    BODY,
    CLIENT,
    DOCUMENT,
    EC,
    ISSUER,
    NOW,
    RSA,
    SECRET,
    Vendor,
    hand_in,
    log_in,
    log_in_with,
    make,
    refused,
    request,
    sign,
    token,
)

ED = SigningKey.generate("EdDSA", "ed-1")
BY_KEY = {"client_secret": None, "private_key": EC.pkcs8_pem(), "key_id": "key-7"}
BY_HAND = {name: DOCUMENT[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}


async def get_query(vendor: Vendor | None = None, **settings: Any) -> dict[str, str]:
    """Begin a login and return the parameters of the provider's page."""
    url = await make(vendor, **settings).get_login_url(request())
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


async def get_token_call(vendor: Vendor, **settings: Any) -> httpx.Request:
    """Log in and return the token call."""
    await log_in(make(vendor, **settings))
    [call] = [asked for asked in vendor.requests if asked.method == "POST"]
    return call


async def test_further_parameters() -> None:
    """They are in the request as texts, and those of the class give way to them."""

    class Prompting(OidcProvider):
        union_type = "ACME"
        titles = {"en": "Acme"}
        authorize = {"prompt": "login", "hd": "a.example"}

    parameters = {"prompt": "select_account", "login_hint": "a+b@c.example", "max_age": 3600, "kc_flag": True}
    asked = await get_query(kind=Prompting, authorize_parameters=parameters)
    assert (asked["prompt"], asked["login_hint"], asked["hd"]) == ("select_account", "a+b@c.example", "a.example")
    assert (asked["max_age"], asked["kc_flag"]) == ("3600", "true")
    assert asked["state"]
    assert asked["nonce"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"state": "mine"},
        {"nonce": "mine"},
        {"redirect_uri": "https://evil.example"},
        {"client_id": "c-2"},
        {"response_type": "token"},
        {"scope": "openid"},
        {"code_challenge": "x"},
        {"code_challenge_method": "plain"},
        {"request": "a.b.c"},
        {"request_uri": "https://evil.example"},
        {"response_mode": "fragment"},
        {"max_age": "soon"},
        {"max_age": -1},
        {"prompt": ["login"]},
        {"prompt": 1.5},
        {"prompt": None},
        "prompt=login",
    ],
)
async def test_parameters_that_are_refused(parameters: object) -> None:
    """What protects the login, or would lead its answer past this service, is refused at start-up."""
    with pytest.raises(ValidationError, match="authorize_parameters"):
        make(authorize_parameters=parameters)


@pytest.mark.parametrize(
    ("auth_time", "is_taken"),
    [(NOW, True), (NOW - 600 - SKEW, True), (NOW - 601 - SKEW, False), (None, False), ("now", False)],
)
async def test_max_age_is_checked(auth_time: object, *, is_taken: bool) -> None:
    """OpenID Connect Core §3.1.2.1: a provider that was asked for `max_age` says when the person logged in there."""
    id_token, settings = token(auth_time=auth_time), {"authorize_parameters": {"max_age": 600}}
    if is_taken:
        assert await log_in_with(id_token, **settings)
        return
    await refused(id_token, **settings)
    assert await log_in_with(id_token)
    assert await hand_in(token(auth_time=auth_time), **settings)  # the SDK of an app was asked for nothing


async def test_eddsa() -> None:
    """Ed25519 signs like any other key, and its digest is SHA-512."""
    vendor = Vendor(jwks={"keys": [RSA.public_jwk(), ED.public_jwk()]})
    digest = hashlib.sha512(ACCESS.encode()).digest()
    for algorithm in ("EdDSA", "Ed25519"):
        assert await log_in_with(token(key=ED, alg=algorithm, at_hash=encode_part(digest[:32])), vendor)
    with pytest.raises(ProviderBadResponse, match="at_hash"):
        await log_in_with(token(key=ED, at_hash=encode_part(digest[:16])), vendor)


@pytest.mark.parametrize(
    ("algorithms", "key", "is_taken"),
    [
        (["RS256"], RSA, True),
        (["ES256"], RSA, False),
        (["ES256", "RS256"], EC, True),
        (["EdDSA"], EC, False),
        (["PS256"], RSA, False),
    ],
)
async def test_algorithms_by_name(algorithms: list[str], key: SigningKey, *, is_taken: bool) -> None:
    """Those of the settings replace the class's, for the code's token and for an app's."""
    settings = {"id_token_algorithms": algorithms}
    if is_taken:
        assert await log_in_with(token(key=key), **settings)
        assert await hand_in(token(key=key), **settings)
        return
    await refused(token(key=key), ProviderUnsigned, **settings)
    with pytest.raises(ProviderUnsigned, match=f"alg {key.algorithm} .* id_token_algorithms"):
        await hand_in(token(key=key), **settings)


async def test_hs256_by_name() -> None:
    """It is keyed with the client secret, and taken only where the settings or the class name it."""
    id_token = sign('{"alg":"HS256"}', BODY, lambda data: SecretKey(SECRET).sign("HS256", data))
    assert await log_in_with(id_token, id_token_algorithms=["HS256"])
    await refused(id_token, ProviderUnsigned)
    await refused(id_token, ProviderUnsigned, id_token_algorithms=["RS256"])


@pytest.mark.parametrize("secret", ["x" * 31, "é" * 15, None])
async def test_hs256_wants_a_long_secret(secret: str | None) -> None:
    """RFC 7518 §3.2: 32 bytes, else the secret can be guessed from one token; start-up says so."""
    settings = {"client_secret": secret, "private_key": EC.pkcs8_pem()}
    with pytest.raises(SettingsError, match=r"client_secret: HS256 .* 32 bytes"):
        make(**settings, id_token_algorithms=["HS256", "RS256"])
    assert make(**settings, id_token_algorithms=["RS256"])
    assert make(**settings)
    assert make(client_secret="é" * 16, id_token_algorithms=["HS256"])


@pytest.mark.parametrize("algorithms", [[], ["none"], ["RS1"], ["rs256"], ["HS512"], "RS256"])
async def test_algorithms_that_are_refused(algorithms: object) -> None:
    """An empty list, `none` and unknown names end start-up."""
    with pytest.raises(ValidationError, match="id_token_algorithms"):
        make(id_token_algorithms=algorithms)


@pytest.mark.parametrize(
    ("setting", "audience"),
    [
        (None, ISSUER),
        ("issuer", ISSUER),
        ("token_endpoint", f"{ISSUER}/token"),
        ("https://id.example/oauth2/v1", "https://id.example/oauth2/v1"),
    ],
)
async def test_audience_of_the_assertion(setting: str | None, audience: str) -> None:
    """RFC 7523 §3: the issuer, the token endpoint, or what else the provider wants to read there."""
    call = await get_token_call(
        Vendor(), **BY_KEY, **({} if setting is None else {"client_assertion_audience": setting})
    )
    form = dict(parse_qsl(call.content.decode()))
    assert read_jwt(form["client_assertion"], EC)["aud"] == audience


async def test_discovery_document_elsewhere() -> None:
    """`discovery_url` is fetched as it is, and must still name the issuer."""
    vendor = Vendor()
    address = f"{ISSUER}/tenants/shop/openid-configuration"
    call = await get_token_call(vendor, discovery_url=address)
    assert [str(asked.url) for asked in vendor.requests if "openid-configuration" in str(asked.url)] == [address]
    assert str(call.url) == f"{ISSUER}/token"
    with pytest.raises(ProviderBadResponse, match="issuer"):
        await get_query(Vendor(discovery={"issuer": "https://evil.example"}), discovery_url=address)


async def test_endpoints_by_hand() -> None:
    """With all three nobody is asked for a document; a challenge is sent unless `pkce` says never."""
    vendor = Vendor()
    asked = await get_query(vendor, **BY_HAND)
    assert asked["code_challenge"]
    assert "code_challenge" not in await get_query(vendor, **BY_HAND, pkce="never")
    identity = await log_in(make(vendor, **BY_HAND, userinfo_endpoint=DOCUMENT["userinfo_endpoint"]))
    assert identity.strongest.scope == ISSUER
    assert vendor.count("openid-configuration") == 0


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_one_endpoint_by_hand(name: str) -> None:
    """It replaces the document's, even one that is no address for us; the others stay."""
    other = f"https://10.0.0.7/inner/{DOCUMENT[name].rpartition('/')[2]}"
    vendor = Vendor(discovery={name: "http://id.example/x"})
    provider = make(vendor, **{name: other})
    page = await provider.get_login_url(request())
    await log_in(provider)
    addresses = [page.partition("?")[0], *(str(asked.url) for asked in vendor.requests)]
    assert {address for address in addresses if "10.0.0.7" in address} == {other}
    assert vendor.count("openid-configuration") == 1


@pytest.mark.parametrize("address", ["http://id.example/x", "/x", "ftp://id.example/x", "https://u@id.example/x", ""])
@pytest.mark.parametrize("name", ["discovery_url", *BY_HAND, "userinfo_endpoint", "end_session_endpoint"])
async def test_addresses_that_are_refused(name: str, address: str) -> None:
    """Plain http, paths and user names end start-up, as for every endpoint."""
    with pytest.raises(ValidationError, match=name):
        make(**{name: address})


@pytest.mark.parametrize(
    ("sid", "known"), [("s-1", "s-1"), (None, ""), ("", ""), (7, ""), (["s-1"], ""), ("s" * 256, "")]
)
async def test_session_of_the_provider(sid: object, known: str) -> None:
    """`sid` of an ID token is kept, from a page's login and from an app's; a strange one costs no login."""
    id_token = token(sid=sid)
    for identity in (await log_in_with(id_token), await hand_in(id_token)):
        assert identity.vendor_session == (VendorSession(known) if known else None)
    for identity in (
        await log_in_with(id_token, rp_initiated_logout=True),
        await hand_in(id_token, rp_initiated_logout=True),
    ):
        assert identity.vendor_session == VendorSession(known, id_token)
        assert id_token not in repr(identity)


async def test_address_of_the_log_out() -> None:
    """RP-Initiated Logout §2: hint, client and where to return, added to whatever the address has."""
    page = f"{ISSUER}/logout?tenant=a"
    vendor = Vendor(discovery={"end_session_endpoint": page})
    url = await make(vendor, rp_initiated_logout=True).get_logout_url("h.i.nt", "https://shop.example/")
    assert url is not None
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "tenant": "a",
        "id_token_hint": "h.i.nt",
        "client_id": CLIENT,
        "post_logout_redirect_uri": "https://shop.example/",
    }
    without_hint = await make(vendor, rp_initiated_logout=True).get_logout_url("", "https://shop.example/")
    assert without_hint is not None
    assert "id_token_hint" not in without_hint
    assert await make(vendor).get_logout_url("h.i.nt", "https://shop.example/") is None
    assert await make(rp_initiated_logout=True).get_logout_url("h.i.nt", "https://shop.example/") is None


async def test_strange_end_session_endpoint_costs_no_login() -> None:
    """Nobody needs it to log in: an address that is none for us counts as none."""
    for address in ("http://id.example/x", 7, "", "https://127.0.0.1/x"):
        assert await log_in(make(Vendor(discovery={"end_session_endpoint": address})))
