"""Amazon's sandbox: ids of one company's apps, errors with a request id, HTTP status 400 for a token that is not valid.

https://developer.amazon.com/docs/login-with-amazon/obtain-customer-profile.html
"""

from typing import Any

from connect_amazon import AmazonProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login


class AmazonSandbox(OAuth2Sandbox):
    """One security profile."""

    title = "亚马逊沙箱 · Amazon sandbox"
    provider = AmazonProvider
    client_id = "amzn1.application-oa2-client.sandbox"
    code_life = 300
    error_statuses = (400, 400)
    documented = (
        # https://developer.amazon.com/docs/login-with-amazon/authorization-code-grant.html#authorization-request
        DocumentedRequest(
            "GET",
            "https://www.amazon.com/ap/oa",
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method", scope="profile"
            ),
        ),
        # the same page, "Access Token Request" and "Access Token Response"
        DocumentedRequest(
            "POST",
            "https://api.amazon.com/auth/o2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            answer={
                "access_token": "Atza|IQEBLjAsAhRmHjNgHpi0U-Dme37rR6CuUpSR",
                "token_type": "bearer",
                "expires_in": 3600,
                "refresh_token": "Atzr|IQEBLzAtAhRPpMJxdwVz2Nn6f2y-tpJX2DeX",
            },
        ),
        # https://developer.amazon.com/docs/login-with-amazon/obtain-customer-profile.html
        # The answer: https://developer.amazon.com/docs/login-with-amazon/customer-profile.html#profile
        DocumentedRequest(
            "GET",
            "https://api.amazon.com/user/profile",
            headers={"Authorization": "Bearer {access_token}"},
            answer={"email": "johndoe@gmail.com", "name": "John Doe", "user_id": "amzn1.account.K2LI23KL2LK2"},
        ),
    )
    documented_ids = (PersonId.union_id("amzn1.account.K2LI23KL2LK2"),)
    documented_profile = Profile(nickname="John Doe")

    def union_id(self, person: str) -> str:
        """Return the id of the person with the key `person`, in the form of Amazon's."""
        return f"amzn1.account.{super().union_id(person)[:28].upper()}"

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, whose tokens have a bar in them."""
        return {"access_token": token, "token_type": "bearer", "expires_in": 3600, "refresh_token": f"Atzr|{token}"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the profile, which has no picture."""
        email = f"{person.key}@mail.example"
        return {"user_id": self.union_id(person.key), "email": email, "name": person.nickname}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error with the request's id."""
        return {**super().error_answer(code), "request_id": "bef0c2f8-e292-4l96-8c95-8833fbd559df"}
