"""Feishu's sandbox: a number `code` in every answer, user-info inside `data`, PKCE enforced.

Token: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token-v3
Person: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_feishu import FeishuProvider

TOKENS = {
    "code": 0,
    "access_token": "eyJhbGciOiJFUzI1NiIs**********X6wrZHYKDxJkWwhdkrYg",
    "expires_in": 7200,
    "refresh_token": "eyJhbGciOiJFUzI1NiIs**********XXOYOZz1mfgIYHwM8ZJA",
    "refresh_token_expires_in": 604800,
    "scope": "auth:user.id:read offline_access task:task:read user_profile",
    "token_type": "Bearer",
}


class FeishuSandbox(OAuth2Sandbox):
    """One app in one company, with a web page and a mini program."""

    title = "飞书沙箱 · Feishu sandbox"
    provider = FeishuProvider
    client_id = "cli_a5ca35a685b0x26e"
    code_life = 300
    refusals = {"invalid_client": "20002", "invalid_grant": "20003", "invalid_token": "20005"}
    documented = (
        # https://open.feishu.cn/document/common-capabilities/sso/api/obtain-oauth-code
        DocumentedRequest(
            "GET",
            "https://accounts.feishu.cn/open-apis/authen/v1/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
            optional=("scope", "prompt"),
        ),
        # https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token-v3
        DocumentedRequest(
            "POST",
            "https://accounts.feishu.cn/oauth/v3/token",
            form=of_login("grant_type client_id client_secret code redirect_uri code_verifier"),
            optional=("scope",),
            answer=TOKENS,
            clients=("pc", "h5"),
        ),
        # the same page; tt.requestAccess of a mini program takes neither callback address nor code challenge
        # https://open.feishu.cn/document/uYjL24iN/uUzMuUzMuUzM/requestaccess
        DocumentedRequest(
            "POST",
            "https://accounts.feishu.cn/oauth/v3/token",
            form=of_login("grant_type client_id client_secret code"),
            answer=TOKENS,
            clients=("mini",),
        ),
        # https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
        DocumentedRequest(
            "GET",
            "https://open.feishu.cn/open-apis/authen/v1/user_info",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "code": 0,
                "msg": "success",
                "data": {
                    "name": "zhangsan",
                    "en_name": "zhangsan",
                    "avatar_url": "https://www.feishu.cn/avatar/icon",
                    "avatar_thumb": "https://www.feishu.cn/avatar/icon_thumb",
                    "avatar_middle": "https://www.feishu.cn/avatar/icon_middle",
                    "avatar_big": "https://www.feishu.cn/avatar/icon_big",
                    "open_id": "ou-caecc734c2e3328a62489fe0648c4b98779515d3",
                    "union_id": "on-d89jhsdhjsajkda7828enjdj328ydhhw3u43yjhdj",
                    "email": "zhangsan@feishu.cn",
                    "enterprise_email": "demo@mail.com",
                    "user_id": "5d9bdxxx",
                    "mobile": "+86130002883xx",
                    "tenant_key": "736588c92lxf175d",
                    "employee_no": "111222333",
                },
            },
        ),
    )
    documented_ids = (
        PersonId.union_id("on-d89jhsdhjsajkda7828enjdj328ydhhw3u43yjhdj"),
        PersonId.open_id("ou-caecc734c2e3328a62489fe0648c4b98779515d3", "{client_id}"),
    )
    documented_profile = Profile(nickname="zhangsan", face="https://www.feishu.cn/avatar/icon")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer, with the `code` that means no error."""
        return {"code": 0, **super().token_answer(grant, token), "token_type": "Bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person inside `data`."""
        ids = {"open_id": f"ou-{self.open_id(person.key)}", "union_id": f"on-{self.union_id(person.key)}"}
        profile = {"name": person.nickname, "en_name": "", "avatar_url": person.face, "tenant_key": "736588c92lxf175d"}
        return {"code": 0, "msg": "success", "data": {**ids, **profile}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return Feishu's number and a word of RFC 6749."""
        return {"code": int(code), "error": "invalid_request", "error_description": "made up by the sandbox"}
