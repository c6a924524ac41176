"""Taobao's sandbox: the person in the token answer, with an encoded nickname; newer applications get no account number.

From libraries, not the vendor's page: justauth/JustAuth, overtrue/socialite
"""

from typing import Any
from urllib.parse import quote_plus

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, of_login
from connect_taobao import TaobaoProvider


class TaobaoSandbox(OAuth2Sandbox):
    """One application. `has_user_ids = False` makes it a newer one, which sees `-1` in place of account numbers."""

    title = "淘宝沙箱 · Taobao sandbox"
    provider = TaobaoProvider
    client_id = "23075594"
    has_user_ids = True
    documented = (
        # https://open.alitrip.com/docs/doc.htm?articleId=102635&docType=1
        DocumentedRequest(
            "GET",
            "https://oauth.taobao.com/authorize",
            query=of_login("response_type client_id redirect_uri state", view="web"),
            clients=("pc",),
        ),
        # the same page: "wap" is the page for phones
        DocumentedRequest(
            "GET",
            "https://oauth.taobao.com/authorize",
            query=of_login("response_type client_id redirect_uri state", view="wap"),
            clients=("h5",),
        ),
        # the same page; the answer is one that a user of the platform recorded in 2021, with other ids
        DocumentedRequest(
            "POST",
            "https://oauth.taobao.com/token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            optional=("state", "view"),
            answer={
                "w1_expires_in": 15552000,
                "refresh_token_valid_time": 1629099007907,
                "taobao_user_nick": "%E6%97%97%E8%88%B0%E5%BA%97",
                "re_expires_in": 0,
                "expire_time": 1644651007907,
                "token_type": "Bearer",
                "access_token": "62008075ad4f736ZZf6ffa49",
                "taobao_open_uid": "AAHa7xgfANpuroaKi4u7Muqf",
                "w1_valid": 1644651007907,
                "refresh_token": "6200407c3401a24ZZ0afd07",
                "r1_expires_in": 15552000,
                "taobao_user_id": "2207644947900",
                "expires_in": 15552000,
            },
        ),
    )
    documented_ids = (
        PersonId.user_id("2207644947900"),
        PersonId.open_id("AAHa7xgfANpuroaKi4u7Muqf", "{client_id}"),
    )
    documented_profile = Profile(nickname="旗舰店")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the person."""
        person = grant.person
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 15552000,
            "re_expires_in": 0,
            "taobao_user_nick": quote_plus(person.nickname),
            "taobao_user_id": str(self.user_id(person.key)) if self.has_user_ids else "-1",
            "taobao_open_uid": self.open_id(person.key),
        }
