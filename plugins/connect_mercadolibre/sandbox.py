"""Mercado Libre's sandbox: the person's number in the token answer, errors with `message`, `status` and `cause`.

https://developers.mercadolibre.com.ar/en_us/authentication-and-authorization
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_mercadolibre import MercadoLibreProvider


class MercadoLibreSandbox(OAuth2Sandbox):
    """One application."""

    title = "Mercado Libre 沙箱 · Mercado Libre sandbox"
    provider = MercadoLibreProvider
    client_id = "1234567890123456"
    documented = (
        # https://developers.mercadolibre.com.ar/en_us/authentication-and-authorization (server side, step 1)
        DocumentedRequest(
            "GET",
            "https://auth.mercadolibre.com.ar/authorization",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
        ),
        # the same page, step 3
        DocumentedRequest(
            "POST",
            "https://api.mercadolibre.com/oauth/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            headers={"Accept": "application/json"},
            answer={
                "access_token": "APP_USR-123456-090515-8cc4448aac10d5105474e1351-1234567",
                "token_type": "bearer",
                "expires_in": 10800,
                "scope": "offline_access read write",
                "user_id": 1234567,
                "refresh_token": "TG-5b9032b4e23464aed1f959f-1234567",
            },
        ),
        # https://developers.mercadolibre.com.ar/en_us/users-and-applications (the answer without reputation and status)
        DocumentedRequest(
            "GET",
            "https://api.mercadolibre.com/users/me",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "id": 1234567,
                "nickname": "TETE2870021",
                "registration_date": "2016-06-06T16:24:33.000-04:00",
                "first_name": "Test",
                "last_name": "Test",
                "country_id": "AR",
                "email": "test_user_17889600@testuser.com",
                "user_type": "normal",
                "logo": None,
                "points": 100,
                "site_id": "MLA",
                "permalink": "http://perfil.mercadolibre.com.ar/TETE2870021",
                "thumbnail": None,
            },
        ),
    )
    documented_ids = (PersonId.user_id(1234567),)
    documented_profile = Profile(nickname="Test")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the person's number."""
        access = {"access_token": token, "token_type": "bearer", "expires_in": 10800}
        return {**access, "scope": "read", "user_id": self.user_id(grant.person.key)}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; the picture is null for somebody without one."""
        thumbnail = {"picture_id": "made-up", "picture_url": person.face} if person.face else None
        names = {"nickname": person.key.upper(), "first_name": person.nickname, "last_name": ""}
        return {"id": self.user_id(person.key), **names, "site_id": "MLA", "thumbnail": thumbnail}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the error with the HTTP status in its text."""
        return {"message": "made up by the sandbox", "error": code, "status": 400, "cause": []}
