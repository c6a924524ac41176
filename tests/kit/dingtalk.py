"""DingTalk, right once and wrong in twenty-two ways, to see which rule of the contract finds each wrong one.

The sandbox follows the quirks of its provider, as `OAuth2Sandbox` does, so a mistake in them passes every rule but
those about the vendor's documentation: https://open.dingtalk.com/document/orgapp/obtain-identity-credentials
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    Claims,
    Identity,
    OAuth2Provider,
    PersonId,
    Profile,
    Quirks,
    Register,
    hookimpl,
)
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person

TOKEN_URL = "https://api.dingtalk.com/v1.0/oauth2/userAccessToken"
ME_URL = "https://api.dingtalk.com/v1.0/contact/users/me"
QUIRKS: Mapping[str, Any] = MappingProxyType(
    {
        "pkce": "never",
        "authorize": {"prompt": "consent"},
        "code_names": ("authCode",),
        "token_method": "json",
        "token_names": {
            "client_id": "clientId",
            "client_secret": "clientSecret",
            "grant_type": "grantType",
            "redirect_uri": "",
        },
        "access_token": "accessToken",
        "token_header": {"x-acs-dingtalk-access-token": "{access_token}"},
        "error_signs": {"code": ""},
        "errors": {"code_invalid": ("invalidCode",), "provider_config": ("invalidClientIdOrSecret",)},
    }
)


class DingTalk(OAuth2Provider):
    """DingTalk as it is documented."""

    union_type = "DINGTALK"
    titles = MappingProxyType({"zh": "钉钉", "en": "DingTalk"})
    authorize_url = "https://login.dingtalk.com/oauth2/auth"
    token_url = TOKEN_URL
    userinfo_url = ME_URL
    scope = "openid"
    quirks = Quirks(**QUIRKS)
    claims = Claims(union_id="unionId", open_id="openId", nickname="nick", face="avatarUrl")


class DingTalkSandbox(OAuth2Sandbox):
    """One app at DingTalk."""

    title = "DingTalk sandbox"
    provider: ClassVar[type[OAuth2Provider]] = DingTalk
    refusals = MappingProxyType({"invalid_grant": "invalidCode", "invalid_client": "invalidClientIdOrSecret"})
    error_statuses = (400, 400)
    documented = (
        # https://open.dingtalk.com/document/orgapp/tutorial-obtaining-user-personal-information
        DocumentedRequest(
            "GET",
            "https://login.dingtalk.com/oauth2/auth",
            query={
                "redirect_uri": "{redirect_uri}",
                "response_type": "code",
                "client_id": "{client_id}",
                "scope": "openid",
                "state": "{state}",
                "prompt": "consent",
            },
        ),
        # https://open.dingtalk.com/document/orgapp/obtain-user-token
        DocumentedRequest(
            "POST",
            "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
            json={
                "clientId": "{client_id}",
                "clientSecret": "{client_secret}",
                "code": "{code}",
                "grantType": "authorization_code",
            },
            answer={"accessToken": "abcd", "refreshToken": "abcd", "expireIn": 7200, "corpId": "corpxxxx"},
        ),
        # https://open.dingtalk.com/document/orgapp/dingtalk-retrieve-user-information
        DocumentedRequest(
            "GET",
            "https://api.dingtalk.com/v1.0/contact/users/me",
            headers={"x-acs-dingtalk-access-token": "{accessToken}"},
            answer={
                "nick": "zhangsan",
                "avatarUrl": "https://xxx",
                "mobile": "150xxxx9144",
                "openId": "123",
                "unionId": "z21HjQliSzpw0Yxxxx",
                "email": "zhangsan@alibaba-inc.com",
                "stateCode": "86",
            },
        ),
    )
    documented_ids = (PersonId.union_id("z21HjQliSzpw0Yxxxx"), PersonId.open_id("123", "{client_id}"))
    documented_profile = Profile(nickname="zhangsan", face="https://xxx")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token under the name that the provider reads."""
        return {self.quirks.access_token: token, "refreshToken": "abcd", "expireIn": 7200, "corpId": ""}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the account."""
        return {
            "nick": person.nickname,
            "avatarUrl": person.face,
            "mobile": person.mobile,
            "openId": self.open_id(person.key),
            "unionId": self.union_id(person.key),
        }

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return DingTalk's form of an error."""
        return {"code": code, "message": "made up by the sandbox", "requestid": "3F5"}


