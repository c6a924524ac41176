"""A plugin whose methods do whatever a test says, and what it is asked with."""

from collections.abc import Awaitable, Callable
from typing import Any

from connect_core.http import HttpPool
from connect_core.identity import ClientType, Identity, PersonId
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse

from .acme import AcmeProvider

Answer = Callable[[], object]

HTTP = HttpPool().for_provider("acme")
LIHUA = Identity("ACME", (PersonId.union_id("u-1"), PersonId.open_id("o-1", "acme-1")), "acme-1", grant="g-1")
REQUEST = AuthorizationRequest(
    client_type=ClientType.PC, redirect_uri="https://shop.example/cb", state="s" * 32, nonce="n", code_challenge="c"
)
RESPONSE = AuthorizationResponse.of_spent_flow(client_type=ClientType.MINI, code="c-1", parameters={"code": "c-1"})


class Stranger(AcmeProvider):
    """A plugin whose every method does what `answer` does."""

    answer: Answer

    async def get_login_url(self, request: AuthorizationRequest) -> Any:
        """Answer."""
        return await _settled(self.answer())

    async def login_callback(self, response: AuthorizationResponse) -> Any:
        """Answer."""
        return await _settled(self.answer())

    async def fetch_profile(self, identity: Identity) -> Any:
        """Answer."""
        return await _settled(self.answer())

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> Any:
        """Answer."""
        return await _settled(self.answer())


async def _settled(answer: object) -> object:
    return await answer if isinstance(answer, Awaitable) else answer
