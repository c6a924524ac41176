"""Kuaishou's sandbox: the token call is a GET, `result` is 1 in each answer that is no error.

Token: https://open.kuaishou.com/platformDocs/openAbility/kwaiLogin
Errors: https://mp.kuaishou.com/docs/develop/server/getAccessToken.html
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, mobile_of, of_login, split_mobile
from connect_kuaishou import KuaishouProvider


class KuaishouSandbox(OAuth2Sandbox):
    """One app, which is a website, a mobile app and a mini program at once."""

    title = "快手沙箱 · Kuaishou sandbox"
    provider = KuaishouProvider
    client_id = "ks000000000000000001"
    code_life = 120
    error_statuses = (200, 200)
    refusals = {"invalid_client": "100200101", "invalid_request": "100200100"}
    documented = (
        # https://open.kuaishou.com/platformDocs/develop/web-app.html
        DocumentedRequest(
            "GET",
            "https://open.kuaishou.com/oauth2/authorize",
            query=of_login("response_type redirect_uri state", app_id="{client_id}", scope="user_info", ua="pc"),
        ),
        # https://open.kuaishou.com/platformDocs/openAbility/kwaiLogin (the example has x for all values)
        DocumentedRequest(
            "GET",
            "https://open.kuaishou.com/oauth2/access_token",
            query={
                "app_id": "{client_id}",
                "app_secret": "{client_secret}",
                "code": "{code}",
                "grant_type": "authorization_code",
            },
            answer={
                "result": 1,
                "access_token": "ChFvYXV0aC5hY2Nlc3NUb2tlbhIw",
                "expires_in": 172800,
                "refresh_token": "ChJvYXV0aC5yZWZyZXNoVG9rZW4S",
                "refresh_token_expires_in": 15552000,
                "open_id": "f1e2d3c4b5a697887766554433221100",
                "scopes": ["user_info"],
            },
        ),
        # https://github.com/casdoor/casdoor/blob/master/idp/kwai.go and MrHuo.OAuth.KuaiShou (the answer is made up)
        DocumentedRequest(
            "GET",
            "https://open.kuaishou.com/openapi/user_info",
            query={"app_id": "{client_id}", "access_token": "{access_token}"},
            answer={
                "result": 1,
                "user_info": {
                    "name": "快手用户",
                    "sex": "M",
                    "fan": 1,
                    "follow": 2,
                    "head": "https://img.example/head.jpg",
                    "bigHead": "https://img.example/big.jpg",
                    "city": "北京",
                },
            },
        ),
        # https://github.com/HeartGarlic/kuaishou-server-api-sdk and EasySeries.MiniProgram
        DocumentedRequest(
            "POST",
            "https://open.kuaishou.com/oauth2/mp/code2session",
            form={"app_id": "{client_id}", "app_secret": "{client_secret}", "js_code": "{code}"},
            answer={
                "result": 1,
                "session_key": "bWFkZS11cC1zZXNzaW9uLWtleQ==",
                "open_id": "f1e2d3c4b5a697887766554433221100",
            },
            clients=("mini",),
        ),
    )
    documented_ids = (PersonId.open_id("f1e2d3c4b5a697887766554433221100", "{client_id}"),)
    documented_profile = Profile(nickname="快手用户", sex=1, face="https://img.example/big.jpg", city="北京")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the one number that is documented for a reason."""
        return {"100200101": "provider_config"}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens and the open id."""
        lives = {"expires_in": 172800, "refresh_token_expires_in": 15552000}
        open_id = self.open_id(grant.person.key)
        return {"result": 1, "access_token": token, **lives, "open_id": open_id, "scopes": ["user_info"]}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the profile, which has no id."""
        sex = "" if person.sex is None else "FM"[person.sex]
        return {
            "result": 1,
            "user_info": {"name": person.nickname, "sex": sex, "head": person.face, "city": person.city},
        }

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return the open id and the key of a mini program's session; there is no access token."""
        return {"result": 1, "session_key": self.session_key(person.key), "open_id": self.open_id(person.key)}

    def phone_answer(self, person: Person) -> dict[str, Any]:
        """Return what the phone button of a mini program encrypts."""
        country_code, number = split_mobile(mobile_of(person))
        return {"phoneNumber": number, "countryCode": country_code}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return an error; a number that is not documented is made up."""
        return {"result": int(code) if code.isdigit() else 2, "error_msg": f"{code}: made up by the sandbox"}
