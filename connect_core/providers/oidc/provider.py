"""The mould itself: an OpenID provider by its issuer alone (OpenID Connect Core §3.1).

Owns the order of the checks, which no subclass can leave out. What a check is stands in `id_token`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from connect_core.cache.documents import Cached
from connect_core.crypto import Algorithm, SecretKey, SigningKey
from connect_core.errors import ProviderBadResponse, ProviderUnsigned, SettingsError
from connect_core.http import Http, with_query
from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.providers.oauth2 import (
    Claims,
    ClientAuthentication,
    NoSecret,
    Quirks,
    SecretInForm,
    SecretInHeader,
    read_answer,
    redeem_code,
)
from connect_core.providers.oauth2.claims import check_token
from connect_core.providers.oidc.authentication import PrivateKeyJwt
from connect_core.providers.oidc.discovery import Metadata, fetch_metadata
from connect_core.providers.oidc.id_token import Expected, Jws, check_claims, check_signature, split_token
from connect_core.providers.oidc.jwks import KeySet, fetch_keys
from connect_core.providers.oidc.settings import AuthMethod, OidcSettings
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, Entrance, Provider
from connect_core.settings import ProviderSettings

_WITH_PKCE, _WITHOUT_PKCE = Quirks(), Quirks(pkce="never")


class OidcProvider(Provider):
    """One registration with an OpenID provider.

    A subclass states what a vendor does its own way, as literals: the `algorithms` that it signs with (HS256, keyed
    with the client secret, only where it says so), its `scope`, further constant parameters of the authorization
    request in `authorize`, where its `claims` have the profile, its `auth_method`, whether it writes booleans as text,
    and in `issuer_template` the issuer of a vendor with many tenants (`https://login.example/{tenantid}/v2.0`).
    """

    entrances: ClassVar = dict.fromkeys((ClientType.PC, ClientType.H5), Entrance.REDIRECT)
    Settings: ClassVar[type[ProviderSettings]] = OidcSettings
    settings: OidcSettings

    algorithms: tuple[Algorithm, ...] = (
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
    )
    scope: str = "openid profile"
    authorize: Mapping[str, str] = {}
    claims: Claims = Claims(nickname=("name", "nickname"), face="picture", sex="gender")
    auth_method: AuthMethod | None = None
    text_booleans: bool = False
    issuer_template: str = ""
    now: Callable[[], float] = staticmethod(time.time)
    """The one clock of the mould: seconds since the epoch."""

    def __init__(self, settings: OidcSettings, http: Http) -> None:
        """Raises `SettingsError` for a key that cannot be read, or settings that do not go together."""
        super().__init__(settings, http)
        mistakes = list(settings.mistakes())
        self._signing_key = None
        if settings.private_key:
            try:
                self._signing_key = SigningKey.load(settings.private_key.get_secret_value(), settings.key_id)
            except ValueError as error:
                mistakes.append(f"private_key: {error}")
        if mistakes:
            raise SettingsError(mistakes)
        self.scope = settings.scope or self.scope
        told = settings.claims.model_dump(exclude_unset=True)
        self.claims = self.claims.model_copy(update=told)
        self._metadata = Cached(lambda: fetch_metadata(http, settings.issuer, self.issuer_template or settings.issuer))
        self._keys = Cached(self._fetch_keys)

    def find_issuer(self, claims: Mapping[str, Any]) -> str | None:
        """Return the issuer in whose name `claims["iss"]` speaks, which scopes the id; None when it is not ours.

        A vendor that signs with two names for one issuer overrides this and returns always the same.
        """
        tenant, issuer = claims.get("tid"), self.settings.issuer
        if self.issuer_template and isinstance(tenant, str) and self.takes_tenant(tenant):
            issuer = self.issuer_template.replace("{tenantid}", tenant)
        elif self.issuer_template:
            return None
        return issuer if claims.get("iss") == issuer else None

    def takes_tenant(self, tenant: str) -> bool:
        """Tell whether people of this tenant may log in, where there are many; nobody's unless a subclass says so."""
        return False

    def check_person(self, claims: Mapping[str, Any]) -> None:
        """Raise `ProviderDenied` for verified claims of a person whom the shop does not want."""

    def make_authentication(self, metadata: Metadata) -> ClientAuthentication:
        """Return how this client authenticates in the token call."""
        own = self.settings
        secret = own.client_secret.get_secret_value() if own.client_secret else ""
        preferred: AuthMethod = (
            "client_secret_basic" if "client_secret_basic" in metadata.auth_methods else "client_secret_post"
        )
        method = own.token_endpoint_auth_method or self.auth_method
        method = method or ("private_key_jwt" if own.private_key else preferred)
        if method == "private_key_jwt" and self._signing_key:
            return PrivateKeyJwt(own.client_id, metadata.issuer, self._signing_key, self.now)
        if method == "none":
            return NoSecret(own.client_id)
        return (SecretInHeader if method == "client_secret_basic" else SecretInForm)(own.client_id, secret)

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the provider's page (§3.1.2.1), or for the entrance `credential` the nonce that the SDK takes."""
        if self.entrances[request.client_type] is Entrance.CREDENTIAL:
            return request.nonce
        metadata = await self._metadata.get()
        challenge = {"code_challenge": request.code_challenge, "code_challenge_method": "S256"}
        parameters = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": self.scope,
            "state": request.state,
            "nonce": request.nonce,
            **(challenge if self._sends_challenge(metadata) else {}),
            **self.authorize,
        }
        return with_query(metadata.authorization_endpoint, parameters)

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code and believe the ID token that it brings; a credential is an ID token already."""
        if self.entrances[response.client_type] is Entrance.CREDENTIAL:
            return await self._read_credential(response)
        metadata = await self._metadata.get()
        self._check_sender(metadata, response.parameters)
        quirks = _WITH_PKCE if self._sends_challenge(metadata) else _WITHOUT_PKCE
        authentication = self.make_authentication(metadata)
        told = await redeem_code(self.http, metadata.token_endpoint, authentication, response, quirks)
        access_token = check_token(told.get("access_token"))
        client = frozenset({self.settings.client_id})
        claims = await self._believe(told.get("id_token"), client, response.nonce, access_token)
        return self._identity(claims, response, access_token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with what user-info tells (§5.3), unless its ID token had the profile already."""
        metadata = await self._metadata.get()
        if identity.profile is not None or not metadata.userinfo_endpoint or not identity.grant:
            return identity
        headers = {"accept": "application/json", "authorization": f"Bearer {identity.grant}"}
        found = read_answer(await self.http.get(metadata.userinfo_endpoint, headers=headers), _WITH_PKCE)
        if found.get("sub") != identity.strongest.value:
            raise ProviderBadResponse("user-info is about somebody else")
        return identity.with_profile(self.read_profile(found))

    def read_profile(self, claims: Mapping[str, Any]) -> Profile:
        """Return the profile that verified claims or user-info tell; override it where a path does not say enough."""
        told = self.claims.read_profile(claims)
        mobile, verified = claims.get("phone_number"), claims.get("phone_number_verified")
        is_verified = verified is True or (self.text_booleans and verified == "true")
        if not is_verified or not isinstance(mobile, str):
            return told
        return replace(told, mobile=mobile)

    def find_profile(self, claims: Mapping[str, Any], response: AuthorizationResponse) -> Profile | None:
        """Return the profile that came with the ID token, or None where user-info has to be asked."""
        told = self.read_profile(claims)
        return told if told.nickname else None

    async def _read_credential(self, response: AuthorizationResponse) -> Identity:
        own = frozenset({self.settings.client_id, *self.settings.audiences})
        claims = await self._believe(response.code, own, response.nonce, "")
        return self._identity(claims, response, "")

    def _identity(self, claims: Mapping[str, Any], response: AuthorizationResponse, grant: str) -> Identity:
        subject = PersonId.union_id(claims["sub"], self._issuer_of(claims))
        profile = self.find_profile(claims, response)
        return Identity(self.union_type, (subject,), self.settings.client_id, profile, grant=grant)

    async def _believe(self, token: object, own: frozenset[str], nonce: str, access_token: str) -> dict[str, Any]:
        jws = split_token(token, self.algorithms)
        claims = await self._verified(jws)
        self._issuer_of(claims)
        expected = Expected(own, frozenset(self.settings.audiences), nonce, self.now(), access_token)
        check_claims(claims, jws.algorithm, expected)
        self.check_person(claims)
        return claims

    async def _verified(self, jws: Jws) -> dict[str, Any]:
        """Return the claims if a key of the provider's signed them; a key that is not there yet is asked for once."""
        if jws.algorithm == "HS256":
            secret = self.settings.client_secret
            return check_signature(jws, [SecretKey(secret.get_secret_value())] if secret else [])
        known = await self._keys.get()
        keys = known.find_keys(jws.algorithm, jws.kid)
        if keys:
            try:
                return check_signature(jws, keys)
            except ProviderUnsigned:
                if jws.kid is not None:
                    raise
        newer = await self._keys.get_newer(known)
        return check_signature(jws, newer.find_keys(jws.algorithm, jws.kid))

    async def _fetch_keys(self) -> KeySet:
        return await fetch_keys(self.http, (await self._metadata.get()).jwks_uri)

    def _issuer_of(self, claims: Mapping[str, Any]) -> str:
        issuer = self.find_issuer(claims) if isinstance(claims.get("iss"), str) else None
        if issuer is None:
            raise ProviderBadResponse("iss of id_token is another issuer")
        return issuer

    def _check_sender(self, metadata: Metadata, parameters: Mapping[str, str]) -> None:
        """RFC 9207 §2.4: a response that says who sent it says the truth, and one that should say so does."""
        sender = parameters.get("iss")
        if sender is None and not metadata.names_itself:
            return
        if sender != metadata.issuer:
            raise ProviderBadResponse("iss of the authorization response is missing or another issuer")

    def _sends_challenge(self, metadata: Metadata) -> bool:
        return self.settings.pkce == "force" or (self.settings.pkce == "auto" and metadata.takes_pkce)
