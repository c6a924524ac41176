"""Xiaohongshu's sandbox: the app's own token in the call that redeems a code, answers inside `data`.

Experimental: from third parties, who read https://miniapp.xiaohongshu.com/doc/DC414670.
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId
from connect_core.sandbox import DocumentedRequest, OAuth2Sandbox, Person
from connect_xiaohongshu import XiaohongshuProvider


class XiaohongshuSandbox(OAuth2Sandbox):
    """One mini program."""

    title = "小红书沙箱 · Xiaohongshu sandbox"
    provider = XiaohongshuProvider
    client_id = "sandbox0000000000000001"
    code_life = 300
    error_statuses = (200, 200)
    no_outcomes = "the vendor's list of errors was not read"
    documented = (
        # https://miniapp.xiaohongshu.com/doc/DC010382 (the values of the answer are made up)
        DocumentedRequest(
            "POST",
            "https://miniapp.xiaohongshu.com/api/rmp/token",
            json={"appid": "{client_id}", "secret": "{client_secret}"},
            answer={
                "data": {"access_token": "xhs-app-token-0123456789", "expire_in": 7200},
                "success": True,
                "msg": "成功",
                "code": 0,
            },
        ),
        # https://miniapp.xiaohongshu.com/doc/DC414670 (the values of the answer are made up)
        DocumentedRequest(
            "GET",
            "https://miniapp.xiaohongshu.com/api/rmp/session",
            query={"app_id": "{client_id}", "access_token": "{access_token}", "code": "{code}"},
            answer={
                "data": {"openid": "xhs0123456789abcdef", "session_key": "bWFkZS11cC1zZXNzaW9uLWtl"},
                "success": True,
                "msg": "成功",
                "code": 0,
            },
        ),
    )
    documented_ids = (PersonId.open_id("xhs0123456789abcdef", "{client_id}"),)

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing, see `no_outcomes`."""
        return {}

    def app_token_answer(self, token: str) -> dict[str, Any]:
        """Return the app's own token."""
        return {"data": {"access_token": token, "expire_in": 7200}, "success": True, "msg": "成功", "code": 0}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return the open id and the key of the session; there is no access token."""
        data = {"openid": self.open_id(person.key), "session_key": "made-up-session-key"}
        return {"data": data, "success": True, "msg": "成功", "code": 0}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error; its number is made up."""
        return {"data": None, "success": False, "msg": f"{code}: made up by the sandbox", "code": -1}
