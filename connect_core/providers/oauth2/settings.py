"""The settings of a provider for an OAuth 2.0 vendor, and what of them a request may have.

Values only.
"""

from pydantic import Field, SecretStr

from connect_core.settings import Endpoint, ProviderSettings
from connect_core.vendor_values import read_text


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


def get_texts(settings: ProviderSettings) -> dict[str, str]:
    """Return the settings that are texts or whole numbers, which are no secrets, as texts."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {name: read_text(value) for name, value in values.items() if value == "" or read_text(value)}


def explain_setting(settings: ProviderSettings, name: str) -> str:
    """Return why a request cannot have the setting `name`, which quirks have in braces."""
    if isinstance(getattr(settings, name, None), SecretStr):
        return f"{name}: is a secret, which quirks cannot send; override complete_parameters"
    return f"{name}: is missing, and quirks have it as {{settings.{name}}}"
