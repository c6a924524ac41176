"""JD's sandbox: `code` 0 in every token answer, a signed gateway, errors in `error_response`.

From libraries, not the vendor's page: justauth/JustAuth, XiBao/jos
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_jd import JdProvider

GATEWAY_ERRORS = {"12": "无效签名", "19": "无效access_token"}


class JdSandbox(OAuth2Sandbox):
    """One application."""

    title = "京东沙箱 · JD sandbox"
    provider = JdProvider
    client_id = "0123456789ABCDEF0123456789ABCDEF"
    error_statuses = (200, 200)
    refusals = {"invalid_token": "19", "invalid_grant": "400", "invalid_client": "401", "invalid_request": "400"}
    no_outcomes = "JD's numbers of errors are on a page that could not be read"
    documented = (
        # https://open.healthjd.com/docs/接入指南/开放平台-用户授权
        DocumentedRequest(
            "GET",
            "https://open-oauth.jd.com/oauth2/to_login",
            query=of_login("response_type redirect_uri state", app_key="{client_id}", scope="snsapi_base"),
        ),
        # XiBao/jos, sdk/client.go; the answer is one that a user of the platform recorded in 2024
        DocumentedRequest(
            "GET",
            "https://open-oauth.jd.com/oauth2/access_token",
            query={
                "app_key": "{client_id}",
                "app_secret": "{client_secret}",
                "grant_type": "authorization_code",
                "code": "{code}",
            },
            answer={
                "access_token": "c9f997d0e44d4f118033c6e8e329f9e0zdbl",
                "expires_in": 31535999,
                "refresh_token": "c293b96a03a94013a471e50ebc3d2f9czi5m",
                "scope": "snsapi_base",
                "open_id": "PjmgY-ntsszAW81q9NRErnrUTVHhD-HC64HuspupG8Q",
                "uid": "8474668550",
                "time": 1709518959147,
                "token_type": "bearer",
                "code": 0,
                "xid": "o*AASTnxHZ0sdNj9M3XhiMqYf0NTViY_IfFlQem3U6w1lv-neCalw",
            },
        ),
        # parameters and names in the answer: justauth/JustAuth, AuthJdRequest.java (the values are made up)
        # the method: XiBao/jos, sdk/client.go
        DocumentedRequest(
            "GET",
            "https://api.jd.com/routerjson",
            query={
                "access_token": "{access_token}",
                "app_key": "{client_id}",
                "method": "jingdong.user.getUserInfoByOpenId",
                "360buy_param_json": "{*}",
                "timestamp": "{*}",
                "v": "2.0",
                "sign": "{*}",
            },
            answer={
                "jingdong_user_getUserInfoByOpenId_responce": {
                    "getuserinfobyappidandopenid_result": {
                        "code": 0,
                        "data": {"gendar": 2, "nickName": "nickName", "imageUrl": "https://img.example/1.png"},
                    },
                    "code": "0",
                }
            },
        ),
    )
    documented_ids = (PersonId.open_id("PjmgY-ntsszAW81q9NRErnrUTVHhD-HC64HuspupG8Q", "{client_id}"),)
    documented_profile = Profile(nickname="nickName", face="https://img.example/1.png")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing: see `no_outcomes`."""
        return {}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, which names the person."""
        token_type = {"expires_in": 31535999, "time": int(self.now() * 1000), "token_type": "bearer", "code": 0}
        return {"access_token": token, "open_id": self.open_id(grant.person.key), "scope": grant.scope, **token_type}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person inside two envelopes, in JD's spelling."""
        data = {"nickName": person.nickname, "imageUrl": person.face, "gendar": 2}
        result = {"getuserinfobyappidandopenid_result": {"code": 0, "data": data}, "code": "0"}
        return {"jingdong_user_getUserInfoByOpenId_responce": result}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error of the gateway, or one of the token call."""
        if code in GATEWAY_ERRORS:
            return {"error_response": {"code": code, "zh_desc": GATEWAY_ERRORS[code], "en_desc": "refused"}}
        return {"code": int(code), "msg": "made up by the sandbox", "requestId": "f8b7"}

    def write(self, answer: dict[str, Any], request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as text; a call of the gateway with a wrong signature is refused."""
        is_refused = operation == "userinfo" and not is_error and not self._is_signed(request.query_params)
        return super().write(self.error_answer("12") if is_refused else answer, request, operation, is_error=is_error)

    def _is_signed(self, sent: Mapping[str, str]) -> bool:
        names = sorted(name for name in sent if name != "sign")
        text = self.client_secret + "".join(f"{name}{sent[name]}" for name in names) + self.client_secret
        return sent.get("sign") == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
