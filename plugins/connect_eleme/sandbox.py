"""Ele.me's sandbox: the client in a header and in the form, signed calls, `error` null where nothing is wrong.

From libraries, not the vendor's page: justauth/JustAuth and Ele.me's own SDK
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, Refused, of_login
from connect_eleme import ElemeProvider


class ElemeSandbox(OAuth2Sandbox):
    """One application."""

    title = "饿了么沙箱 · Ele.me sandbox"
    provider = ElemeProvider
    client_id = "JMKi2sJbGu"
    error_statuses = (401, 200)
    refusals = {"invalid_token": "UNAUTHORIZED"}
    documented = (
        # https://open.shop.ele.me/openapi/documents/isvoauth, as projects send it
        DocumentedRequest(
            "GET",
            "https://open-api.shop.ele.me/authorize",
            query=of_login("response_type client_id redirect_uri state", scope="all"),
        ),
        # justauth/JustAuth, AuthElemeRequest.java; the members of the answer: the SDK
        DocumentedRequest(
            "POST",
            "https://open-api.shop.ele.me/token",
            form=of_login("grant_type client_id code redirect_uri"),
            headers={"Authorization": "Basic {basic_credentials}"},
            answer={
                "access_token": "4d6dcf03d7862bc11b833db44577c35b",
                "token_type": "bearer",
                "expires_in": 2592000,
                "refresh_token": "R",
            },
        ),
        # justauth/JustAuth, AuthElemeRequest.java; the values in the answer are made up
        DocumentedRequest(
            "POST",
            "https://open-api.shop.ele.me/api/v1/",
            json={
                "nop": "1.0.0",
                "id": "{*}",
                "action": "eleme.user.getUser",
                "token": "{access_token}",
                "params": {},
                "signature": "{*}",
            },
            optional=("metas",),  # {"app_key": "{client_id}", "timestamp": 1486220300}: a number that always differs
            answer={
                "nop": "1.0.0",
                "id": "8e8c1a9e-8c5b-4a6c-9a2b-2f6d0b8c7d11",
                "error": None,
                "result": {
                    "userId": 336072266322770688,
                    "userName": "napos_demo",
                    "authorizedShops": [{"id": 516930903, "name": "示例店铺"}],
                },
            },
        ),
    )
    documented_ids = (PersonId.user_id(336072266322770688),)
    documented_profile = Profile(nickname="napos_demo")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer; the token lives for a month."""
        return {"access_token": token, "token_type": "bearer", "expires_in": 2592000, "refresh_token": "r"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the merchant as the result of a call."""
        result = {"userId": 10**17 + self.user_id(person.key), "userName": person.nickname, "authorizedShops": []}
        return {"nop": "1.0.0", "id": "made-up-id", "error": None, "result": result}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error of a call, or one of the token call."""
        if code.isupper():
            return {"nop": "1.0.0", "id": None, "result": None, "error": {"code": code, "message": "refused"}}
        return {"error": code, "error_description": "made up by the sandbox"}

    def _answer_userinfo(self, parameters: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        metas = parameters["metas"]
        signed = f'app_key="{self.client_id}"timestamp={json.dumps(metas["timestamp"])}'
        text = f"{parameters['action']}{parameters['token']}{signed}{self.client_secret}"
        signature = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
        is_late = abs(self.now() - metas["timestamp"]) > 300
        if is_late or parameters["signature"] != signature:
            raise Refused("INVALID_SIGNATURE", "the signature or the time is wrong")
        return super()._answer_userinfo(parameters, headers)
