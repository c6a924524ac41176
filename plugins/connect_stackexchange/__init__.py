"""Stack Overflow and Stack Exchange login, through an application of Stack Apps.

https://api.stackexchange.com/docs/authentication
PKCE: https://stackapps.com/help/api-authentication
Person: https://api.stackexchange.com/docs/me
Errors: https://api.stackexchange.com/docs/error-handling
Person and errors are from two libraries, not the vendor's page:
pennersr/django-allauth, python-social-auth/social-core
"""

from collections.abc import Mapping
from html import unescape
from typing import Any

from connect_core.plugin import Claims, Field, OAuth2Provider, OAuth2Settings, Profile, Quirks, provider_hook


class StackexchangeSettings(OAuth2Settings):
    """One application of Stack Apps: client id, client secret and key."""

    key: str = Field(min_length=1, description="The application's key, which every call has; it is no secret.")
    site: str = Field(
        "stackoverflow", pattern="^[a-z0-9.-]+$", description="The site on which a person must have an account."
    )


class StackexchangeProvider(OAuth2Provider):
    """One application. A person's account id is the same on all sites, the user id is not."""

    union_type = "STACKEXCHANGE"
    titles = {"zh": "Stack Overflow", "en": "Stack Overflow"}
    Settings = StackexchangeSettings
    authorize_url = "https://stackoverflow.com/oauth"
    token_url = "https://stackoverflow.com/oauth/access_token/json"
    userinfo_url = "https://api.stackexchange.com/2.3/me"
    claims = Claims(user_id="items.0.account_id", nickname="items.0.display_name", face="items.0.profile_image")
    quirks = Quirks(
        scope_separator=",",
        userinfo_parameters={"access_token": "{access_token}", "key": "{settings.key}", "site": "{settings.site}"},
        error_signs={"error.type": "", "error_id": ""},
        # the access token: missing, invalid, known to others; a parameter such as `site`, the key
        errors={"code_invalid": ("401", "402", "406"), "provider_config": ("400", "405")},
    )

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile; names come with HTML entities."""
        profile = super().read_profile(answer)
        return Profile.of(nickname=unescape(profile.nickname), face=profile.face)


connect_register_providers = provider_hook(
    "stackexchange",
    StackexchangeProvider,
    sandbox="connect_stackexchange.sandbox:StackexchangeSandbox",
    icon="connect_stackexchange:icon.svg",
)
