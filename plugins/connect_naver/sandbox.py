"""Naver's sandbox: token errors with HTTP status 200, `expires_in` as text, the profile inside `response`.

https://developers.naver.com/docs/login/profile/profile.md
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_naver import NaverProvider


class NaverSandbox(OAuth2Sandbox):
    """One application."""

    title = "Naver 沙箱 · Naver sandbox"
    provider = NaverProvider
    error_statuses = (200, 401)
    refusals = {"invalid_grant": "invalid_request", "invalid_client": "unauthorized_client", "invalid_token": "024"}
    documented = (
        # https://developers.naver.com/docs/login/devguide/devguide.md#3-4-2
        DocumentedRequest(
            "GET",
            "https://nid.naver.com/oauth2.0/authorize",
            query=of_login("response_type client_id redirect_uri state"),
            optional=("scope", "auth_type"),
        ),
        # https://developers.naver.com/docs/login/devguide/devguide.md#3-4-4 lists no redirect_uri
        DocumentedRequest(
            "POST",
            "https://nid.naver.com/oauth2.0/token",
            form=of_login("grant_type client_id client_secret code state"),
            optional=("redirect_uri",),
            answer={
                "access_token": "AAAAQosjWDJieBiQZc3to9YQp6HDLvrmyKC+6+iZ3gq7qrkqf50ljZC+Lgoqrg",
                "refresh_token": "c8ceMEJisO4Se7uGisHoX0f5JEii7JnipglQipkOn5Zp3tyP7dHQoP0zNKHUq2gY",
                "token_type": "bearer",
                "expires_in": "3600",
            },
        ),
        # https://developers.naver.com/docs/login/profile/profile.md
        DocumentedRequest(
            "GET",
            "https://openapi.naver.com/v1/nid/me",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "resultcode": "00",
                "message": "success",
                "response": {
                    "email": "openapi@naver.com",
                    "nickname": "OpenAPI",
                    "profile_image": "https://ssl.pstatic.net/static/pwe/address/nodata_33x33.gif",
                    "age": "40-49",
                    "gender": "F",
                    "id": "32742776",
                    "name": "오픈 API",
                    "birthday": "10-01",
                    "birthyear": "1900",
                    "mobile": "010-0000-0000",
                },
            },
        ),
    )
    documented_ids = (PersonId.open_id("32742776", "{client_id}"),)
    documented_profile = Profile(
        nickname="OpenAPI", face="https://ssl.pstatic.net/static/pwe/address/nodata_33x33.gif", sex=0
    )

    def response_parameters(self, person: Person, login: Mapping[str, str]) -> dict[str, str]:
        """Return nothing: what the token call repeats is the state, which every callback has."""
        return {}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; all values are texts."""
        return {"access_token": token, "refresh_token": f"{token}r", "token_type": "bearer", "expires_in": "3600"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person inside `response`; U is a person who has stated no sex."""
        gender = "U" if person.sex is None else "FM"[person.sex]
        ids = {"id": self.open_id(person.key), "nickname": person.nickname, "gender": gender}
        return {"resultcode": "00", "message": "success", "response": {**ids, "profile_image": person.face}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a word of RFC 6749 from the token call, a number in `resultcode` from the profile's."""
        if code.isdigit():
            return {"resultcode": code, "message": "made up by the sandbox"}
        return super().error_answer(code)
