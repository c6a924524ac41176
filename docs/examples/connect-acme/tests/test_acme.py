"""Run the contract of all providers on Acme."""

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest
from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    """A returning member costs one call; a banned account is refused as `provider_denied`."""

    plugin = "acme"
    token_operation = "token"
    profile_operation = "userinfo"
    refusals = {"E_CODE": "code_invalid", "E_CLIENT": "provider_config", "E_BANNED": "provider_denied"}
    documented = (
        # https://docs.acme.example/login
        DocumentedRequest(
            "GET",
            "https://id.acme.example/oauth2/authorize",
            query={
                "client_key": "{client_id}",
                "response_type": "code",
                "redirect_uri": "{redirect_uri}",
                "scope": "basic,profile",
                "state": "{state}",
                "code_challenge": "{code_challenge}",
                "code_challenge_method": "S256",
            },
        ),
        # https://docs.acme.example/login#token
        DocumentedRequest(
            "POST",
            "https://id.acme.example/oauth2/token",
            form={
                "client_key": "{client_id}",
                "client_secret": "{client_secret}",
                "grant_type": "authorization_code",
                "code": "{code}",
                "redirect_uri": "{redirect_uri}",
                "code_verifier": "{code_verifier}",
            },
            answer={
                "status": "ok",
                "data": {"access_token": "at-1", "expires_in": "7200", "account": {"number": 9007199254740993}},
            },
        ),
        # https://docs.acme.example/me
        DocumentedRequest(
            "GET",
            "https://api.acme.example/v1/me",
            query={"token": "{access_token}", "fields": "account,display_name,login,avatar"},
            answer={
                "status": "ok",
                "data": {
                    "account": {"number": 9007199254740993},
                    "display_name": "Li Lei",
                    "login": "lilei",
                    "avatar": {"large": "https://img.acme.example/1.png"},
                },
            },
        ),
    )
    documented_ids = (PersonId.user_id("9007199254740993"),)
    documented_profile = Profile.of(nickname="Li Lei", face="https://img.acme.example/1.png")
