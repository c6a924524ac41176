"""Feishu's sandbox: a number `code` in every answer, user-info inside `data`, PKCE enforced.

Token: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token-v3
Person: https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/authen-v1/user_info/get
"""

from typing import Any

from connect_core.sandbox import Grant, OAuth2Sandbox, Person
from connect_feishu import FeishuProvider


class FeishuSandbox(OAuth2Sandbox):
    """One app in one company."""

    title = "飞书沙箱 · Feishu sandbox"
    provider = FeishuProvider
    client_id = "cli_a5ca35a685b0x26e"
    code_life = 300
    refusals = {"invalid_client": "20002", "invalid_grant": "20003", "invalid_token": "20005"}

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
