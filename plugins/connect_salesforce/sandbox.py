"""Salesforce's sandbox: people of two orgs, a plain text for a token that is not valid.

https://help.salesforce.com/HTViewHelpDoc?id=remoteaccess_using_userinfo_endpoint.htm
"""

from typing import Any

from starlette.requests import Request

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_salesforce import SalesforceProvider

ORGS = ("00Dx0000001T0zkEAC", "00Dx0000000BV7zEAG")


class SalesforceSandbox(OAuth2Sandbox):
    """One connected app."""

    title = "Salesforce 沙箱 · Salesforce sandbox"
    provider = SalesforceProvider
    error_statuses = (400, 403)
    documented = (
        # https://help.salesforce.com/HTViewHelpDoc?id=remoteaccess_oauth_web_server_flow.htm
        DocumentedRequest(
            "GET",
            "https://login.salesforce.com/services/oauth2/authorize",
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method",
                scope="openid profile",
            ),
            # the page lists code_challenge alone: "the SHA256 hash value of the code_verifier"
            optional=("code_challenge_method", "display", "login_hint", "nonce", "prompt"),
        ),
        # the same page
        DocumentedRequest(
            "POST",
            "https://login.salesforce.com/services/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            answer={
                "access_token": "00Dx0000000BV7z!AR8AQAxo9UfVkh8AlV0Gomt9Czx9LjHnSSpwBMmb",
                "signature": "0CmxinZir53Yex7nE0TD+zMpvIWYGb/bdJh6XfOH6EQ=",
                "scope": "openid profile",
                "id_token": "eyJraWQiOiIyMjAiLCJhbGciOiJSUzI1NiJ9.e30.c2ln",
                "instance_url": "https://MyDomainName.my.salesforce.com",
                "id": "https://login.salesforce.com/id/00Dx0000000BV7zEAG/005x00000012Q9PAAU",
                "token_type": "Bearer",
                "issued_at": "1278448384422",
            },
        ),
        # https://help.salesforce.com/HTViewHelpDoc?id=remoteaccess_using_userinfo_endpoint.htm (without addresses)
        DocumentedRequest(
            "GET",
            "https://login.salesforce.com/services/oauth2/userinfo",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "sub": "https://login.salesforce.com/id/00Dx0000001T0zkEAC/005x0000001S2b9AAC",
                "user_id": "005x0000001S2b9AAC",
                "organization_id": "00Dx0000001T0zkEAC",
                "preferred_username": "admin1@2060747062579699.com",
                "nickname": "admin1.2777578168398293E12",
                "name": "Alan Van",
                "email": "admin@2060747062579699.com",
                "email_verified": True,
                "given_name": "Alan",
                "family_name": "Van",
                "zoneinfo": "America/Los_Angeles",
                "active": True,
                "user_type": "STANDARD",
                "language": "en_US",
                "locale": "en_US",
                "utcOffset": -28800000,
            },
        ),
    )
    documented_ids = (PersonId.union_id("005x0000001S2b9AAC", "00Dx0000001T0zkEAC"),)
    documented_profile = Profile(nickname="Alan Van")

    def org(self, person: str) -> str:
        """Return the id of the org of the person with the key `person`."""
        return ORGS[len(person) % 2]

    def union_id(self, person: str) -> str:
        """Return the id of the person with the key `person` in their org: eighteen characters."""
        return f"005{super().union_id(person)[1:16]}"

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the address that names the person, and a time as text."""
        person = grant.person.key
        return {
            "access_token": token,
            "signature": "0CmxinZir53Yex7nE0TD+zMpvIWYGb/bdJh6XfOH6EQ=",
            "scope": grant.scope,
            "instance_url": "https://MyDomainName.my.salesforce.com",
            "id": f"https://login.salesforce.com/id/{self.org(person)}/{self.union_id(person)}",
            "token_type": "Bearer",
            "issued_at": str(int(self.now() * 1000)),
        }

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return user-info."""
        key = person.key
        return {
            "sub": f"https://login.salesforce.com/id/{self.org(key)}/{self.union_id(key)}",
            "user_id": self.union_id(key),
            "organization_id": self.org(key),
            "preferred_username": f"{key}@org.example",
            "nickname": key,
            "name": person.nickname,
            "active": True,
            "language": "zh_CN",
        }

    def write(self, answer: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as JSON; a token that is not valid is answered with two words."""
        if is_error and operation == "userinfo":
            return "Bad_OAuth_Token"
        return super().write(answer, request, operation, is_error=is_error)
