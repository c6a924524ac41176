"""Xiaomi's sandbox: `&&&START&&&` before the token answer, the profile inside `data`.

Token: https://dev.mi.com/xiaomihyperos/documentation/detail?pId=1708
Person: https://xiaomi-passport.github.io/open-api.html
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_xiaomi import XiaomiProvider


class XiaomiSandbox(OAuth2Sandbox):
    """One app."""

    title = "小米沙箱 · Xiaomi sandbox"
    provider = XiaomiProvider
    client_id = "2882303761517000001"
    error_statuses = (200, 200)
    no_outcomes = "no list of Xiaomi's numbers was read"
    documented = (
        # https://dev.mi.com/xiaomihyperos/documentation/detail?pId=1708
        DocumentedRequest(
            "GET",
            "https://account.xiaomi.com/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="1", skip_confirm="false"),
        ),
        # the same page; union_id: https://github.com/logto-io/logto (the example has words for all values)
        DocumentedRequest(
            "POST",
            "https://account.xiaomi.com/oauth2/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer='&&&START&&&{"access_token":"V3_7jPAzjkX1Xe0","expires_in":7776000,"refresh_token":"R3_6kQBykL",'
            '"scope":"1","token_type":"mac","mac_algorithm":"HmacSha1","mac_key":"mfJ3Q0","openId":"2.0XyZ",'
            '"union_id":"U-2.0AbC"}',
        ),
        # https://xiaomi-passport.github.io/open-api.html (the example has words for all values)
        DocumentedRequest(
            "GET",
            "https://open.account.xiaomi.com/user/profile",
            query={"clientId": "{client_id}", "token": "{access_token}"},
            answer={
                "result": "ok",
                "code": 0,
                "description": "成功",
                "data": {
                    "unionId": "U-2.0AbC",
                    "miliaoNick": "米粉",
                    "miliaoIcon": "https://s1.mi-img.com/head.jpg",
                },
            },
        ),
    )
    documented_ids = (PersonId.union_id("U-2.0AbC"), PersonId.open_id("2.0XyZ", "{client_id}"))
    documented_profile = Profile(nickname="米粉", face="https://s1.mi-img.com/head.jpg")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing, see `no_outcomes`."""
        return {}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens with both ids."""
        ids = {"openId": self.open_id(grant.person.key), "union_id": self.union_id(grant.person.key)}
        tokens = {"access_token": token, "expires_in": 7776000, "refresh_token": f"{token}R", "scope": grant.scope}
        return {**tokens, "token_type": "mac", "mac_algorithm": "HmacSha1", "mac_key": "made-up", **ids}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person; there is no picture of somebody who has none."""
        picture = {"miliaoIcon": person.face} if person.face else {}
        data = {"unionId": self.union_id(person.key), "miliaoNick": person.nickname, **picture}
        return {"result": "ok", "code": 0, "description": "成功", "data": data}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error; its number is made up."""
        return {"result": "error", "code": 1, "description": f"{code}: made up by the sandbox"}

    def write(self, answer: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as JSON, that of the token call behind `&&&START&&&`."""
        text = super().write(answer, request, operation, is_error=is_error)
        return text if operation == "token" else text.removeprefix(self.quirks.prefix)
