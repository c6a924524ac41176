"""UnionPay's sandbox: a signed call for the backend token, which redeems codes; `resp` in every answer.

Chapter 4 of the guide at https://open.unionpay.com; backend token: ileapy/unionpay and projects that agree with it
Union id: https://opentools.95516.com/applet/#/docs/develop/api-backend/token?id=_02040202
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Refused
from connect_unionpay import UnionpayProvider


class UnionpaySandbox(OAuth2Sandbox):
    """One application, outside of the app Cloud QuickPass."""

    title = "云闪付沙箱 · UnionPay sandbox"
    provider = UnionpayProvider
    client_id = "d43714e0246a435e87037f80495d2c6d"
    error_statuses = (200, 200)
    refusals = {"invalid_client": "01", "invalid_grant": "02", "invalid_token": "03", "invalid_request": "04"}
    no_outcomes = "no source lists UnionPay's numbers of errors"
    documented = (
        # the guide, 4.3, step 1: H5 outside of the app
        DocumentedRequest(
            "GET",
            "https://open.95516.com/s/open/auth/outApp/html/outLogin.html",
            query={
                "appId": "{client_id}",
                "redirectUri": "{redirect_uri}",
                "responseType": "code",
                "scope": "upapi_login",
                "state": "{state}",
            },
        ),
        # ileapy/unionpay; the values in the answer are made up
        DocumentedRequest(
            "POST",
            "https://open.95516.com/open/access/1.0/backendToken",
            json={"appId": "{client_id}", "nonceStr": "{*}", "timestamp": "{*}", "signature": "{*}"},
            answer={
                "resp": "00",
                "msg": "成功",
                "params": {"backendToken": "T5jkuW4DRPyR6wjYccKvKQ==", "expiresIn": 7200},
            },
        ),
        # the guide, 4.3, step 2, with the union id of the page on tokens; the values in the answer are made up
        DocumentedRequest(
            "POST",
            "https://open.95516.com/open/access/1.0/token",
            json={
                "appId": "{client_id}",
                "backendToken": "{*}",  # fetched once for many logins
                "code": "{code}",
                "grantType": "authorization_code",
            },
            answer={
                "resp": "00",
                "msg": "成功",
                "params": {
                    "accessToken": "A==",
                    "expiresIn": 3600,
                    "refreshToken": "R==",
                    "openId": "VQP2zHXlSAGdNMwWrX+6xQ==",
                    "unionId": "77e5ad3128eade6dd1222fbf722a7a1a",
                    "scope": "upapi_login",
                },
            },
        ),
    )
    documented_ids = (
        PersonId.union_id("77e5ad3128eade6dd1222fbf722a7a1a"),
        PersonId.open_id("VQP2zHXlSAGdNMwWrX+6xQ==", "{client_id}"),
    )

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the answer with the person's ids."""
        ids = {"openId": self.open_id(grant.person.key), "unionId": self.union_id(grant.person.key)}
        return _accepted({"accessToken": token, "expiresIn": 3600, **ids, "scope": "upapi_login"})

    def app_token_answer(self, token: str) -> dict[str, Any]:
        """Return the answer with the backend token."""
        return _accepted({"backendToken": token, "expiresIn": 7200})

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return a refusal with its number."""
        return {"resp": code, "msg": "made up by the sandbox", "params": {}}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing: see `no_outcomes`."""
        return {}

    def _answer_app_token(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        signed = {**parameters, "secret": self.client_secret}
        text = "&".join(f"{name}={signed[name]}" for name in sorted(signed) if name != "signature")
        if parameters.get("signature") != hashlib.sha256(text.encode()).hexdigest():
            raise Refused("invalid_client", "the signature is wrong")
        return super()._answer_app_token(parameters, headers)

    def _redeem(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        self._grants.find("app_token", parameters.get("backendToken", ""), "invalid_token")
        return super()._redeem(parameters, headers)


def _accepted(params: dict[str, Any]) -> dict[str, Any]:
    return {"resp": "00", "msg": "成功", "params": params}
