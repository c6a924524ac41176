"""QQ's sandbox: calls by GET, `expires_in` as text, errors as JSONP, `ret` in the profile's answer.

A mini program's code is redeemed in the manner of WeChat: `errcode` in every answer.

Ids: https://wiki.connect.qq.com/unionid介绍
Profile: https://wiki.connect.qq.com/get_user_info
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, Refused, of_login
from connect_qq import QqProvider

BAD_JS_CODE = "40029"


class QqSandbox(OAuth2Sandbox):
    """One website app and mini program, with the right to unionid or without."""

    title = "QQ 沙箱 · QQ sandbox"
    provider = QqProvider
    client_id = "101000001"
    error_statuses = (200, 200)
    refusals = {"invalid_client": "100009", "invalid_grant": "100019", "invalid_token": "100016"}
    documented = (
        # https://wiki.connect.qq.com/使用authorization_code获取access_token (step 1)
        DocumentedRequest(
            "GET",
            "https://graph.qq.com/oauth2.0/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="get_user_info", display="mobile"),
            optional=("scope", "display"),
        ),
        # the same page, step 2
        DocumentedRequest(
            "GET",
            "https://graph.qq.com/oauth2.0/token",
            query=of_login("grant_type client_id client_secret code redirect_uri", fmt="json"),
            optional=("need_openid",),
            answer={"access_token": "YOUR_TOKEN", "expires_in": "7776000", "refresh_token": "YOUR_REFRESH"},
        ),
        # https://wiki.connect.qq.com/unionid介绍
        DocumentedRequest(
            "GET",
            "https://graph.qq.com/oauth2.0/me",
            query={"access_token": "{access_token}", "unionid": "1", "fmt": "json"},
            answer={"client_id": "YOUR_APPID", "openid": "YOUR_OPENID", "unionid": "YOUR_UNIONID"},
        ),
        # https://wiki.connect.qq.com/get_user_info (province and city are in the table of the answer alone)
        DocumentedRequest(
            "GET",
            "https://graph.qq.com/user/get_user_info",
            query=of_login("access_token openid", oauth_consumer_key="{client_id}"),
            optional=("format",),
            answer={
                "ret": 0,
                "msg": "",
                "is_lost": 0,
                "nickname": "Peter",
                "gender": "男",
                "province": "广东",
                "city": "深圳",
                "figureurl": "http://qzapp.qlogo.cn/qzapp/111111/942FEA70050EEAFBD4DCE2C1FC775E56/30",
                "figureurl_1": "http://qzapp.qlogo.cn/qzapp/111111/942FEA70050EEAFBD4DCE2C1FC775E56/50",
                "figureurl_2": "http://qzapp.qlogo.cn/qzapp/111111/942FEA70050EEAFBD4DCE2C1FC775E56/100",
                "figureurl_qq_1": "http://q.qlogo.cn/qqapp/100312990/DE1931D5330620DBD07FB4A5422917B6/40",
                "figureurl_qq_2": "http://q.qlogo.cn/qqapp/100312990/DE1931D5330620DBD07FB4A5422917B6/100",
                "is_yellow_vip": "1",
                "vip": "1",
                "yellow_vip_level": "7",
                "level": "7",
                "is_yellow_year_vip": "1",
            },
        ),
        # https://q.qq.com/wiki/develop/miniprogram/server/open_port/port_login.html (a table without an example; the
        # values are those of the example for websites)
        DocumentedRequest(
            "GET",
            "https://api.q.qq.com/sns/jscode2session",
            query={
                "appid": "{client_id}",
                "secret": "{client_secret}",
                "js_code": "{code}",
                "grant_type": "authorization_code",
            },
            answer={
                "errcode": 0,
                "errmsg": "",
                "openid": "YOUR_OPENID",
                "session_key": "SESSION_KEY",
                "unionid": "YOUR_UNIONID",
            },
            clients=("mini",),
        ),
    )
    documented_ids = (PersonId.union_id("YOUR_UNIONID"), PersonId.open_id("YOUR_OPENID", "{client_id}"))
    documented_profile = Profile(
        nickname="Peter",
        face="https://q.qlogo.cn/qqapp/100312990/DE1931D5330620DBD07FB4A5422917B6/100",
        sex=1,
        province="广东",
        city="深圳",
    )

    def __init__(self, *, has_unionid: bool = True, **options: Any) -> None:
        """`has_unionid` is False for an app that has not applied for the right to unionid.

        Other arguments are as for `Sandbox`.
        """
        super().__init__(**options)
        self.refused_extras = "" if has_unionid else "100048"

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; all values are texts."""
        return {"access_token": token, "expires_in": "7776000", "refresh_token": f"{token}R"}

    def id_answer(self, person: Person) -> dict[str, Any]:
        """Return the app's client id and the ids: the unionid only to an app with the right to it."""
        answer = {"client_id": self.client_id, "openid": self.open_id(person.key).upper()}
        union_id = f"UID_{self.union_id(person.key).upper()}"
        return answer if self.refused_extras else {**answer, "unionid": union_id}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the profile; QQ says 男 for a person who has stated no sex."""
        profile = {"nickname": person.nickname, "province": person.province, "city": person.city}
        gender = "女" if person.sex == 0 else "男"
        return {"ret": 0, "msg": "", "is_lost": 0, **profile, "gender": gender, "figureurl_qq_1": person.face}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return the ids with a session key, and no token: the unionid only to an app with the right to it."""
        ids = {name: value for name, value in self.id_answer(person).items() if name != "client_id"}
        return {"errcode": 0, "errmsg": "", "session_key": "c2Vzc2lvbiBrZXkgMTZieQ==", **ids}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the error with a number as its code; that of a mini program's code has the ids, which are empty."""
        if code == BAD_JS_CODE:
            return {"errcode": int(code), "errmsg": "made up by the sandbox", "openid": "", "session_key": ""}
        return {"error": int(code) if code.isdigit() else code, "error_description": "made up by the sandbox"}

    def _redeem_client_code(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        try:
            return super()._redeem_client_code(parameters, headers)
        except Refused as refused:
            raise Refused(BAD_JS_CODE) from refused

    def ids_of(self, person: Person) -> dict[str, str]:
        """Return the ids; QQ writes them in capitals."""
        return {**super().ids_of(person), "open_id": self.open_id(person.key).upper()}
