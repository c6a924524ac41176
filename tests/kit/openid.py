"""An OpenID provider in memory, its tokens, and a registration with it, for tests of the OIDC base provider."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from connect_core.crypto import SigningKey, encode_part
from connect_core.errors import ProviderBadResponse, ProviderFault
from connect_core.http import HttpPool
from connect_core.identity import ClientType, Identity
from connect_core.providers.oidc import OidcProvider
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, Entrance

from .fake_transport import FakeTransport

ISSUER = "https://id.example"
CLIENT, SECRET = "c-1", "s3cr3t-of-the-client-of-36-characters"
NONCE, CODE, ACCESS = "n0nce-of-the-flow", "c0de-of-the-person", "t0ken-of-the-person"
VERIFIER, CALLBACK = "v3rifier" * 6, "https://shop.example/cb"
NOW = 1_800_000_000
RSA = SigningKey.generate("RS256", "rsa-1")
EC = SigningKey.generate("ES256", "ec-1")
OTHER = SigningKey.generate("RS256", "rsa-2")
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "code_challenge_methods_supported": ["S256"],
}
CLAIMS = {"iss": ISSUER, "sub": "person-1", "aud": CLIENT, "iat": NOW, "exp": NOW + 600, "nonce": NONCE}


HEAD = json.dumps({"alg": "RS256", "kid": RSA.kid})
BODY = json.dumps(CLAIMS)


def without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that are there."""
    return {name: value for name, value in members.items() if value is not None}


def token(
    *, key: SigningKey = RSA, alg: str = "", header: Mapping[str, Any] | None = None, payload: str = "", **claims: Any
) -> str:
    """Return an ID token of `key`; claims and header parameters that are None are left out."""
    algorithm = alg or key.algorithm
    head = without_none({"alg": algorithm, "kid": key.kid, **(header or {})})
    body = payload or json.dumps(without_none({**CLAIMS, **claims}))
    return sign(json.dumps(head), body, lambda data: key.sign(algorithm, data))


def sign(head: str, body: str, signer: Callable[[bytes], bytes]) -> str:
    """Return a compact JWS of exactly these two texts."""
    data = f"{encode_part(head.encode())}.{encode_part(body.encode())}"
    return f"{data}.{encode_part(signer(data.encode()))}"


_NAMES = {"openid-configuration": "discovery", "keys": "jwks"}


class Vendor(FakeTransport):
    """Answers with its documents, and notes what it was asked. A document may be raw bytes, or a status."""

    def __init__(self, id_token: object = None, **documents: Any) -> None:
        """`documents` replace `discovery` (member by member; None leaves one out), `jwks`, `token` and `userinfo`."""
        answer = {"access_token": ACCESS, "token_type": "Bearer", "id_token": token() if id_token is None else id_token}
        self.documents: dict[str, Any] = {
            "jwks": {"keys": [RSA.public_jwk(), EC.public_jwk()]},
            "token": answer,
            "userinfo": {"sub": "person-1", "name": "Li Hua"},
            **documents,
        }
        self.documents["discovery"] = without_none({**DOCUMENT, **documents.get("discovery", {})})
        self.requests: list[httpx.Request] = []
        self.pause = 0.0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the path."""
        self.requests.append(request)
        await asyncio.sleep(self.pause)
        name = request.url.path.rpartition("/")[2]
        said = self.documents[_NAMES.get(name, name)]
        if isinstance(said, int):
            return httpx.Response(said, stream=httpx.ByteStream(b"out of order"))
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return httpx.Response(200, stream=httpx.ByteStream(body))

    def count(self, name: str) -> int:
        """How often `name` was asked for."""
        return sum(request.url.path.endswith(name) for request in self.requests)


class Acme(OidcProvider):
    """A vendor without departures; apps hand in ID tokens."""

    union_type = "ACME"
    titles = {"zh": "顶点", "en": "Acme"}
    entrances = {**OidcProvider.entrances, ClientType.APP: Entrance.CREDENTIAL}
    now = staticmethod(lambda: float(NOW))


def make(vendor: Vendor | None = None, kind: type[OidcProvider] = Acme, **settings: Any) -> OidcProvider:
    """Return a registration with `vendor`."""
    raw = {"issuer": ISSUER, "client_id": CLIENT, "client_secret": SECRET, **settings}
    parsed = kind.Settings.model_validate(without_none(raw))
    return kind(parsed, HttpPool(transport=vendor or Vendor()).for_provider("acme"))  # type: ignore[arg-type]


def response(client: ClientType = ClientType.PC, code: str = CODE, **parameters: str) -> AuthorizationResponse:
    """Return what came back to a flow of ours."""
    return AuthorizationResponse.of_spent_flow(
        client_type=client,
        code=code,
        parameters=parameters,
        redirect_uri=CALLBACK,
        nonce=NONCE,
        code_verifier=VERIFIER,
    )


def request(client: ClientType = ClientType.PC) -> AuthorizationRequest:
    """Return a login about to begin."""
    return AuthorizationRequest(
        client_type=client, redirect_uri=CALLBACK, state="Ab1" * 10, nonce=NONCE, code_challenge="ch4llenge"
    )


async def log_in(provider: OidcProvider, **parameters: str) -> Identity:
    """Hand in a redeemed flow's code."""
    return await provider.login_callback(response(**parameters))


async def log_in_with(id_token: object, vendor: Vendor | None = None, **settings: Any) -> Identity:
    """Log in at a vendor whose token call answers this ID token."""
    vendor = vendor or Vendor()
    vendor.documents["token"]["id_token"] = id_token
    return await log_in(make(vendor, **settings))


async def hand_in(id_token: str, vendor: Vendor | None = None, **settings: Any) -> Identity:
    """Hand in an ID token as an app does."""
    return await make(vendor, **settings).login_callback(response(ClientType.APP, id_token))


async def refused(id_token: object, fault: type[ProviderFault] = ProviderBadResponse, **settings: Any) -> None:
    """The token is refused as `fault`, nobody asked user-info, and no part of the token is told."""
    vendor = Vendor()
    with pytest.raises(fault) as caught:
        await log_in_with(id_token, vendor, **settings)
    assert vendor.count("userinfo") == 0
    assert not isinstance(id_token, str) or len(id_token) < 9 or id_token[-9:] not in repr(caught.value.__context__)
