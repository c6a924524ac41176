"""The metadata of RFC 8414: where it is, and that every statement in it is true."""

from typing import Any

import pytest

from connect_core.harness import RunningShop, Visitor

from ...kit.databases import run_shop
from ...kit.token_services import GATEWAY, basic, introspect, with_servers
from ...kit.web_shops import alipay_and_wechat, mini_login

ADDRESSES = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/connect",
    "/.well-known/openid-configuration",
    "/connect/.well-known/oauth-authorization-server",
    "/connect/.well-known/openid-configuration",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_document_is_where_gateways_look(shop: RunningShop, visitor: Visitor, address: str) -> None:
    """At each address it is the same, and nothing in it is left out or made up."""
    answer = visitor.http.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "issuer": shop.url,
        "jwks_uri": f"{shop.url}/connect/.well-known/jwks.json",
        "token_endpoint": f"{shop.url}/connect/token/refresh",
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["refresh_token"],
        "response_types_supported": [],
        "introspection_endpoint": f"{shop.url}/connect/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint": f"{shop.url}/connect/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    }


def test_a_client_that_knows_the_issuer_alone_can_do_everything(shop: RunningShop, visitor: Visitor) -> None:
    """`iss` of a token leads to the document (RFC 8414 §3.1), whose `issuer` is the same, and whose addresses work."""
    tokens = mini_login(visitor).json()
    issuer = introspect(visitor, tokens["access_token"])["iss"]
    document: dict[str, Any] = visitor.http.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    assert document["issuer"] == issuer
    assert visitor.http.get(document["jwks_uri"]).json()["keys"]
    for grant in document["grant_types_supported"]:
        form = {"grant_type": grant, "refresh_token": tokens["refresh_token"]}
        tokens = visitor.http.post(document["token_endpoint"], data=form).json()
    form = {"token": tokens["access_token"]}
    asked = visitor.http.post(document["introspection_endpoint"], data=form, headers=basic(*GATEWAY))
    assert asked.json()["active"] is True
    assert visitor.http.post(document["revocation_endpoint"], data=form).status_code == 200
    asked = visitor.http.post(document["introspection_endpoint"], data=form, headers=basic(*GATEWAY))
    assert asked.json() == {"active": False}


def test_no_address_is_named_that_refuses_everybody() -> None:
    """Without resource servers there is no introspection, and revocation wants no client."""
    with run_shop(alipay_and_wechat()) as shop, Visitor(shop) as visitor:
        document = visitor.http.get(ADDRESSES[0]).json()
        assert not [name for name in document if name.startswith("introspection_")]
        assert document["revocation_endpoint_auth_methods_supported"] == ["none"]


def test_below_a_path_the_addresses_are_those_of_browsers() -> None:
    """With `root_path` and another prefix: the issuer stays that of the tokens, the rest is below the path."""

    def change(raw: dict[str, Any]) -> None:
        with_servers(raw)
        raw["service"] |= {"root_path": "/shop", "prefix": "/auth"}

    with run_shop(alipay_and_wechat(), change=change) as shop, Visitor(shop) as visitor:
        for address in ("/.well-known/oauth-authorization-server", "/auth/.well-known/oauth-authorization-server"):
            for path in (address, f"/shop{address}"):
                document = visitor.http.get(f"{shop.url.removesuffix('/shop')}{path}").json()
                assert document["issuer"] == shop.url.removesuffix("/shop")
                assert document["jwks_uri"].endswith("/shop/auth/.well-known/jwks.json")
                assert visitor.http.get(document["jwks_uri"]).status_code == 200
