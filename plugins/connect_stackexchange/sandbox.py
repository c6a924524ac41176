"""Stack Exchange's sandbox: a list with one person, names with HTML entities, numbers and names of errors.

https://api.stackexchange.com/docs/me
"""

from collections.abc import Mapping
from html import escape
from typing import Any

from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_stackexchange import StackexchangeProvider

NAMES = {"402": "invalid_access_token", "405": "key_required"}
PICTURE = "https://www.gravatar.com/avatar/053d648486d567d3143d6bad8df8cfeb?d=identicon&r=PG"


class StackexchangeSandbox(OAuth2Sandbox):
    """One application."""

    title = "Stack Overflow 沙箱 · Stack Overflow sandbox"
    provider = StackexchangeProvider
    client_id = "12345"
    error_statuses = (400, 400)
    refusals = {"invalid_token": "402"}
    documented = (
        # https://api.stackexchange.com/docs/authentication, explicit flow, step 1
        # https://stackapps.com/help/api-authentication recommends PKCE (RFC 7636 has the names)
        # Neither response_type nor grant_type is listed; the page calls the flow OAuth 2.0's, which requires both.
        DocumentedRequest(
            "GET",
            "https://stackoverflow.com/oauth",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
            optional=("scope", "response_type"),
        ),
        # the same page, step 4; /json makes the answer JSON
        DocumentedRequest(
            "POST",
            "https://stackoverflow.com/oauth/access_token/json",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            optional=("grant_type",),
            answer={"access_token": "P4pbEYhJ(wbBYvmbVTNNSQ))", "expires": 86400},
        ),
        # https://api.stackexchange.com/docs/me (the example of pennersr/django-allauth, with https in the picture)
        DocumentedRequest(
            "GET",
            "https://api.stackexchange.com/2.3/me",
            query={"access_token": "{access_token}", "key": "{key}", "site": "stackoverflow"},
            answer={
                "items": [
                    {
                        "is_employee": False,
                        "last_access_date": 1356200390,
                        "display_name": "pennersr",
                        "account_id": 291652,
                        "profile_image": PICTURE,
                        "user_type": "registered",
                        "reputation": 504,
                        "link": "https://stackoverflow.com/users/593944/pennersr",
                        "user_id": 593944,
                    }
                ],
                "has_more": False,
                "quota_max": 10000,
                "quota_remaining": 9999,
            },
        ),
    )
    documented_ids = (PersonId.user_id(291652),)
    documented_profile = Profile(nickname="pennersr", face=PICTURE)

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings of the base sandbox, and the key."""
        return {**super().settings(base_url, client_type), "key": "U4DMV*8nvpm3EOpvf69Rxw(("}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, which says how long the token lives as `expires`."""
        return {"access_token": token, "expires": 86400}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return a list with the person, whose name has HTML entities."""
        account = {"account_id": self.user_id(person.key), "user_id": self.user_id(f"site {person.key}")}
        shown = {"display_name": escape(person.nickname), "profile_image": person.face}
        return {"items": [{**account, **shown}], "has_more": False, "quota_max": 10000, "quota_remaining": 9999}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error of the API, or one of the token call."""
        if code.isdigit():
            name = NAMES.get(code, "refused")
            return {"error_id": int(code), "error_message": "made up by the sandbox", "error_name": name}
        return {"error": {"type": code, "message": "made up by the sandbox"}}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the documented errors of the API, and those of OAuth 2.0."""
        return {**super().get_outcomes(), "402": "code_invalid", "405": "provider_config"}
