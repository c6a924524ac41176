"""Bilibili's sandbox: answers inside `data`, a page of its own for phones, and a signature that is checked.

Signature: https://open.bilibili.com/doc/4/8673959e-f7bb-56e6-6e68-d225f971b81b
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import BaseRoute, Route

from connect_bilibili import BilibiliProvider
from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, Refused, of_login

H5_URL = "https://account.bilibili.com/h5/account-h5/auth/oauth"
LATENESS = 600
"""Seconds by which a signature's time may be wrong."""


class BilibiliSandbox(OAuth2Sandbox):
    """One website app with the right to USER_INFO."""

    title = "哔哩哔哩沙箱 · Bilibili sandbox"
    provider = BilibiliProvider
    client_id = "34c0f583f0414000"
    error_statuses = (200, 200)
    no_outcomes = "no list of Bilibili's numbers for these calls was read"
    documented = (
        # https://open.bilibili.com/doc/4/aac73b2e-4ff2-b75c-4c96-35ced865797b
        DocumentedRequest(
            "GET",
            "https://account.bilibili.com/pc/account-pc/auth/oauth",
            query={"client_id": "{client_id}", "gourl": "{redirect_uri}", "state": "{state}"},
            clients=("pc",),
        ),
        # the same page
        DocumentedRequest(
            "GET",
            H5_URL,
            query=of_login("client_id state", navhide="0", callback="skip", gourl="{redirect_uri}"),
            clients=("h5",),
        ),
        # https://open.bilibili.com/doc/4/eaf0e2b5-bde9-b9a0-9be1-019bb455701c
        # The page says form-encoded and lists the parameters as those of the URL; others post them.
        DocumentedRequest(
            "POST",
            "https://api.bilibili.com/x/account-oauth2/v1/token",
            form=of_login("grant_type client_id client_secret code"),
            answer={
                "code": 0,
                "message": "0",
                "ttl": 1,
                "data": {
                    "access_token": "0594436e79c607569b8d387e5f29311",
                    "expires_in": 1630220614,
                    "refresh_token": "d24d2dfcdfbdc1c7a0f3ec0d1ed5e9a",
                    "scopes": ["USER_INFO"],
                },
            },
        ),
        # https://open.bilibili.com/doc/4/feb66f99-7d87-c206-00e7-d84164cd701c (the person is made up)
        # signature: https://open.bilibili.com/doc/4/8673959e-f7bb-56e6-6e68-d225f971b81b
        DocumentedRequest(
            "GET",
            "https://member.bilibili.com/arcopen/fn/user/account/info",
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "x-bili-content-md5": "d41d8cd98f00b204e9800998ecf8427e",
                "x-bili-timestamp": "{*}",
                "x-bili-signature-method": "HMAC-SHA256",
                "x-bili-signature-nonce": "{*}",
                "x-bili-accesskeyid": "{client_id}",
                "x-bili-signature-version": "2.0",
                "access-token": "{access_token}",
                "Authorization": "{*}",
            },
            answer={
                "code": 0,
                "message": "0",
                "ttl": 1,
                "request_id": "7cd1a4c9d2f311e8",
                "data": {
                    "name": "哔哩用户",
                    "face": "https://i0.hdslb.com/bfs/face/x.jpg",
                    "openid": "d30bedaa4d8eb3128cf35ddc1030e27d",
                },
            },
        ),
    )
    documented_ids = (PersonId.open_id("d30bedaa4d8eb3128cf35ddc1030e27d", "{client_id}"),)
    documented_profile = Profile(nickname="哔哩用户")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return nothing, see `no_outcomes`."""
        return {}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the calls and both consent pages."""
        return [*super().routes(), Route(urlsplit(H5_URL).path, self._authorize, methods=["GET", "POST"])]

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens; `expires_in` is a time."""
        data = {"access_token": token, "expires_in": int(self.now()) + 7200, "refresh_token": f"{token}R"}
        return {"code": 0, "message": "0", "ttl": 1, "data": {**data, "scopes": ["USER_INFO"]}}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person."""
        data = {"name": person.nickname, "face": person.face, "openid": self.open_id(person.key)}
        return {"code": 0, "message": "0", "ttl": 1, "request_id": "made-up", "data": data}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error; its number is made up."""
        return {"code": -1, "message": f"{code}: made up by the sandbox", "ttl": 1}

    def check_login(self, login: Mapping[str, str]) -> None:
        """Judge a login page's address; Bilibili has no `response_type`."""
        super().check_login({**login, "response_type": "code"})

    def _answer_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        signed = sorted((name, value) for name, value in headers.items() if name.startswith("x-bili-"))
        text = "\n".join(f"{name}:{value}" for name, value in signed)
        signature = hmac.new(self.client_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if len(signed) != 6 or headers.get("authorization") != signature:
            raise Refused("invalid_client", "the signature is missing or wrong")
        if abs(self.now() - float(headers["x-bili-timestamp"])) > LATENESS:
            raise Refused("invalid_client", "the signature is too old")
        return super()._answer_userinfo(parameters, headers)
