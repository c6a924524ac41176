"""PayPal's sandbox: HTTP Basic authentication, addresses as ids, errors of the API without a member `error`.

https://developer.paypal.com/api/identity/v1/userinfo-get/
"""

from typing import Any

from starlette.requests import Request

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_paypal import PaypalProvider

USER = "https://www.paypal.com/webapps/auth/identity/user/"


class PaypalSandbox(OAuth2Sandbox):
    """One REST app."""

    title = "PayPal 沙箱 · PayPal sandbox"
    provider = PaypalProvider
    documented = (
        # https://developer.paypal.com/log-in/build-button#2-construct-authorization-endpoint
        # state and response_type are those of RFC 6749 §4.1.1, on which PayPal says that the login is built
        DocumentedRequest(
            "GET",
            "https://www.paypal.com/signin/authorize",
            query=of_login("response_type client_id redirect_uri state", flowEntry="static", scope="openid profile"),
            optional=("response_type",),
        ),
        # https://developer.paypal.com/log-in/build (live: api-m.paypal.com)
        DocumentedRequest(
            "POST",
            "https://api-m.paypal.com/v1/oauth2/token",
            form={"grant_type": "authorization_code", "code": "{code}"},
            headers={"Authorization": "Basic {basic_credentials}"},
            answer={
                "token_type": "Bearer",
                "expires_in": "28800",
                "refresh_token": "R23AAFb0dX6SlMPh1RG5Ab",
                "scope": "openid profile",
                "access_token": "A23AAFb0dX6SlMPh1RG5Ab",
            },
        ),
        # https://developer.paypal.com/api/identity/v1/userinfo-get/ (the example has the type of each value)
        DocumentedRequest(
            "GET",
            "https://api-m.paypal.com/v1/identity/openidconnect/userinfo",
            query={"schema": "openid"},
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "user_id": f"{USER}mWq6_1sU85v5EG9yHdPxJRrhGHrnMJ-1PQKtX6pcsmA",
                "sub": f"{USER}mWq6_1sU85v5EG9yHdPxJRrhGHrnMJ-1PQKtX6pcsmA",
                "name": "identity test",
                "given_name": "identity",
                "family_name": "test",
                "middle_name": "",
                "email": "user@example.com",
                "email_verified": True,
                "locale": "en_US",
                "verified_account": True,
                "account_type": "PERSONAL",
            },
        ),
    )
    documented_ids = (PersonId.open_id(f"{USER}mWq6_1sU85v5EG9yHdPxJRrhGHrnMJ-1PQKtX6pcsmA", "{client_id}"),)
    documented_profile = Profile(nickname="identity test")

    def open_id(self, person: str) -> str:
        """Return the id of the person with the key `person`, which looks like an address."""
        return USER + super().open_id(person)

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the number of seconds is a text."""
        return {"token_type": "Bearer", "expires_in": "28800", "scope": grant.scope, "access_token": token}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the claims of the scopes `openid` and `profile`."""
        user_id = self.open_id(person.key)
        return {"user_id": user_id, "sub": user_id, "name": person.nickname, "locale": "zh_CN"}

    def write(self, answer: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as JSON; an error of the API has its name, a text and an id for PayPal's support."""
        if is_error and operation == "userinfo":
            answer = {
                "name": "AUTHENTICATION_FAILURE",
                "message": "made up by the sandbox",
                "debug_id": "b1d1f06c7246c",
            }
        return super().write(answer, request, operation, is_error=is_error)
