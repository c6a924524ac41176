"""`OAuth2Provider`, the base provider for OAuth 2.0 vendors, and its settings.

Owns the order of the calls to a vendor. `Quirks` say what a call looks like, `Claims` what an answer means.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from connect_core.errors import SettingsError
from connect_core.http import Http, with_query
from connect_core.identity import ClientType, Identity, IdKind, PersonId, Profile
from connect_core.providers.oauth2.claims import Claims, check_token, get_value
from connect_core.providers.oauth2.quirks import PLACEHOLDERS, Method, Quirks, renamed
from connect_core.providers.oauth2.responses import open_envelope, read_answer
from connect_core.providers.oauth2.token import (
    ClientAuthentication,
    NoSecret,
    SecretInForm,
    SecretInHeader,
    call,
    redeem_code,
)
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, Entrance, Provider
from connect_core.settings import Endpoint, ProviderSettings


class OAuth2Settings(ProviderSettings):
    """One registration with the vendor."""

    client_id: str = Field(min_length=1, description="What the vendor calls client id, app id or API key.")
    client_secret: SecretStr | None = Field(
        None, min_length=1, description="Its secret. Required, unless the vendor authenticates no client."
    )
    scope: str | None = Field(None, description="Scopes to ask for, with spaces between; default: the vendor's least.")
    authorize_url: Endpoint | None = Field(None, description="Where people agree, if not at the vendor's own address.")
    token_url: Endpoint | None = Field(None, description="Where codes are redeemed; the same.")
    userinfo_url: Endpoint | None = Field(None, description="Where a person is described; the same.")


class OAuth2Provider(Provider):
    """One registration with an OAuth 2.0 vendor (RFC 6749). Derive from it and state what the vendor documents.

        class AcmeProvider(OAuth2Provider):
            union_type = "ACME"
            titles = {"zh": "极品", "en": "Acme"}
            authorize_url = "https://acme.example/oauth/authorize"
            token_url = "https://acme.example/oauth/token"
            userinfo_url = "https://api.acme.example/me"
            scope = "profile"
            quirks = Quirks(token_method="get", errors={"code_invalid": ("40029",)})
            claims = Claims(user_id="data.id", nickname=("data.name", "data.login"), face="data.avatar")

    - `authorize_url`, `token_url`, `userinfo_url`: the vendor's addresses; settings of the same names replace them.
    - `id_url`: the address of a call that only says who the person is, for vendors that have one.
    - `scope`: the scopes to ask for, with spaces between; ask for the least that names a person.
    - `quirks`: where the vendor departs from RFC 6749.
    - `claims`: where the user-info answer has ids and profile.
    - `id_claims`: where the ids are known before that, in the answer of `id_url` or, without one, in the token answer.
      A member who comes back then costs no user-info call.
    """

    entrances: ClassVar = dict.fromkeys((ClientType.PC, ClientType.H5), Entrance.REDIRECT)
    Settings: ClassVar[type[ProviderSettings]] = OAuth2Settings
    settings: OAuth2Settings

    authorize_url: str = ""
    token_url: str = ""
    userinfo_url: str = ""
    id_url: str = ""
    scope: str = ""
    quirks: Quirks = Quirks()
    claims: Claims = Claims()
    id_claims: Claims = Claims()

    def __init__(self, settings: OAuth2Settings, http: Http) -> None:
        """Check that addresses, secret and the path of an id are there. Raises `SettingsError` when one is missing."""
        super().__init__(settings, http)
        # `OAuth2Settings` has no `id_url`: the few vendors with such a call add it in a subclass
        for key in ("authorize_url", "token_url", "userinfo_url", "id_url"):
            setattr(self, key, getattr(settings, key, None) or getattr(self, key))
        if settings.scope is not None:
            self.scope = settings.scope
        if mistakes := list(self._mistakes()):
            raise SettingsError(mistakes)
        self.code_names = self.quirks.code_names
        self.refuses_without_code = self.quirks.refuses_without_code
        self._authentication = self.make_authentication()

    def make_authentication(self) -> ClientAuthentication:
        """Return how this client authenticates in the token call, as `quirks.client_auth` says.

        Override it for another way, such as a signed assertion.
        """
        secret = self.settings.client_secret.get_secret_value() if self.settings.client_secret else ""
        match self.quirks.client_auth:
            case "post":
                return SecretInForm(self.settings.client_id, secret)
            case "basic":
                return SecretInHeader(self.settings.client_id, secret)
            case "none":
                return NoSecret(self.settings.client_id)

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of the vendor's consent page (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        quirks = self.quirks
        challenge = {"code_challenge": request.code_challenge, "code_challenge_method": "S256"}
        parameters = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": quirks.scope_separator.join(self.scope.split()),
            "state": request.state,
            **(challenge if quirks.pkce == "S256" else {}),
        }
        query = renamed(parameters, quirks.names) | dict(quirks.authorize)
        if request.client_type is ClientType.H5:
            query |= quirks.authorize_h5
        language = quirks.languages.get(request.language, request.language)
        if quirks.language_name and language:
            query[quirks.language_name] = language
        return with_query(self.authorize_url, query) + (quirks.fragment and f"#{quirks.fragment}")

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code and return the person, by the fewest calls.

        The ids are in the token answer, in the answer of `id_url` or in that of user-info, as `id_claims` and `id_url`
        say. Raises as `Provider.login_callback`.
        """
        answer = await redeem_code(self.http, self.token_url, self._authentication, response, self.quirks)
        tokens = open_envelope(answer, self.quirks.token_envelope)
        token = check_token(tokens.get(self.quirks.access_token))
        if not self.id_claims.has_ids:
            userinfo = await self._fetch_userinfo(token, ())
            return self._identity(self.read_ids(self.claims, userinfo), token, self.read_profile(userinfo))
        naming = await self._fetch_ids(token) if self.id_url else tokens
        return self._identity(self.read_ids(self.id_claims, naming), token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with the profile and ids of user-info; unchanged when its login called user-info already.

        Raises as `Provider.fetch_profile`, and `ProviderBadResponse` when user-info names another person.
        """
        if identity.profile is not None or not self.userinfo_url:
            return identity
        userinfo = await self._fetch_userinfo(identity.grant, identity.ids)
        return identity.with_profile(self.read_profile(userinfo), self.read_ids(self.claims, userinfo))

    def read_ids(self, claims: Claims, answer: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the ids that `claims` find in `answer`, strongest first. Override it where a path does not suffice.

        Raises `ProviderBadResponse` for an id that is missing or no id.
        """
        return claims.read_ids(answer, self.settings.client_id)

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile in a user-info answer. Override it where a path does not suffice."""
        return self.claims.read_profile(answer)

    def _mistakes(self) -> Iterator[str]:
        required = ["authorize_url", "token_url", *([] if self.id_claims.has_ids else ["userinfo_url"])]
        yield from (f"{key}: is missing" for key in required if not getattr(self, key))
        if self.quirks.client_auth != "none" and not self.settings.client_secret:
            yield "client_secret: is missing"
        if not (self.claims.has_ids or self.id_claims.has_ids):
            yield "claims: say where an id stands: user_id, union_id or open_id"
        if self.id_url and not self.id_claims.has_ids:
            yield "id_url: id_claims must say where the id stands in its answer"

    def _identity(self, ids: tuple[PersonId, ...], token: str, profile: Profile | None = None) -> Identity:
        return Identity(self.union_type, ids, self.settings.client_id, profile, grant=token)

    async def _fetch_ids(self, token: str) -> Mapping[str, Any]:
        quirks = self.quirks
        answer = await self._call(quirks.id_method, self.id_url, quirks.id_parameters, token, ())
        return open_envelope(answer, quirks.id_envelope)

    async def _fetch_userinfo(self, token: str, ids: tuple[PersonId, ...]) -> Mapping[str, Any]:
        quirks = self.quirks
        answer = await self._call(quirks.userinfo_method, self.userinfo_url, quirks.userinfo_parameters, token, ids)
        return open_envelope(answer, quirks.userinfo_envelope)

    async def _call(
        self, method: Method, url: str, templates: Mapping[str, str], token: str, ids: tuple[PersonId, ...]
    ) -> Mapping[str, Any]:
        values = {
            "access_token": token,
            "client_id": self.settings.client_id,
            **{kind.value: get_value(ids, kind) for kind in IdKind},
        }
        in_header = not any("{access_token}" in template for template in templates.values())
        headers = _filled(self.quirks.token_header, values) if in_header else {}
        return read_answer(await call(self.http, method, url, _filled(templates, values), headers), self.quirks)


_PLACEHOLDER = re.compile(f"{{({'|'.join(sorted(PLACEHOLDERS))})}}")


def _filled(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {name: _PLACEHOLDER.sub(lambda match: values[match[1]], template) for name, template in templates.items()}
