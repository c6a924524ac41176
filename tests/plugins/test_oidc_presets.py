"""Presets of the plugin `oidc`: each logs in at a provider with that product's issuer, address and peculiarities."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.harness import query_of
from connect_core.http import HttpPool
from connect_core.identity import ClientType
from connect_core.sandbox import OidcGrant, Person
from connect_core.settings.loading import check_provider_settings
from connect_core.testing import RunningShop, Visitor, run_shop
from connect_core.testing.recorder import VendorRecorder
from connect_oidc import PlainOidcSettings
from connect_oidc.presets import PRESETS
from connect_oidc.sandbox import PlainOidcSandbox

TENANT = "11111111-2222-3333-4444-555555555555"
POOL = "eu-central-1_Ab3dEf6hI"
WELL_KNOWN = "/.well-known/openid-configuration"
FACE = "https://img.example/lihua.png"


@dataclass(frozen=True)
class Product:
    """A product as its documentation describes it.

    `settings` are what a shop writes besides `preset` and its client; `discovery` is where the document is, without
    the well-known path. `names` and `picture` are the claims of the profile, `face` is what the shop stores, and
    `takes_pkce` what the document says.
    """

    issuer: str
    settings: Mapping[str, Any]
    discovery: str = ""
    auth_method: str = "client_secret_basic"
    algorithm: str = "RS256"
    names: Sequence[str] = ("name",)
    picture: str = "picture"
    face: str = FACE
    takes_pkce: bool = True
    needs_scope: str = "openid profile"


MICROSOFT: Mapping[str, Any] = {"auth_method": "client_secret_post", "takes_pkce": False, "face": ""}
PRODUCTS = {
    "auth0": Product("https://shop.eu.auth0.com/", {"host": "shop.eu.auth0.com"}, auth_method="client_secret_post"),
    "okta": Product("https://shop.okta.com/oauth2/default", {"host": "shop.okta.com/oauth2/default"}),
    "entra": Product(f"https://login.microsoftonline.com/{TENANT}/v2.0", {"tenant": TENANT}, **MICROSOFT),
    "entra-external": Product(
        f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0",
        {"tenant": TENANT, "host": "shop.ciamlogin.com"},
        f"https://shop.ciamlogin.com/{TENANT}/v2.0",
        **MICROSOFT,
    ),
    "azure-b2c": Product(
        f"https://shop.b2clogin.com/{TENANT}/v2.0/",
        {"tenant": TENANT, "realm": "B2C_1_login", "host": "shop.b2clogin.com"},
        f"https://shop.b2clogin.com/{TENANT}/B2C_1_login/v2.0",
        needs_scope="openid sandbox-client",
        **MICROSOFT,
    ),
    "cognito": Product(
        f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}",
        {"tenant": POOL},
        names=("preferred_username",),
        takes_pkce=False,
    ),
    "keycloak": Product("https://id.example/realms/shop", {"host": "id.example", "realm": "shop"}),
    "authentik": Product("https://id.example/application/o/shop/", {"host": "https://id.example/", "realm": "shop"}),
    "zitadel": Product("https://shop-abc123.zitadel.cloud", {"host": "shop-abc123.zitadel.cloud"}),
    "logto": Product(
        "https://abc123.logto.app/oidc", {"host": "abc123.logto.app"}, algorithm="ES384", names=("username",)
    ),
    "casdoor": Product(
        "https://door.example",
        {"host": "door.example"},
        auth_method="client_secret_post",
        names=("displayName",),
        picture="avatar",
    ),
    "authing": Product("https://shop.authing.cn/oidc", {"host": "shop.authing.cn"}, auth_method="client_secret_post"),
    "aliyun-idaas": Product("https://abc.aliyunidaas.com/oidc1", {"issuer": "https://abc.aliyunidaas.com/oidc1"}),
    "hydra": Product("https://id.example", {"host": "id.example"}),
}


class ProductSandbox(PlainOidcSandbox):
    """A provider with the issuer and the addresses of a product."""

    profile_in_token = True
    ends_sessions = False

    def __init__(self, preset: str) -> None:
        self.preset, self.product = preset, PRODUCTS[preset]
        super().__init__(algorithm=self.product.algorithm, auth_method=self.product.auth_method)
        self.discovery = (self.product.discovery or self.product.issuer.rstrip("/")) + WELL_KNOWN
        self.document = {  # type: ignore[misc]
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token",
            "userinfo_endpoint": "https://login.example/userinfo",
            "jwks_uri": "https://login.example/keys",
            # products list more than the method that a client is registered with
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            **({} if self.product.takes_pkce else {"code_challenge_methods_supported": []}),
        }

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return what a shop writes that uses the preset."""
        client = {key: value for key, value in super().settings(base_url, client_type).items() if key != "issuer"}
        self.issuer = self.product.issuer
        return {**client, **self.product.settings, "preset": self.preset}

    def locate(self, url: str) -> str:
        """Return the discovery document's path for exactly its address; the endpoints have paths of their own."""
        if url.startswith("https://login.example/"):
            return super().locate(url)
        return WELL_KNOWN if url == self.discovery else "/nowhere"

    def profile_claims(self, person: Person) -> dict[str, Any]:
        """Return the profile under the product's names."""
        return {**dict.fromkeys(self.product.names, person.nickname), self.product.picture: person.face}

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims. Azure AD B2C gives an access token for the client's own scope only."""
        assert grant.link["scope"] == self.product.needs_scope
        return super().id_token_claims(grant, access_token)


