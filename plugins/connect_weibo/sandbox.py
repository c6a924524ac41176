"""Weibo's sandbox: the person's id in the token answer, numbers as texts, a number and a word in each error.

Token: https://open.weibo.com/wiki/OAuth2/access_token
Profile: https://open.weibo.com/wiki/2/users/show
"""

from typing import Any

from connect_core.sandbox import Grant, OAuth2Sandbox, Person
from connect_weibo import WeiboProvider

WORDS = {"21324": "invalid_client", "21325": "invalid_grant", "21332": "invalid_access_token", "10008": "param error"}


class WeiboSandbox(OAuth2Sandbox):
    """One website app."""

    title = "微博沙箱 · Weibo sandbox"
    provider = WeiboProvider
    client_id = "1000000001"
    error_statuses = (400, 400)
    refusals = {
        "invalid_client": "21324",
        "invalid_grant": "21325",
        "invalid_token": "21332",
        "invalid_request": "10008",
    }

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the person's id."""
        uid = str(self.user_id(grant.person.key))
        return {"access_token": token, "expires_in": "7200", "remind_in": "7200", "uid": uid, "isRealName": "true"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, with the id both as a number and as a text."""
        uid = self.user_id(person.key)
        gender = "n" if person.sex is None else "fm"[person.sex]
        return {
            "id": uid,
            "idstr": str(uid),
            "screen_name": person.nickname,
            "avatar_large": person.face,
            "gender": gender,
        }

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the error as a word and a number, with the path of the call."""
        return {"error": WORDS.get(code, "refused"), "error_code": int(code), "request": "/oauth2/access_token"}
