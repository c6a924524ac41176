"""QQ's sandbox: calls by GET, `expires_in` as text, errors as JSONP, `ret` in the profile's answer.

Ids: https://wiki.connect.qq.com/unionid介绍
Profile: https://wiki.connect.qq.com/get_user_info
"""

from typing import Any

from connect_core.sandbox import Grant, OAuth2Sandbox, Person
from connect_qq import QqProvider


class QqSandbox(OAuth2Sandbox):
    """One website app with the right to unionid."""

    title = "QQ 沙箱 · QQ sandbox"
    provider = QqProvider
    client_id = "101000001"
    error_statuses = (200, 200)
    refusals = {"invalid_client": "100009", "invalid_grant": "100019", "invalid_token": "100016"}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; all values are texts."""
        return {"access_token": token, "expires_in": "7776000", "refresh_token": f"{token}R"}

    def id_answer(self, person: Person) -> dict[str, Any]:
        """Return both ids and the app's client id."""
        ids = {"openid": self.open_id(person.key).upper(), "unionid": f"UID_{self.union_id(person.key).upper()}"}
        return {"client_id": self.client_id, **ids}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the profile; QQ says 男 for a person who has stated no sex."""
        profile = {"nickname": person.nickname, "province": person.province, "city": person.city}
        gender = "女" if person.sex == 0 else "男"
        return {"ret": 0, "msg": "", "is_lost": 0, **profile, "gender": gender, "figureurl_qq_1": person.face}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the error with a number as its code."""
        return {"error": int(code) if code.isdigit() else code, "error_description": "made up by the sandbox"}

    def ids_of(self, person: Person) -> dict[str, str]:
        """Return the ids; QQ writes them in capitals."""
        return {**super().ids_of(person), "open_id": self.open_id(person.key).upper()}