@contextmanager
def staged(preset: str) -> Iterator[tuple[RunningShop, VendorRecorder]]:
    """Run a shop with a preset, whose requests to the product's addresses reach the sandbox."""
    sandbox = ProductSandbox(preset)
    recorder = VendorRecorder(sandbox.locate)
    with run_shop({"oidc": sandbox}, pool=HttpPool(transport=recorder)) as shop:
        recorder.base_url = f"{shop.sandbox_url}/oidc"
        yield shop, recorder


def check(**raw: Any) -> PlainOidcSettings:
    """Return the checked settings of a provider `acme`."""
    settings = check_provider_settings(PlainOidcSettings, {"client_id": "shop", "client_secret": "s", **raw}, "acme")
    assert isinstance(settings, PlainOidcSettings)
    return settings


def test_every_preset_is_tried() -> None:
    """A preset that the tests below do not have would go unchecked unnoticed."""
    assert PRODUCTS.keys() == PRESETS.keys()


@pytest.mark.parametrize("preset", PRODUCTS)
def test_a_person_logs_in(preset: str) -> None:
    """The issuer is the product's, the client authenticates in its way, and name and picture arrive."""
    product = PRODUCTS[preset]
    with staged(preset) as (shop, recorder), Visitor(shop) as visitor:
        login_url = visitor.begin("oidc", "pc")
        assert query_of(login_url)["code_challenge_method"] == "S256"
        who = visitor.who(visitor.http.get(visitor.consent(recorder.to_sandbox(login_url))))
        assert who is not None
        assert (who["nickname"], who["face"] or "") == ("李华", product.face)
        assert {row["union_scope"] for row in shop.rows("es_connect")} == {product.issuer}
        [shown] = visitor.http.get("/connect/providers?client=pc&lang=en").json()
        title = PRESETS[preset]["title"]
        assert shown["name"] == (title if isinstance(title, str) else title["en"])


@pytest.mark.parametrize(
    ("raw", "issuer"),
    [
        ({"preset": "auth0", "host": "https://login.shop.example/"}, "https://login.shop.example/"),
        ({"preset": "okta", "host": "shop.okta.com"}, "https://shop.okta.com"),
        ({"preset": "keycloak", "host": "id.example/auth", "realm": "a"}, "https://id.example/auth/realms/a"),
    ],
)
def test_addresses(raw: dict[str, str], issuer: str) -> None:
    """The host may be written with `https://` and with a path."""
    settings = check(**raw)
    assert settings.issuer == issuer
    assert settings.discovery_address == issuer.rstrip("/") + WELL_KNOWN


def test_what_a_shop_writes_counts() -> None:
    """Each setting of a preset can be replaced, claims one by one."""
    changed = check(
        preset="casdoor",
        host="door.example",
        issuer="https://id.example",
        title="Door",
        token_endpoint_auth_method="client_secret_basic",
        claims={"face": "photo"},
    )
    assert (changed.issuer, changed.titles["en"]) == ("https://id.example", "Door")
    assert changed.token_endpoint_auth_method == "client_secret_basic"
    assert changed.claims.nickname == ("displayName", "name")
    assert changed.claims.face in ("photo", ("photo",))
    assert check(preset="entra", tenant=TENANT, pkce="never").pkce == "never"
    china = f"https://login.partner.microsoftonline.cn/{TENANT}/v2.0"
    assert check(preset="entra", issuer=china).issuer == china


def test_a_key_authenticates_the_client() -> None:
    """With `private_key` the preset's method with a secret does not count."""
    assert check(preset="entra", tenant=TENANT, private_key="k").token_endpoint_auth_method is None


def test_without_a_preset_nothing_changes() -> None:
    """A shop that names no preset writes the issuer, as before."""
    settings = check(issuer="https://id.example")
    assert (settings.issuer, settings.title, settings.claims.model_fields_set) == ("https://id.example", "", set())


@pytest.mark.parametrize(
    ("raw", "mistake"),
    [
        ({"preset": "keyclaok"}, "acme: there is no such preset; there are auth0, okta"),
        ({"preset": 7}, "acme: there is no such preset"),
        ({"preset": ["keycloak"]}, "acme: there is no such preset"),
        ({"preset": "keycloak", "host": "id.example"}, "acme: preset keycloak needs realm"),
        ({"preset": "keycloak", "realm": "shop"}, "acme: preset keycloak needs host"),
        ({"preset": "entra"}, "acme: tenant: preset entra needs the directory (tenant) ID"),
        ({"preset": "entra", "tenant": "common"}, "acme: tenant: preset entra needs the directory (tenant) ID"),
        ({"preset": "cognito", "tenant": "eu-central-1"}, "acme: tenant: preset cognito needs the user pool ID"),
        ({"preset": "zitadel", "host": "id.example", "realm": "a"}, "acme: realm has no meaning with preset 'zitadel'"),
        ({"preset": "keycloak", "host": "id.example", "realm": "a/b"}, "acme.realm: "),
        ({"preset": "keycloak", "host": "id.example?a=b", "realm": "a"}, "acme.host: "),
        ({"preset": "zitadel", "host": "http://id.example"}, "acme.host: "),
        ({"preset": "zitadel", "host": 7}, "acme.host: "),
        ({"preset": "zitadel", "host": "id.example", "claims": "name"}, "acme.claims: "),
        ({"preset": "aliyun-idaas"}, "acme.issuer: is missing"),
        ({"host": "id.example"}, "acme: host has no meaning with preset ''"),
        ({"preset": "", "tenant": "a", "issuer": "https://id.example"}, "acme: tenant has no meaning"),
    ],
)
def test_mistakes_are_named(raw: dict[str, Any], mistake: str) -> None:
    """A preset that does not exist, and a place that is missing or too much, end the start with a line."""
    with pytest.raises(SettingsError) as caught:
        check(**raw)
    assert mistake in str(caught.value)
