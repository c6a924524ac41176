"""Placeholders of parameters and headers, braces that are none, and headers of every call."""

from typing import Any, ClassVar

import pytest
from pydantic import Field, ValidationError

from connect_core.errors import SettingsError
from connect_core.plugin import AuthorizationResponse, Claims, ClientType, Entrance, MiniProgramSettings
from connect_core.providers.oauth2.templates import fill, find_placeholders

from ...kit.vendor_transport import CODE, SECRET, TOKENS, Acme, Transport, log_in, make, quirky


class Settings(MiniProgramSettings):
    """Acme's settings, with a name for the shop."""

    shop: str | None = Field(None, description="What the shop calls itself.")


class Mini(Acme):
    """Acme with every call that there is, each with two headers more."""

    entrances: ClassVar = {**Acme.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = Settings
    id_url = "https://acme.example/id"
    code_url = "https://acme.example/session"
    phone_url = "https://acme.example/phone"
    app_token_url = "https://acme.example/app"
    id_claims = Claims(open_id="openid")
    claims = Claims(nickname="name", phone="phone")
    quirks = quirky(
        headers={"User-Agent": "shop {shop} {{1}}", "Client-Id": "{client_id}", "Accept": "application/vnd.acme+json"},
        phone_header={"X-Token": "{app_token}"},
    )


ANSWERS = {
    "/token": TOKENS,
    "/id": b'{"openid":"o-1"}',
    "/me": b'{"name":"Maria"}',
    "/session": b'{"openid":"o-1"}',
    "/app": b'{"access_token":"a-1"}',
    "/phone": b'{"phone":"13800000001"}',
}


async def test_headers_of_every_call() -> None:
    """Each call has them, beside the header with the token; `Accept` replaces ours."""
    transport = Transport(ANSWERS)
    provider = make(Mini, transport, {"shop": "Summit"})
    identity = await provider.fetch_profile(await log_in(provider))
    parameters = {"code": CODE, "phone_code": "p-1"}
    response = AuthorizationResponse.of_spent_flow(client_type=ClientType.MINI, code=CODE, parameters=parameters)
    await provider.login_callback(response)
    await provider.fetch_phone(response, identity)
    assert transport.paths == ["/token", "/id", "/me", "/session", "/app", "/phone"]
    for request in transport.requests:
        assert (request.headers["user-agent"], request.headers["client-id"]) == ("shop Summit {1}", "c-1")
        assert request.headers.get_list("accept") == ["application/vnd.acme+json"]
    assert transport.requests[1].headers["authorization"].startswith("Bearer ")
    assert transport.requests[5].headers["x-token"] == "a-1"


@pytest.mark.parametrize(("name", "settings"), [("shop", {}), ("shoop", {"shop": "Summit"})])
def test_a_header_needs_its_setting(name: str, settings: dict[str, Any]) -> None:
    """A setting that is missing, or that the provider does not have, stops the start."""
    with pytest.raises(SettingsError) as refused:
        make(Mini, settings=settings, quirks=quirky(headers={"User-Agent": f"{{{name}}}"}))
    assert refused.value.mistakes == (f"{name}: is missing, and quirks have it in headers",)


def test_no_secret_in_every_call() -> None:
    """The client secret belongs to the calls that authenticate the client."""
    with pytest.raises(ValidationError, match="client_secret"):
        quirky(headers={"X-Secret": "{client_secret}"})
    with pytest.raises(SettingsError) as refused:
        make(Mini, quirks=quirky(headers={"X": "{token_url}"}))
    assert SECRET not in repr(refused.value.mistakes)


async def test_double_braces_are_braces() -> None:
    """A text may look like GraphQL or JSON; what a placeholder stands for is not read again."""
    transport = Transport({**ANSWERS, "/me": b'{"id":7}'})
    query = {"query": "{{me{{externalId}}}}", "json": '{{"app":"{client_id}"}}', "plain": "{{client_id}}"}
    await log_in(make(Acme, transport, {"client_id": "{{c}}"}, quirks=quirky(userinfo_parameters=query)))
    assert transport.parameters(1) == {"query": "{me{externalId}}", "json": '{"app":"{{c}}"}', "plain": "{client_id}"}
    assert transport.requests[1].headers["authorization"].startswith("Bearer ")


def test_single_braces_are_placeholders() -> None:
    """A name that nobody knows is refused when the quirks are written."""
    with pytest.raises(ValidationError, match="only access_token"):
        quirky(userinfo_parameters={"query": "{me}"})
    assert find_placeholders({"a": "{{x}}{y}{{{z}}}"}) == {"y", "z"}
    assert fill({"a": "{{x}}{y}{{{z}}}"}, {"y": "{z}", "z": "1"}) == {"a": "{x}{z}{1}"}
