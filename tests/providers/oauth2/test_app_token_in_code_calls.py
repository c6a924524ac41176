"""Codes of mini programs that are redeemed with the app's own token: where it stands, and when it is fetched again."""

import json
from typing import Any, ClassVar

import httpx
import pytest

from connect_core.errors import CodeInvalid, SettingsError
from connect_core.identity import PersonId
from connect_core.plugin import AuthorizationResponse, Claims, ClientType, Entrance, MiniProgramSettings, OAuth2Provider

from ...kit.vendor_transport import CODE, SECRET, Acme, Transport, make, quirky

WITH_APP_TOKEN: dict[str, Any] = {
    "code_method": "json",
    "code_parameters": {"c": "{code}"},
    "code_query": {"token": "{app_token}"},
    "code_header": {"X-App": "{client_id}"},
    "app_token_errors": ("invalid_token", "40001"),
}


class Mini(Acme):
    """Acme's mini program, whose codes are redeemed with the app's own token."""

    entrances: ClassVar = {ClientType.PC: Entrance.REDIRECT, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = MiniProgramSettings
    code_url = "https://acme.example/session"
    app_token_url = "https://acme.example/app"
    id_claims = Claims(open_id="openid")
    quirks = quirky(**WITH_APP_TOKEN)


class Vendor(Transport):
    """Issues app tokens one after the other, and names a person to whoever has the last one."""

    def __init__(self, refusal: bytes = b'{"error":"40001"}') -> None:
        super().__init__({"/app": b"", "/session": b'{"openid":"o-1"}'})
        self.issued, self.refusal = 0, refusal

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer the call."""
        if request.url.path == "/app":
            self.issued += 1
            token = {"access_token": f"app-token-{self.issued}", "expires_in": 7200}
            self.answers = {**self.answers, "/app": json.dumps(token).encode()}
        elif f"app-token-{self.issued}" not in (request.url.params.get("token"), request.headers.get("x-token")):
            self.requests.append(request)
            return httpx.Response(401, stream=httpx.ByteStream(self.refusal))
        return await super().answer(request)


async def redeem(provider: OAuth2Provider) -> tuple[PersonId, ...]:
    """Hand in a mini program's code."""
    response = AuthorizationResponse.of_spent_flow(client_type=ClientType.MINI, code=CODE, parameters={})
    return (await provider.login_callback(response)).ids


async def test_app_token_in_the_query_of_a_posted_call() -> None:
    """It is fetched once for many people; the body has the code, a header what the quirks say."""
    vendor = Vendor()
    provider = make(Mini, vendor)
    assert [await redeem(provider) for _ in range(2)] == [(PersonId.open_id("o-1", "c-1"),)] * 2
    assert vendor.paths == ["/app", "/session", "/session"]
    assert vendor.parameters(0) == {"grant_type": "client_credentials", "client_id": "c-1", "client_secret": SECRET}
    assert dict(vendor.requests[1].url.params) == {"token": "app-token-1"}
    assert json.loads(vendor.requests[1].content) == {"c": CODE}
    assert vendor.requests[1].headers["x-app"] == "c-1"


@pytest.mark.parametrize("place", ["code_parameters", "code_header"])
async def test_app_token_elsewhere(place: str) -> None:
    """A parameter or a header may have it."""
    places = {
        "code_parameters": {"code_parameters": {"c": "{code}", "token": "{app_token}"}},
        "code_header": {"code_header": {"X-Token": "{app_token}"}},
    }
    quirks = quirky(**{"code_method": "get", "code_parameters": {"c": "{code}"}, **places[place]})
    assert await redeem(make(Mini, Vendor(), quirks=quirks)) == (PersonId.open_id("o-1", "c-1"),)


@pytest.mark.parametrize("refusal", [b'{"error":"invalid_token"}', b"", b'{"error":"40001"}'])
async def test_dead_app_token_is_fetched_again_once(refusal: bytes) -> None:
    """The vendor refuses the token before it looks at the code, which is then sent once more."""
    vendor = Vendor(refusal)
    provider = make(Mini, vendor)
    await redeem(provider)
    vendor.issued = 7
    assert await redeem(provider) == (PersonId.open_id("o-1", "c-1"),)
    assert vendor.paths == ["/app", "/session", "/session", "/app", "/session"]


async def test_rejected_code_keeps_the_app_token() -> None:
    """A client cannot make the shop fetch tokens by sending wrong codes."""
    vendor = Vendor()
    vendor.answers = {**vendor.answers, "/session": (400, b'{"error":"invalid_grant"}')}
    provider = make(Mini, vendor)
    for _ in range(2):
        with pytest.raises(CodeInvalid):
            await redeem(provider)
    assert vendor.paths == ["/app", "/session", "/session"]


async def test_calls_of_your_own_with_the_app_token() -> None:
    """`with_app_token` fetches, keeps and renews it for a call that no quirk describes."""
    vendor = Vendor()
    provider = make(Mini, vendor)

    async def ask(app_token: str) -> str:
        vendor.requests.clear()
        provider.read_answer("id", await provider.http.get("https://acme.example/session", params={"token": app_token}))
        return app_token

    assert [await provider.with_app_token(ask) for _ in range(2)] == ["app-token-1"] * 2
    vendor.issued = 7
    assert await provider.with_app_token(ask) == "app-token-8"


def test_an_app_token_needs_its_address() -> None:
    """It is missed at start-up, not at the first login."""
    with pytest.raises(SettingsError) as refused:
        make(Mini, app_token_url="")
    assert refused.value.mistakes == ("app_token_url: is missing",)
