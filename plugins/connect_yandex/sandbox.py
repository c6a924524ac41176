"""Yandex's sandbox: the token behind the word OAuth, numbers as texts, the id of a picture in place of its address.

https://yandex.com/dev/id/doc/en/user-information
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_yandex import YandexProvider


class YandexSandbox(OAuth2Sandbox):
    """One app."""

    title = "Yandex 沙箱 · Yandex sandbox"
    provider = YandexProvider
    documented = (
        # https://yandex.com/dev/id/doc/en/codes/code-url#code
        DocumentedRequest(
            "GET",
            "https://oauth.yandex.com/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
            optional=("device_id", "device_name", "login_hint", "scope", "optional_scope", "force_confirm"),
        ),
        # https://yandex.com/dev/id/doc/en/codes/code-url#token (the page has no redirect_uri; RFC 6749 §4.1.3 has)
        DocumentedRequest(
            "POST",
            "https://oauth.yandex.com/token",
            form=of_login("grant_type client_id client_secret code code_verifier"),
            optional=("device_id", "device_name", "redirect_uri"),
            answer={
                "token_type": "bearer",
                "access_token": "AQAAAACy1C6ZAAAAfa6vDLuItEy8pg-iIpnDxIs",
                "expires_in": 124234123534,
                "refresh_token": "1:GN686QVt0mmakDd9:A4pYuW9LGk0_UnlrMIWklkAuJkUWbq27loFekJVmSYrdfzdePBy7",
                "scope": "login:info login:avatar",
            },
        ),
        # https://yandex.com/dev/id/doc/en/user-information#request (the answer without e-mail addresses and birthday)
        DocumentedRequest(
            "GET",
            "https://login.yandex.ru/info",
            query={"format": "json"},
            headers={"Authorization": "OAuth {access_token}"},
            optional=("format",),
            answer={
                "first_name": "Ivan",
                "last_name": "Ivanov",
                "display_name": "ivan",
                "real_name": "Ivan Ivanov",
                "is_avatar_empty": False,
                "login": "ivan",
                "sex": "male",
                "id": "1000034426",
                "client_id": "4760187d81bc4b7799476b42b5103713",
                "psuid": "1.AAceCw.tbHgw5DtJ9_zeqPrk-Ba2w.qPWSRC5v2t2IaksPJgnge",
                "default_avatar_id": "131652443",
            },
        ),
    )
    documented_ids = (PersonId.user_id("1000034426"),)
    documented_profile = Profile(
        nickname="ivan", face="https://avatars.yandex.net/get-yapic/131652443/islands-200", sex=1
    )

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; a token is valid for a year."""
        return {"token_type": "bearer", "access_token": token, "expires_in": 31536000, "refresh_token": f"1:{token}"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person with the id of a picture."""
        return {
            "display_name": person.nickname,
            "is_avatar_empty": not person.face,
            "login": person.key,
            "sex": None,
            "id": str(self.user_id(person.key)),
            "client_id": self.client_id,
            "default_avatar_id": f"0/{self.user_id(person.key)}-0",
        }
