"""Telegram login: OpenID Connect on PC and H5 (`telegram`), the signed data of a Mini App (`telegram-mini`).

Web pages: https://core.telegram.org/bots/telegram-login
Mini Apps: https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app
No nonce in ID tokens: from https://github.com/trip2g/trip2g/issues/334, not the vendor's page.
"""

from dataclasses import replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    Claims,
    Field,
    Identity,
    InAppBrowser,
    Issuer,
    OidcProvider,
    OidcSettings,
    PersonId,
    Register,
    hookimpl,
    with_query,
)
from connect_telegram.mini_app import TelegramMiniProvider

NO_NONCE = "Telegram's ID tokens have no nonce"
"""Stands for the nonce where the base provider wants one: the code challenge ties a code to its login instead."""


class TelegramSettings(OidcSettings):
    """One bot's Login Widget: Client ID (the bot's number) and Client Secret, which is not the bot's token."""

    issuer: Issuer = Field("https://oauth.telegram.org", description="Telegram's issuer; change it only for a sandbox.")
    pkce: Literal["force"] = Field("force", description="A code challenge is always sent: ID tokens have no nonce.")


class TelegramProvider(OidcProvider):
    """One bot. A person is the number that Telegram has for all bots, not `sub`, which Mini Apps do not know."""

    union_type = "TELEGRAM"
    titles = {"zh": "Telegram", "en": "Telegram"}
    own_browser = InAppBrowser.TELEGRAM
    Settings = TelegramSettings
    algorithms = ("RS256", "ES256", "EdDSA", "Ed25519")
    auth_method = "client_secret_basic"
    claims = Claims(nickname=("name", "preferred_username"), face="picture")

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of Telegram's page, which takes no nonce. Raises as the base provider does."""
        page = urlsplit(await super().get_login_url(request))
        parameters = {name: value for name, value in parse_qsl(page.query) if name != "nonce"}
        return with_query(page._replace(query="").geturl(), parameters)

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code, check the ID token and return the person. Raises as the base provider does."""
        identity = await super().login_callback(
            AuthorizationResponse.of_spent_flow(
                client_type=response.client_type,
                code=response.code,
                parameters=response.parameters,
                redirect_uri=response.redirect_uri,
                nonce=NO_NONCE,
                code_verifier=response.code_verifier,
            )
        )
        return replace(identity, ids=(PersonId.user_id(identity.strongest.value),))

    async def _verified(self, jws: Any, what: str) -> dict[str, Any]:
        """Return the claims when Telegram signed them, with the person's number as `sub`."""
        claims = await super()._verified(jws, what)
        return {"nonce": NO_NONCE, **claims, "sub": PersonId.user_id(claims.get("id")).value}


@hookimpl
def connect_register_providers(register: Register) -> None:
    """Register the plugins `telegram` and `telegram-mini`; both know a person by the same number."""
    icon = "connect_telegram:icon.svg"
    register("telegram", TelegramProvider, sandbox="connect_telegram.sandbox:TelegramSandbox", icon=icon)
    register("telegram-mini", TelegramMiniProvider, sandbox="connect_telegram.sandbox:TelegramMiniSandbox", icon=icon)