def _wrong(**attributes: Any) -> type[DingTalk]:
    """Return the provider with other attributes; names of quirks change the quirks."""
    quirks = {name: attributes.pop(name) for name in list(attributes) if name in Quirks.model_fields}
    return type("Wrong", (DingTalk,), {**attributes, "quirks": Quirks(**{**QUIRKS, **quirks})})


class SnakeState(DingTalk):
    """Sends its state a second time, under a name of its own."""

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the page's address with a parameter too many."""
        return f"{await super().get_login_url(request)}&login_state={request.state}"


class MailId(DingTalk):
    """Takes the phone number for the person."""

    claims = Claims(user_id=("mobile", "unionId"), nickname="nick")


class TokenInQuery(DingTalk):
    """Sends the token in header and query."""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Ask for the person once more."""
        identity = await super().login_callback(response)
        await self.http.get(self.userinfo_url, params={"access_token": identity.grant})
        return identity


_NAMES = QUIRKS["token_names"]
WRONG: Mapping[str, type[DingTalk]] = {
    "authorize-host": _wrong(authorize_url="https://oapi.dingtalk.com/oauth2/auth"),
    "authorize-path": _wrong(authorize_url="https://login.dingtalk.com/oauth2/challenge.htm"),
    "token-host": _wrong(token_url="https://oapi.dingtalk.com/v1.0/oauth2/userAccessToken"),
    "token-path": _wrong(token_url="https://api.dingtalk.com/v1.0/oauth2/accessToken"),
    "userinfo-host": _wrong(userinfo_url="https://oapi.dingtalk.com/v1.0/contact/users/me"),
    "token-by-get": _wrong(token_method="get"),
    "token-as-form": _wrong(token_method="form"),
    "userinfo-by-post": _wrong(userinfo_method="json"),
    "bearer": _wrong(token_header={"Authorization": "Bearer {access_token}"}),
    "bare-authorization": _wrong(token_header={"Authorization": "{access_token}"}),
    "token-in-parameter": _wrong(userinfo_parameters={"access_token": "{access_token}"}),
    "token-in-query-too": TokenInQuery,
    "standard-names": _wrong(token_names={"redirect_uri": ""}),
    "redirect-uri-sent": _wrong(token_names={name: vendor for name, vendor in _NAMES.items() if vendor}),
    "no-grant-type": _wrong(token_names={**_NAMES, "grant_type": ""}),
    "no-prompt": _wrong(authorize={}),
    "pkce": _wrong(pkce="S256"),
    "wrong-scope": _wrong(scope="snsapi_login"),
    "token-member": _wrong(access_token="access_token"),
    "state-twice": SnakeState,
    "nickname-as-id": _wrong(claims=Claims(user_id="nick", nickname="nick")),
    "open-id-everywhere": _wrong(claims=Claims(user_id="openId", nickname="nick", face="avatarUrl")),
}
"""The wrong providers by what is wrong with them."""
MORE_WRONG: Mapping[str, type[DingTalk]] = {
    "phone-as-id": MailId,
    "union-id-forgotten": _wrong(claims=Claims(open_id="openId", nickname="nick", face="avatarUrl")),
    "picture-as-name": _wrong(claims=Claims(union_id="unionId", open_id="openId", nickname="avatarUrl")),
    "json-user-info-name": _wrong(claims=Claims(union_id="unionId", open_id="openId", nickname="name")),
    "basic": _wrong(client_auth="basic", token_names={"grant_type": "grantType", "redirect_uri": ""}),
}
"""Further ones, of the same kinds."""


def _sandbox_of(wrong: type[DingTalk]) -> type[DingTalkSandbox]:
    return type("WrongSandbox", (DingTalkSandbox,), {"provider": wrong})


def __getattr__(name: str) -> type[DingTalkSandbox]:
    """Return the sandbox of a wrong provider: `sandbox_of_bearer`."""
    wrong = {**WRONG, **MORE_WRONG}.get(name.removeprefix("sandbox_of_").replace("_", "-"))
    if wrong is None:
        raise AttributeError(name)
    return _sandbox_of(wrong)


class WrongWires:
    """The plugin object that registers all of them, and the right one."""

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Register each by its name."""
        register("dingtalk", DingTalk, sandbox=f"{__name__}:DingTalkSandbox")
        for name, wrong in {**WRONG, **MORE_WRONG}.items():
            register(name, wrong, sandbox=f"{__name__}:sandbox_of_{name.replace('-', '_')}")
