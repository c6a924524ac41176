"""Lark's sandbox: a token call that takes JSON, a number `code` in every answer, and the person inside `data`.

Token: https://open.larksuite.com/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token
Person: https://open.larksuite.com/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_lark import LarkProvider

AVATAR = "https://www.feishu.cn/avatar/icon"
CONTACTS = {"email": "zhangsan@feishu.cn", "enterprise_email": "demo@mail.com", "mobile": "+86130002883xx"}
TENANT = "736588c92lxf175d"
OPEN_ID, UNION_ID = "ou-caecc734c2e3328a62489fe0648c4b98779515d3", "on-d89jhsdhjsajkda7828enjdj328ydhhw3u43yjhdj"
TOKEN_CALL = {"grant_type": "authorization_code", "client_id": "{client_id}", "client_secret": "{client_secret}"}
WEB_LOGIN = {"redirect_uri": "{redirect_uri}", "code_verifier": "{code_verifier}"}
TOKENS = {
    "token_type": "Bearer",
    "expires_in": 7200,
    "refresh_token_expires_in": 604800,
    "access_token": "eyJhbGciOiJFUzI1NiIs**********X6wrZHYKDxJkWwhdkrYg",
    "refresh_token": "eyJhbGciOiJFUzI1NiIs**********XXOYOZz1mfgIYHwM8ZJA",
    "scope": "auth:user.id:read offline_access task:task:read user_profile",
}


class LarkSandbox(OAuth2Sandbox):
    """One app in one company, with a web page and a mini program."""

    title = "Lark sandbox"
    provider = LarkProvider
    client_id = "cli_a5ca35a685b0x26e"
    code_life = 300
    refusals = {"invalid_token": "20005", "invalid_grant": "20003", "invalid_client": "20002"}
    documented = (
        # https://open.larksuite.com/document/common-capabilities/sso/api/obtain-oauth-code
        DocumentedRequest(
            "GET",
            "https://accounts.larksuite.com/open-apis/authen/v1/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
            optional=("scope",),
        ),
        # https://open.larksuite.com/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token
        DocumentedRequest(
            "POST",
            "https://open.larksuite.com/open-apis/authen/v2/oauth/token",
            json={**TOKEN_CALL, "code": "{code}", **WEB_LOGIN},
            optional=("scope",),
            answer={
                "code": 0,
                "expires_in": 7200,
                "refresh_token_expires_in": 604800,
                "token_type": "Bearer",
                **TOKENS,
            },
            clients=("pc", "h5"),
        ),
        # the same page; a mini program has no callback address, and tt.requestAccess takes no code challenge
        DocumentedRequest(
            "POST",
            "https://open.larksuite.com/open-apis/authen/v2/oauth/token",
            json={**TOKEN_CALL, "code": "{code}"},
            answer={
                "code": 0,
                "expires_in": 7200,
                "refresh_token_expires_in": 604800,
                "token_type": "Bearer",
                **TOKENS,
            },
            clients=("mini",),
        ),
        # https://open.larksuite.com/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
        DocumentedRequest(
            "GET",
            "https://open.larksuite.com/open-apis/authen/v1/user_info",
            headers={"Authorization": "Bearer {access_token}"},
            answer={
                "code": 0,
                "msg": "success",
                "data": {
                    "open_id": OPEN_ID,
                    "union_id": UNION_ID,
                    "user_id": "5d9bdxxx",
                    "tenant_key": TENANT,
                    "employee_no": "111222333",
                    **dict.fromkeys(("name", "en_name"), "zhangsan"),
                    "avatar_url": AVATAR,
                    **{f"avatar_{size}": f"{AVATAR}_{size}" for size in ("thumb", "middle", "big")},
                    **CONTACTS,
                },
            },
        ),
    )
    documented_ids = (PersonId.union_id(UNION_ID), PersonId.open_id(OPEN_ID, "{client_id}"))
    documented_profile = Profile(nickname="zhangsan", face=AVATAR)

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens beside the `code` of a success."""
        return {**super().token_answer(grant, token), "code": 0, "refresh_token": f"{token}R", "token_type": "Bearer"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, whose English name may be empty."""
        data = {
            "name": person.nickname,
            "en_name": "",
            "avatar_url": person.face,
            "union_id": "on-" + self.union_id(person.key),
            "open_id": "ou-" + self.open_id(person.key),
            "tenant_key": TENANT,
        }
        return {"data": data, "code": 0, "msg": "success"}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the number of the error beside the standard's words."""
        words = {"error": "invalid_grant", "error_description": "made up by the sandbox"}
        return {**words, "code": int(code)}
