"""Odnoklassniki's sandbox: signed calls, ids as texts, a number and a text in each error of the API.

https://apiok.ru/en/dev/methods/rest/users/users.getCurrentUser
"""

from collections.abc import Mapping
from hashlib import md5
from typing import Any

from connect_core.plugin import ClientType, PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, Refused, of_login
from connect_odnoklassniki import OdnoklassnikiProvider

PUBLIC_KEY = "CBASANDBOXKEY"
PICTURE = "https://i.mycdn.me/res/stub_128x96.gif"


def sign(parameters: Mapping[str, str], secret: str) -> str:
    """Return `sig` of a call: MD5 of its sorted parameters and of a session key (https://apiok.ru/en/dev/methods/)."""
    session_key = md5(f"{parameters['access_token']}{secret}".encode(), usedforsecurity=False).hexdigest()
    names = sorted(parameters.keys() - {"access_token", "sig"})
    text = "".join(f"{name}={parameters[name]}" for name in names)
    return md5(f"{text}{session_key}".encode(), usedforsecurity=False).hexdigest()


class OdnoklassnikiSandbox(OAuth2Sandbox):
    """One app."""

    title = "Odnoklassniki 沙箱 · Odnoklassniki sandbox"
    provider = OdnoklassnikiProvider
    client_id = "1234567890"
    error_statuses = (400, 200)
    refusals = {"invalid_token": "103"}
    documented = (
        # https://apiok.ru/en/ext/oauth/server (1)
        DocumentedRequest(
            "GET",
            "https://connect.ok.ru/oauth/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="VALUABLE_ACCESS", layout="m"),
            optional=("layout", "state"),
        ),
        # the same page (4)
        DocumentedRequest(
            "POST",
            "https://api.ok.ru/oauth/token.do",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "kjdhfldjfhgldsjhfglkdjfg9ds8fg0sdf8gsd8fg",
                "token_type": "session",
                "refresh_token": "klsdjhf0e9dyfasduhfpasdfasdfjaspdkfjp",
                "expires_in": "1800",
            },
        ),
        # https://apiok.ru/en/dev/methods/rest/users/users.getCurrentUser (the answer without birthday and place)
        DocumentedRequest(
            "GET",
            "https://api.ok.ru/fb.do",
            query=of_login("application_key access_token", format="json", method="users.getCurrentUser", sig="{*}"),
            optional=("fields",),
            answer={
                "uid": "123456",
                "first_name": "Vasya",
                "last_name": "Ivanov",
                "name": "Vasya Ivanov",
                "locale": "ru",
                "gender": "male",
                "pic_1": "https://i.mycdn.me/res/stub_50x50.gif",
                "pic_2": PICTURE,
                "pic_3": PICTURE,
            },
        ),
    )
    documented_ids = (PersonId.user_id("123456"),)
    documented_profile = Profile(nickname="Vasya Ivanov", face=PICTURE, sex=1)

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings with the public key."""
        return {**super().settings(base_url, client_type), "application_key": PUBLIC_KEY}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the token is valid for half an hour."""
        return {"access_token": token, "token_type": "session", "refresh_token": f"r{token}", "expires_in": "1800"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person."""
        names = {"name": person.nickname, "first_name": person.nickname}
        return {"uid": str(self.user_id(person.key)), **names, "pic_3": person.face}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error: of the API with a number, of the token call with a word."""
        if code.isdecimal():
            return {"error_code": int(code), "error_msg": "made up by the sandbox", "error_data": None}
        return super().error_answer(code)

    def check_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Check the public key and the signature."""
        if parameters.get("application_key") != PUBLIC_KEY:
            raise Refused("101", "application_key is missing or wrong")
        if parameters.get("sig") != sign({"access_token": "", **parameters}, self.client_secret):
            raise Refused("104", "sig is missing or wrong")
