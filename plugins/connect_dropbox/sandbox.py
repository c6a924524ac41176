"""Dropbox's sandbox: the account in the token answer, errors of calls as objects with a tag.

https://www.dropbox.com/developers/documentation/http/documentation
Errors of calls: https://github.com/dropbox/dropbox-api-spec/blob/main/auth.stone
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_dropbox import DropboxProvider

AUTH_ERRORS = {
    "invalid_access_token": "code_invalid",
    "expired_access_token": "code_invalid",
    "user_suspended": "provider_denied",
    "missing_scope": "provider_config",
    "route_access_denied": "provider_config",
}
"""The union AuthError of the specification, with our codes, without what concerns teams alone."""
PHOTO = "https://dl-web.dropbox.com/account_photo/get/dbaphid%3AAAHWGmIXV3sUuOmBfTz0wPsiqHUpBWvv3ZA?vers=1&size=128x128"


class DropboxSandbox(OAuth2Sandbox):
    """One app."""

    title = "Dropbox 沙箱 · Dropbox sandbox"
    provider = DropboxProvider
    refusals = {"invalid_token": "invalid_access_token"}
    documented = (
        # https://www.dropbox.com/developers/documentation/http/documentation#authorization, /oauth2/authorize
        DocumentedRequest(
            "GET",
            "https://www.dropbox.com/oauth2/authorize",
            query=of_login(
                "response_type client_id redirect_uri state code_challenge code_challenge_method",
                scope="account_info.read",
            ),
            optional=("token_access_type", "include_granted_scopes", "force_reapprove", "locale"),
        ),
        # the same page, /oauth2/token (without the id_token, which needs OpenID scopes)
        DocumentedRequest(
            "POST",
            "https://api.dropboxapi.com/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            answer={
                "access_token": "sl.AbX9y6Fe3AuH5o66-gmJpR032jwAwQPIVVzWXZNkdzcYT02akC2de219dZi6gxYPVnYPrpvISRSf9lxK",
                "expires_in": 14400,
                "token_type": "bearer",
                "scope": "account_info.read files.content.read files.content.write",
                "account_id": "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc",
                "uid": "12345",
            },
        ),
        # https://www.dropbox.com/developers/documentation/http/documentation#users-get_current_account (no body)
        DocumentedRequest(
            "POST",
            "https://api.dropboxapi.com/2/users/get_current_account",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "account_id": "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc",
                "account_type": {".tag": "business"},
                "country": "US",
                "disabled": False,
                "email": "franz@dropbox.com",
                "email_verified": True,
                "is_paired": True,
                "locale": "en",
                "name": {
                    "abbreviated_name": "FF",
                    "display_name": "Franz Ferdinand (Personal)",
                    "familiar_name": "Franz",
                    "given_name": "Franz",
                    "surname": "Ferdinand",
                },
                "profile_photo_url": PHOTO,
                "referral_link": "https://db.tt/ZITNuhtI",
                "root_info": {".tag": "user", "home_namespace_id": "3235641", "root_namespace_id": "3235641"},
            },
        ),
    )
    documented_ids = (PersonId.user_id("dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc"),)
    documented_profile = Profile(nickname="Franz Ferdinand (Personal)", face=PHOTO)

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the account."""
        account = {"account_id": self._account_id(grant.person), "uid": str(self.user_id(grant.person.key))}
        return {"access_token": token, "expires_in": 14400, "token_type": "bearer", "scope": grant.scope, **account}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the account."""
        name = {"display_name": person.nickname, "familiar_name": person.nickname}
        account = {"account_id": self._account_id(person), "account_type": {".tag": "basic"}, "disabled": False}
        return {**account, "name": name, "profile_photo_url": person.face}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error of the token call, or of a call with a token."""
        if code in AUTH_ERRORS:
            details = {"required_scope": "account_info.read"} if code == "missing_scope" else {}
            return {"error_summary": f"{code}/..", "error": {".tag": code, **details}}
        return {"error": code, "error_description": "made up by the sandbox"}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the errors of both calls."""
        return {**super().get_outcomes(), **AUTH_ERRORS}

    def write(self, answer: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as text; a call without arguments whose body is a form is refused."""
        is_form = operation == "userinfo" and "form" in request.headers.get("content-type", "")
        return (
            'Error: Bad HTTP "Content-Type" header'
            if is_form
            else super().write(answer, request, operation, is_error=is_error)
        )

    def _account_id(self, person: Person) -> str:
        return f"dbid:{self.union_id(person.key)}"
