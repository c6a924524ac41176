"""The sandbox of an imaginary vendor, Acme, with parameter names, answers and errors of its own.

`settings` returns what a shop would write into `connect.toml` for it.
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import Claims, ClientType, OAuth2Provider, Quirks
from connect_core.sandbox import OAuth2Sandbox, Person


class Acme(OAuth2Provider):
    """Acme's addresses, mapping and quirks."""

    authorize_url = "https://acme.example/auth"
    token_url = "https://acme.example/token"
    userinfo_url = "https://acme.example/v2/user"
    claims = Claims(union_id="union_id", open_id="open_id", nickname="display_name", face="avatar.large")
    quirks = Quirks(
        names={"client_id": "client_key"},
        scope_separator=",",
        client_auth="post",
        language_name="lang",
        languages={"zh": "zh-Hans"},
        userinfo_parameters={"token": "{access_token}", "fields": "open_id,union_id,display_name,avatar"},
        userinfo_envelope="data.user",
        error_signs={"error.code": "ok"},
        errors={"code_invalid": ("code_expired", "token_gone"), "provider_config": ("no_such_client",)},
        error_trace="error.log_id",
    )


class AcmeSandbox(OAuth2Sandbox):
    """One client of Acme."""

    title = "OAuth 2.0 沙箱 · OAuth 2.0 sandbox"
    provider = Acme
    refusals = {"invalid_grant": "code_expired", "invalid_client": "no_such_client", "invalid_token": "token_gone"}
    error_statuses = (200, 200)

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return all settings for Acme: addresses, client, quirks and mapping."""
        models = {"quirks": self.quirks, "claims": self.provider.claims}
        tables = {key: model.model_dump(exclude_defaults=True) for key, model in models.items()}
        return {
            **super().settings(base_url, client_type),
            "title": "Acme",
            "scope": "user.basic user.profile",
            **tables,
        }

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person in `data.user`, beside the `error` that means success."""
        ids = {"open_id": self.open_id(person.key), "union_id": self.union_id(person.key)}
        user = {**ids, "display_name": person.nickname, "avatar": {"large": person.face}}
        return {"data": {"user": user}, "error": {"code": "ok", "message": "", "log_id": "20260101000000"}}

    def error_answer(self, code: str) -> dict[str, Any]:
        """Return the error as an object."""
        return {"error": {"code": code, "message": "made up by the sandbox", "log_id": "20260101000001"}}
