"""Weibo's sandbox: the person's id in the token answer, numbers as texts, a number and a word in each error.

Token: https://open.weibo.com/wiki/OAuth2/access_token
Profile: https://open.weibo.com/wiki/2/users/show
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
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
    documented = (
        # https://open.weibo.com/wiki/Oauth2/authorize (response_type is in the example alone)
        DocumentedRequest(
            "GET",
            "https://api.weibo.com/oauth2/authorize",
            query=of_login("response_type client_id redirect_uri state", display="mobile"),
            optional=("scope", "display", "forcelogin", "language"),
        ),
        # https://open.weibo.com/wiki/OAuth2/access_token
        DocumentedRequest(
            "POST",
            "https://api.weibo.com/oauth2/access_token",
            form=of_login("grant_type client_id client_secret code redirect_uri"),
            answer={
                "access_token": "ACCESS_TOKEN",
                "expires_in": "7200",
                "remind_in": "7200",
                "uid": "1404376560",
            },
        ),
        # https://open.weibo.com/wiki/2/users/show (idstr is in the table of the answer, and missing in the example)
        DocumentedRequest(
            "GET",
            "https://api.weibo.com/2/users/show.json",
            query={"access_token": "{access_token}", "uid": "{uid}"},
            answer={
                "id": 1404376560,
                "idstr": "1404376560",
                "screen_name": "zaku",
                "name": "zaku",
                "province": "11",
                "city": "5",
                "location": "北京 朝阳区",
                "description": "人生五十年，乃如梦如幻；有生斯有死，壮士复何憾。",
                "url": "http://blog.sina.com.cn/zaku",
                "profile_image_url": "http://tp1.sinaimg.cn/1404376560/50/0/1",
                "domain": "zaku",
                "gender": "m",
                "avatar_large": "http://tp1.sinaimg.cn/1404376560/180/0/1",
                "verified": False,
            },
        ),
    )
    documented_ids = (PersonId.user_id("1404376560"),)
    documented_profile = Profile(nickname="zaku", sex=1, face="https://tp1.sinaimg.cn/1404376560/180/0/1")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the person's id."""
        uid = str(self.user_id(grant.person.key))
        return {"access_token": token, "expires_in": "7200", "remind_in": "7200", "uid": uid}

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
