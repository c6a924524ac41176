"""The settings of a provider for an OAuth 2.0 vendor.

Values only.
"""

from pydantic import Field, SecretStr

from connect_core.settings import Endpoint, ProviderSettings


class OAuth2Settings(ProviderSettings):
    """One registration with the vendor."""

    client_id: str = Field(min_length=1, description="What the vendor calls client id, app id or API key.")
    client_secret: SecretStr | None = Field(
        None, min_length=1, description="Its secret. Required, unless the vendor authenticates no client."
    )
    scope: str | None = Field(None, description="Scopes to ask for, with spaces between; default: the vendor's least.")
    authorize_url: Endpoint | None = Field(None, description="Where people agree, if not at the vendor's own address.")
    token_url: Endpoint | None = Field(None, description="Where codes are redeemed; the same.")
    userinfo_url: Endpoint | None = Field(None, description="Where a person is described; the same.")


class MiniProgramSettings(OAuth2Settings):
    """One registration with a vendor whose mini programs or apps have calls of their own.

    It is the `Settings` of a provider with a `code_url`, `phone_url` or `app_token_url`.
    """

    code_url: Endpoint | None = Field(
        None, description="Where codes of mini programs and apps are redeemed, if not at the vendor's own address."
    )
    phone_url: Endpoint | None = Field(None, description="Where a verified phone number is fetched; the same.")
    app_token_url: Endpoint | None = Field(None, description="Where the app's own token is fetched; the same.")
