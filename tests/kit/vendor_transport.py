"""A vendor that answers with given bytes, and an OAuth 2.0 provider that calls it, for tests of the base provider."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from connect_core.http import HttpPool
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    Claims,
    ClientType,
    Identity,
    Language,
    OAuth2Provider,
    Quirks,
)

from .fake_transport import FakeTransport

SECRET = "s3cr3t of the client"
CODE = "c0de-of-the-person"
TOKEN = "t0ken-of-the-person"
VERIFIER = "v3rifier" * 6
TOKENS = f'{{"access_token":"{TOKEN}","token_type":"bearer"}}'.encode()

Said = bytes | tuple[int, bytes]


class Transport(FakeTransport):
    """Answers each path with its bytes, or with a status and bytes, and notes what it was asked."""

    def __init__(self, answers: Mapping[str, Said]) -> None:
        """`answers` by path; another path fails the test."""
        self.answers = answers
        self.requests: list[httpx.Request] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the path."""
        self.requests.append(request)
        said = self.answers[request.url.path]
        status, body = said if isinstance(said, tuple) else (200, said)
        return httpx.Response(status, stream=httpx.ByteStream(body))

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.url.path for request in self.requests]

    def parameters(self, place: int) -> dict[str, str]:
        """Query and form of one request, each name once."""
        request = self.requests[place]
        pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(request.content.decode(), keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)


class Acme(OAuth2Provider):
    """A vendor that follows RFC 6749 to the letter, and names people in user-info."""

    union_type = "ACME"
    titles = {"zh": "顶点", "en": "Acme"}
    authorize_url = "https://acme.example/authorize"
    token_url = "https://acme.example/token"
    userinfo_url = "https://acme.example/me"
    scope = "basic profile"
    claims = Claims(user_id="id", nickname="name")


def make(
    kind: type[OAuth2Provider] = Acme,
    transport: Transport | None = None,
    settings: Mapping[str, Any] | None = None,
    **data: Any,
) -> OAuth2Provider:
    """Return a provider of `kind`, with other class attributes where `data` says so."""
    changed = type(kind.__name__, (kind,), data) if data else kind
    parsed = changed.Settings.model_validate({"client_id": "c-1", "client_secret": SECRET, **(settings or {})})
    return changed(parsed, HttpPool(transport=transport or Transport({})).for_provider("acme"))  # type: ignore[arg-type]


async def login_url(
    provider: OAuth2Provider, client: ClientType = ClientType.PC, language: Language = "zh", language_tag: Language = ""
) -> str:
    """Return where a login begins."""
    request = AuthorizationRequest(
        client_type=client,
        redirect_uri="https://shop.example/cb",
        state="Ab1" * 10,
        nonce="",
        code_challenge="ch4llenge",
        language=language,
        language_tag=language_tag,
    )
    return await provider.get_login_url(request)


def query(url: str) -> dict[str, str]:
    """Return a URL's parameters, each name once."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


async def log_in(provider: OAuth2Provider) -> Identity:
    """Hand a redeemed flow's code in."""
    response = AuthorizationResponse.of_spent_flow(
        client_type=ClientType.PC,
        code=CODE,
        parameters={},
        redirect_uri="https://shop.example/cb",
        code_verifier=VERIFIER,
    )
    return await provider.login_callback(response)


def quirky(**quirks: Any) -> Quirks:
    """Return quirks as a configuration file gives them."""
    return Quirks.model_validate(quirks)
