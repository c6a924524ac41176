"""Sign-in of administrators through an OpenID provider: begun, sealed for the browser, and finished once.

The flow travels sealed in a cookie, as that of a member's login does, but under a purpose of its own: neither opens as
the other. It ends in claims; who may do what is decided in `sign_in`, and no member is looked up.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect_core.crypto import token_hash
from connect_core.crypto.tickets import TICKET_SECONDS, TicketCodec
from connect_core.errors import StateInvalid
from connect_core.identity import Language
from connect_core.languages import get_primary
from connect_core.providers import calls
from connect_core.providers.abilities import FetchesClaims
from connect_core.providers.calls import Refusal
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse
from connect_core.providers.registry import ConfiguredProvider
from connect_core.store import Database, flows

_WHAT = "the flow of this sign-in"


@dataclass(frozen=True, slots=True)
class SignInFlow:
    """A sign-in under way. `next_page` is where the administrator wants to go; `expiry_time` is in epoch seconds."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    redirect_uri: str
    next_page: str
    expiry_time: int


class ProviderSignIn:
    """Signs administrators in through one provider."""

    def __init__(
        self, configured: ConfiguredProvider, database: Database, keys: Sequence[bytes], now: Callable[[], int]
    ) -> None:
        """`keys` are `secret_keys`; `now` answers epoch seconds."""
        self.configured, self._database, self._now = configured, database, now
        self._tickets = TicketCodec(keys, SignInFlow, purpose="administrator's sign-in", key_field="state")

    @property
    def is_able(self) -> bool:
        """Whether the provider tells claims at all."""
        return isinstance(self.configured.provider, FetchesClaims)

    async def start(self, redirect_uri: str, next_page: str, language: Language) -> tuple[str, str]:
        """Return the provider's address and the sealed flow, for the browser's cookie.

        `redirect_uri` is our absolute callback address. Raises what the provider raises, and `ProviderDown`.
        """
        begun = SignInFlow(
            state=secrets.token_hex(16),
            nonce=secrets.token_hex(16),
            code_verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            next_page=next_page,
            expiry_time=self._now() + TICKET_SECONDS,
        )
        digest = hashlib.sha256(begun.code_verifier.encode()).digest()
        request = AuthorizationRequest(
            client_type=self.configured.client_type,
            redirect_uri=redirect_uri,
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            language=get_primary(language),
            language_tag=language,
        )
        return await calls.get_login_url(self.configured.provider, request), self._tickets.seal(begun)

    async def finish(self, sealed: str, parameters: Mapping[str, str]) -> tuple[Mapping[str, Any], str]:
        """Return the verified claims of the person who came back, and where they wanted to go.

        `sealed` is the browser's cookie. Spends the flow before the provider is asked. Raises `StateInvalid`,
        `StateExpired`, `ProviderDenied` and what the provider raises.
        """
        if not sealed:
            raise StateInvalid(f"{_WHAT} is not this browser's: it sent no cookie").because("no_cookie")
        begun = self._tickets.open(sealed, self._now(), what=_WHAT)
        if not secrets.compare_digest(parameters.get("state", "").encode(), begun.state.encode()):
            raise StateInvalid("the state is not that of this browser's sign-in")
        used = (token_hash(begun.state), "", begun.expiry_time)
        if not await self._database.write(lambda tx: flows.insert_used(tx, used)):
            raise StateInvalid(f"{_WHAT} was finished before")
        received = calls.parse_response(self.configured.provider, parameters)
        if isinstance(received, Refusal):
            raise received.error
        response = AuthorizationResponse.of_spent_flow(
            client_type=self.configured.client_type,
            code=received.code,
            parameters=parameters,
            redirect_uri=begun.redirect_uri,
            nonce=begun.nonce,
            code_verifier=begun.code_verifier,
        )
        return await calls.fetch_claims(self.configured.provider, response), begun.next_page
