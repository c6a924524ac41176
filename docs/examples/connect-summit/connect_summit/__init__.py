"""Summit login, on web pages and in its mini program: https://docs.summit.example/login."""

from connect_core.plugin import (
    Claims,
    ClientType,
    Entrance,
    MiniProgramSettings,
    OAuth2Provider,
    Quirks,
    provider_hook,
)


class SummitProvider(OAuth2Provider):
    """One shop's client. The numbers of people are larger than 2**53."""

    union_type = "SUMMIT"
    titles = {"zh": "顶峰", "en": "Summit"}
    entrances = {**OAuth2Provider.entrances, ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = MiniProgramSettings
    authorize_url = "https://id.summit.example/authorize"
    token_url = "https://id.summit.example/token"
    userinfo_url = "https://api.summit.example/users"
    code_url = "https://api.summit.example/mini/session"
    phone_url = "https://api.summit.example/mini/phone"
    app_token_url = "https://api.summit.example/app/token"
    scope = "profile"
    claims = Claims(user_id="data.0.id", nickname="data.0.name", phone="list.0.number", phone_country="list.0.code")
    code_claims = Claims(user_id="uid")
    quirks = Quirks(
        code_names=("auth_code",),
        answer={"token": "form", "app_token": "form"},
        code_method="get",
        code_parameters={"appid": "{client_id}", "secret": "{client_secret}", "js_code": "{code}"},
        phone_method="json",
        phone_query={"access_token": "{app_token}"},
        error_signs={"errcode": "0"},
        errors={"code_invalid": ("40029",), "provider_config": ("40013",)},
        app_token_errors=("40001",),
    )


connect_register_providers = provider_hook("summit", SummitProvider, sandbox="connect_summit.sandbox:SummitSandbox")
