"""Strava login, through an API application: the token answer names the athlete.

https://developers.strava.com/docs/authentication/
Person: https://developers.strava.com/docs/reference/#api-Athletes-getLoggedInAthlete
Errors and parts of the answers are from two libraries, not the vendor's page:
pennersr/django-allauth, python-social-auth/social-core
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import Claims, OAuth2Provider, Profile, Quirks, provider_hook


class StravaProvider(OAuth2Provider):
    """One API application. Strava documents no PKCE."""

    union_type = "STRAVA"
    titles = {"zh": "Strava", "en": "Strava"}
    authorize_url = "https://www.strava.com/oauth/authorize"
    token_url = "https://www.strava.com/api/v3/oauth/token"
    userinfo_url = "https://www.strava.com/api/v3/athlete"
    scope = "read"
    id_claims = Claims(user_id="athlete.id")
    claims = Claims(user_id="id", face="profile", sex="sex", province="state", city="city")
    quirks = Quirks(
        pkce="never",
        scope_separator=",",
        token_names={"redirect_uri": ""},
        error_signs={"errors.0.resource": ""},
        errors={"code_invalid": ("AuthorizationCode", "Athlete"), "provider_config": ("Application",)},
    )

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile with first and last name together; a standard picture is no address."""
        profile = super().read_profile(answer)
        names = (answer.get("firstname"), answer.get("lastname"))
        nickname = " ".join(name.strip() for name in names if isinstance(name, str) and name.strip())
        return Profile.of(
            nickname=nickname, face=profile.face, sex=profile.sex, province=profile.province, city=profile.city
        )


connect_register_providers = provider_hook(
    "strava", StravaProvider, sandbox="connect_strava.sandbox:StravaSandbox", icon="connect_strava:icon.svg"
)
