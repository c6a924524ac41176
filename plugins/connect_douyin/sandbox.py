"""Douyin's sandbox: answers inside `data`, numbers that are texts at times, errors with HTTP status 200.

https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/get-access-token
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from connect_core.plugin import ClientType, PersonId, Profile, RsaPrivateKey
from connect_core.sandbox import (
    DocumentedRequest,
    Grant,
    OAuth2Sandbox,
    Person,
    encrypt_phone,
    mobile_of,
    of_login,
    split_mobile,
)
from connect_douyin import DouyinProvider


class DouyinSandbox(OAuth2Sandbox):
    """One app, which is a website, a mobile app and a mini program at once."""

    title = "抖音沙箱 · Douyin sandbox"
    provider = DouyinProvider
    client_id = "awsandbox0000001"
    error_statuses = (200, 200)
    refusals = {
        "invalid_client": "10013",
        "invalid_grant": "10007",
        "invalid_token": "28001003",
        "invalid_request": "28001015",
    }
    documented = (
        # https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/douyin-get-permission-code/
        DocumentedRequest(
            "GET",
            "https://open.douyin.com/platform/oauth/connect/",
            query=of_login("response_type redirect_uri state", client_key="{client_id}", scope="user_info"),
            optional=("optionalScope",),
        ),
        # https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/get-access-token
        DocumentedRequest(
            "POST",
            "https://open.douyin.com/oauth/access_token/",
            form=of_login("grant_type client_secret code", client_key="{client_id}"),
            answer={
                "data": {
                    "access_token": "act.f7094fbffab2ecbfc45e9af9c32bc241oYdckvBKe82BPx8T",
                    "captcha": "",
                    "desc_url": "",
                    "description": "",
                    "error_code": 0,
                    "expires_in": 1296000,
                    "log_id": "20230525105733ED3ED7AC56A",
                    "open_id": "qYm3LVbtDQ",
                    "refresh_expires_in": 2592000,
                    "refresh_token": "rft.713900b74edde9f30ec4e246b706da30t",
                    "scope": "user_info",
                },
                "message": "success",
            },
        ),
        # https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/get-account-open-info
        # The table of headers says JSON, the example of the request posts a form.
        DocumentedRequest(
            "POST",
            "https://open.douyin.com/oauth/userinfo/",
            form={"open_id": "{open_id}", "access_token": "{access_token}"},
            answer={
                "err_msg": "",
                "log_id": "2025032716200991A1xxxxx30A01C4DF",
                "data": {
                    "open_id": "qYm3LVbtDQ",
                    "nickname": "李伟",
                    "description": "",
                    "e_account_role": "",
                    "error_code": "0",
                    "avatar": "https://xxx.com/xxx.jpeg",
                    "client_key": "XQSXAWkY9f",
                    "log_id": "2025032716200991A181xxxxx0A01C4DF",
                    "union_id": "eVBXUMlnek",
                },
                "err_no": 0,
            },
            clients=("pc", "h5", "app"),
        ),
        # https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server/basic-abilities/log-in/code-2-session
        # (the ids are those of the other examples)
        DocumentedRequest(
            "POST",
            "https://developer.toutiao.com/api/apps/v2/jscode2session",
            json={"appid": "{client_id}", "secret": "{client_secret}", "code": "{code}"},
            optional=("anonymous_code", "refresh"),
            answer={
                "err_no": 0,
                "err_tips": "success",
                "data": {
                    "session_key": "hZy6t19VPjFqm",
                    "openid": "qYm3LVbtDQ",
                    "anonymous_openid": "",
                    "unionid": "eVBXUMlnek",
                },
            },
            clients=("mini",),
        ),
    )
    documented_ids = (PersonId.union_id("eVBXUMlnek"), PersonId.open_id("qYm3LVbtDQ", "{client_id}"))
    documented_profile = Profile(nickname="李伟", face="https://xxx.com/xxx.jpeg")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the tokens and the open id; the older example of the answer has numbers as texts."""
        tokens = {"access_token": token, "expires_in": "1296000", "refresh_expires_in": "2592000"}
        ids = {"open_id": self.open_id(grant.person.key), "scope": grant.scope}
        return {"data": {"error_code": "0", "description": "", **tokens, **ids}, "message": "success"}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, with a text and a number that both mean no error."""
        ids = {"open_id": self.open_id(person.key), "union_id": self.union_id(person.key)}
        profile = {"nickname": person.nickname, "avatar": person.face, "client_key": self.client_id}
        return {"err_no": 0, "err_msg": "", "data": {"error_code": "0", "description": "", **ids, **profile}}

    def code_answer(self, person: Person, token: str) -> dict[str, Any]:
        """Return the ids and the key of a mini program's session; there is no access token."""
        ids = {"openid": self.open_id(person.key), "unionid": self.union_id(person.key), "anonymous_openid": ""}
        return {"err_no": 0, "err_tips": "success", "data": {"session_key": self.session_key(person.key), **ids}}

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return what the phone button of a mini program gives to a shop without a `private_key`."""
        if client_type is not ClientType.MINI:
            return {}
        owner = self.find_person(person)
        return encrypt_phone(self.describe_phone(owner), self.session_key(owner.key))

    def app_token_answer(self, token: str) -> dict[str, Any]:
        """Return the client token, in the envelope."""
        return {"data": {"access_token": token, "expires_in": 7200, "error_code": 0, "description": ""}}

    def describe_phone(self, person: Person) -> dict[str, Any]:
        """Return what Douyin encrypts; a number from abroad has its country code."""
        country_code, number = split_mobile(mobile_of(person))
        full = number if country_code == "86" else f"+{country_code}{number}"
        watermark = {"appid": self.client_id, "timestamp": int(self.now())}
        return {"phoneNumber": full, "purePhoneNumber": number, "countryCode": country_code, "watermark": watermark}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the error: five digits that begin with 4 are a mini program's."""
        if len(code) == 5 and code.startswith("4"):
            return {"err_no": int(code), "err_tips": "made up by the sandbox", "data": {}}
        return {"data": {"description": "made up by the sandbox", "error_code": int(code)}, "message": "error"}


@cache
def get_app_key() -> RsaPrivateKey:
    """Return the key whose public half the app has in Douyin's console."""
    return RsaPrivateKey.generate()


class DouyinCodeSandbox(DouyinSandbox):
    """The same app with a key of its own: its phone button gives a code, and the number is encrypted with that key."""

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings with the app's private key."""
        return {**super().settings(base_url, client_type), "private_key": get_app_key().pkcs8_pem()}

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return the code that the phone button of a mini program gives."""
        return OAuth2Sandbox.phone_parameters(self, client_type, person) if client_type is ClientType.MINI else {}

    def phone_answer(self, person: Person) -> dict[str, Any]:
        """Return the number, encrypted."""
        data = get_app_key().public_key().encrypt(json.dumps(self.describe_phone(person)).encode())
        return {"err_no": 0, "err_tips": "success", "log_id": "sandbox", "data": base64.b64encode(data).decode()}
