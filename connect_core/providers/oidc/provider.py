"""`OidcProvider`, the base provider for OpenID providers (OpenID Connect Core §3.1), which needs only their issuer.

Owns the order of the calls and checks, which a subclass cannot leave out. The checks themselves are in `id_token`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from connect_core.cache.documents import CachedDocument
from connect_core.crypto import SECRET_BYTES, Algorithm, SecretKey, SigningKey
from connect_core.errors import ContradictingAnswer, ProviderBadResponse, ProviderUnsigned, SettingsError
from connect_core.findings import Finding
from connect_core.http import Answer, Http, with_query
from connect_core.identity import ID_MAX, ClientType, Identity, PersonId, Profile, VendorSession
from connect_core.providers.abilities import LogoutNotice
from connect_core.providers.diagnosis import Diagnosis
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
from connect_core.providers.oidc import event_token
from connect_core.providers.oidc import logout_token as logout
from connect_core.providers.oidc.authentication import PrivateKeyJwt
from connect_core.providers.oidc.discovery import Metadata, fetch_metadata, make_metadata
from connect_core.providers.oidc.event_token import EventToken
from connect_core.providers.oidc.id_token import Expected, Jws, check_claims, check_signature, split_token
from connect_core.providers.oidc.jwks import KeySet, fetch_keys
from connect_core.providers.oidc.settings import AuthMethod, OidcSettings
from connect_core.providers.oidc.userinfo import USERINFO, check_signed, check_subject, find_jws
from connect_core.providers.provider import (
    AuthorizationRequest,
    AuthorizationResponse,
    Entrance,
    Provider,
)
from connect_core.settings import ProviderSettings
from connect_core.vendor_values import is_absent, read_text

_WITH_PKCE, _WITHOUT_PKCE = Quirks(), Quirks(pkce="never")


class OidcProvider(Provider):
    """One registration with an OpenID provider. Derive from it and state what the vendor does its own way.

        class AcmeProvider(OidcProvider):
            union_type = "ACME"
            titles = {"zh": "极品", "en": "Acme"}
            Settings = AcmeSettings  # OidcSettings with `issuer = "https://login.acme.example"`
            claims = Claims(nickname="display_name", face="picture")

    - `algorithms`: what it signs ID tokens with (RFC 7518 §3.1). HS256, keyed with the client secret, must be named.
    - `scope`: the scopes to ask for, `openid` among them.
    - `authorize`: further constant parameters of the authorization request.
    - `claims`: where the ID token and user-info have the profile. The id is `sub`, unless you override `read_ids`.
    - `auth_method`: how the client authenticates when the settings do not say it.
    - `text_booleans`: True where it writes claims such as `phone_number_verified` as text.
    - `issuer_template`: the issuer of a vendor with many tenants, such as `https://login.example/{tenantid}/v2.0`.
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
        "EdDSA",
        "Ed25519",
    )
    scope: str = "openid profile"
    authorize: Mapping[str, str] = {}
    claims: Claims = Claims(nickname=("name", "nickname"), face="picture", sex="gender")
    auth_method: AuthMethod | None = None
    text_booleans: bool = False
    issuer_template: str = ""
    diagnosis = Diagnosis(compares_clocks=True)
    now: Callable[[], float] = staticmethod(time.time)
    """The clock for all checks of time: returns seconds since the epoch."""

    def __init__(self, settings: OidcSettings, http: Http) -> None:
        """Parse the signing key. Raises `SettingsError` for a key that cannot be read and settings that do not fit."""
        super().__init__(settings, http)
        self.algorithms = settings.id_token_algorithms or self.algorithms
        mistakes = [*settings.mistakes(), *self._find_weak_secret()]
        self._signing_key = None
        if settings.private_key:
            try:
                self._signing_key = SigningKey.load(settings.private_key.get_secret_value(), settings.key_id)
            except ValueError as error:
                mistakes.append(f"private_key: {error}")
        if mistakes:
            raise SettingsError(mistakes)
        self.scope = settings.scope or self.scope
        self.claims = self.claims.model_copy(update=settings.claims.model_dump(exclude_unset=True))
        self._metadata = CachedDocument(self._fetch_metadata)
        self._keys = CachedDocument(self._fetch_keys)

    def find_issuer(self, claims: Mapping[str, Any]) -> str | None:
        """Return the issuer of verified `claims`, which becomes the scope of the id; None for another issuer's token.

        Override it for a vendor that uses two names for one issuer, and return the same one for both.
        """
        tenant, issuer = claims.get("tid"), self.settings.issuer
        if self.issuer_template and isinstance(tenant, str) and self.takes_tenant(tenant):
            issuer = self.issuer_template.replace("{tenantid}", tenant)
        elif self.issuer_template:
            return None
        return issuer if claims.get("iss") == issuer else None

    def takes_tenant(self, tenant: str) -> bool:
        """Return True when people of `tenant` (the claim `tid`) may log in. Override it with `issuer_template`.

        By default no tenant may.
        """
        return False

    def check_person(self, claims: Mapping[str, Any]) -> None:
        """Raise `ProviderDenied` for a person whom the shop does not let in, according to verified `claims`.

        Override it, for example to check `hd`. By default everybody may log in.
        """

    def check(self) -> Iterable[Finding]:
        """Return the settings of the client's authentication that nothing uses. Override it to look at more."""
        return self.settings.check_credentials(self.algorithms)

    def make_authentication(self, metadata: Metadata) -> ClientAuthentication:
        """Return how this client authenticates in the token call.

        In this order: the setting `token_endpoint_auth_method`, `auth_method`, the private key where there is one, and
        what `metadata` lists for a secret.
        """
        settings = self.settings
        secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
        has_basic = "client_secret_basic" in metadata.auth_methods
        with_secret: AuthMethod = "client_secret_basic" if has_basic else "client_secret_post"
        method = settings.token_endpoint_auth_method or self.auth_method
        method = method or ("private_key_jwt" if settings.private_key else with_secret)
        if method == "private_key_jwt" and self._signing_key:
            places = {"issuer": metadata.issuer, "token_endpoint": metadata.token_endpoint}
            audience = places.get(settings.client_assertion_audience, settings.client_assertion_audience)
            return PrivateKeyJwt(settings.client_id, audience, self._signing_key, self.now)
        if method == "none":
            return NoSecret(settings.client_id)
        return (SecretInHeader if method == "client_secret_basic" else SecretInForm)(settings.client_id, secret)

    async def get_metadata(self) -> Metadata:
        """Return the endpoints, from the cached discovery document. Raises as `fetch_metadata`."""
        return await self._metadata.get()

    async def get_keys(self) -> KeySet:
        """Return the provider's keys, cached for an hour. Raises as `fetch_keys`."""
        return await self._keys.get()

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of the provider's page (OpenID Connect Core §3.1.2.1).

        For the entrance `credential` it returns the nonce, which the vendor's SDK takes. Raises as `fetch_metadata`.
        """
        if self.entrances[request.client_type] is Entrance.CREDENTIAL:
            return request.nonce
        metadata = await self.get_metadata()
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
            **self.settings.authorize_parameters,
        }
        return with_query(metadata.authorization_endpoint, parameters)

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code, check the ID token in the answer and return the person.

        For the entrance `credential` the code is the ID token. Raises as `Provider.login_callback`, and
        `ProviderUnsigned` and `ProviderBadResponse` for a token that fails a check.
        """
        if self.entrances[response.client_type] is Entrance.CREDENTIAL:
            return await self._read_credential(response)
        claims, id_token, access_token = await self._redeem(response)
        return self._identity(claims, response, id_token, access_token)

    async def fetch_claims(self, response: AuthorizationResponse) -> Mapping[str, Any]:
        """Redeem the code and return the claims of the ID token, every check passed. Raises as `login_callback`."""
        return (await self._redeem(response))[0]

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with the profile of user-info (OpenID Connect Core §5.3), unless its ID token had one.

        User-info is JSON or a signed JWT. Raises as `Provider.fetch_profile`: `ContradictingAnswer` when `sub`, `iss`
        or `aud` are others, and `ProviderUnsigned` for a JWT that nobody of the provider signed.
        """
        metadata = await self._metadata.get()
        if identity.profile is not None or not metadata.userinfo_endpoint or not identity.grant:
            return identity
        headers = {"accept": "application/json", "authorization": f"Bearer {identity.grant}"}
        answer = await self.http.get(metadata.userinfo_endpoint, headers=headers)
        userinfo = await self._read_userinfo(answer, identity.ids)
        check_subject(userinfo, identity.ids)
        return identity.with_profile(self.read_profile(userinfo))

    async def read_logout(self, logout_token: str) -> LogoutNotice:
        """Return which session has ended, or whose (OpenID Connect Back-Channel Logout 1.0 §2.6).

        Raises `ProviderUnsigned` and `ProviderBadResponse` for a token that fails a check.
        """
        jws = split_token(logout_token, self.algorithms, logout.WHAT)
        claims = await self._verified(jws, logout.WHAT)
        issuer = self._issuer_of(claims, logout.WHAT)
        notice = logout.read_logout_claims(jws, claims, issuer, self._expect_us())
        if notice.subject is None:
            return notice
        known = (person_id for person_id in self.read_ids(claims) if person_id.value == notice.subject.value)
        return replace(notice, subject=next(known, notice.subject))

    async def read_event_token(self, token: object) -> EventToken:
        """Return the content of a security event token (RFC 8417) that the provider has signed for this client.

        For a vendor with `ReceivesNotices`: what its `events` mean is the subclass's to say. Raises as `read_logout`.
        """
        claims = await self._verified(split_token(token, self.algorithms, event_token.WHAT), event_token.WHAT)
        issuer = self._issuer_of(claims, event_token.WHAT)
        return event_token.read_event_claims(claims, issuer, self._expect_us())

    async def get_logout_url(self, hint: str, return_to: str) -> str | None:
        """Return the provider's page that ends the session there (OpenID Connect RP-Initiated Logout 1.0 §2).

        `hint` is the ID token of the login. None without the setting `rp_initiated_logout`, or without such a page.
        """
        page = (await self._metadata.get()).end_session_endpoint if self.settings.rp_initiated_logout else ""
        if not page:
            return None
        known = {"id_token_hint": hint} if hint else {}
        parameters = {**known, "client_id": self.settings.client_id, "post_logout_redirect_uri": return_to}
        return with_query(page, parameters)

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer of the provider. `operation` is `token` or `userinfo`.

        Override it for an answer that is wrapped or in another format than JSON. Raises the error of ours that the
        standard has for the provider's, `ProviderRefused` for any other refusal or an outage, and `ProviderBadResponse`
        for what cannot be read.
        """
        return read_answer(answer, _WITH_PKCE, operation)

    def read_ids(self, claims: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the ids in verified `claims`, strongest first: by default `sub` as a union id of the issuer.

        Override it for a vendor with more ids, or with ids that count in a workspace, a tenant or this client alone.
        One of them must be `sub` where user-info is called: that is what the answer is compared with. Raises
        `ProviderBadResponse` for an id that is missing or no id.
        """
        return (PersonId.union_id(claims.get("sub"), self._issuer_of(claims)),)

    def read_profile(self, claims: Mapping[str, Any]) -> Profile:
        """Return the profile in verified claims or user-info. Override it where a path does not suffice.

        The phone number is taken only when the provider says that it verified it.
        """
        profile = self.claims.read_profile(claims)
        mobile, verified = read_text(claims.get("phone_number")), claims.get("phone_number_verified")
        is_verified = verified is True or (self.text_booleans and verified == "true")
        return replace(profile, mobile=mobile) if is_verified else profile

    def find_profile(self, claims: Mapping[str, Any], response: AuthorizationResponse) -> Profile | None:
        """Return the profile that came with the login, or None when user-info has to be called for it.

        By default it is the ID token's, when that has a nickname. Override it for a vendor that sends a name in
        `response.parameters`.
        """
        profile = self.read_profile(claims)
        return profile if profile.nickname else None

    async def _redeem(self, response: AuthorizationResponse) -> tuple[dict[str, Any], str, str]:
        metadata = await self._metadata.get()
        self._check_sender(metadata, response.parameters)
        quirks = _WITH_PKCE if self._sends_challenge(metadata) else _WITHOUT_PKCE
        authentication = self.make_authentication(metadata)
        redeemed = await redeem_code(self.http, metadata.token_endpoint, authentication, response, quirks)
        answer = self.read_answer("token", redeemed)
        access_token = check_token(answer.get("access_token"))
        client = frozenset({self.settings.client_id})
        expected = Expected(client, frozenset(self.settings.audiences), response.nonce, self.now(), access_token)
        if (max_age := self.settings.authorize_parameters.get("max_age")) is not None:
            expected = replace(expected, max_age=int(max_age))
        claims = await self._check_id_token(answer.get("id_token"), expected)
        return claims, str(answer["id_token"]), access_token

    async def _read_credential(self, response: AuthorizationResponse) -> Identity:
        clients = frozenset({self.settings.client_id, *self.settings.audiences})
        expected = Expected(clients, frozenset(self.settings.audiences), response.nonce, self.now())
        claims = await self._check_id_token(response.code, expected)
        return self._identity(claims, response, response.code)

    def _identity(
        self, claims: Mapping[str, Any], response: AuthorizationResponse, id_token: str, grant: str = ""
    ) -> Identity:
        profile = self.find_profile(claims, response)
        identity = Identity(self.union_type, self.read_ids(claims), self.settings.client_id, profile, grant=grant)
        # the issuer's, not the person's: a strange one costs no login, it only cannot end this one
        sid, hint = claims.get("sid"), id_token if self.settings.rp_initiated_logout else ""
        known_sid = sid if isinstance(sid, str) and len(sid) <= ID_MAX else ""
        return replace(identity, vendor_session=VendorSession(known_sid, hint)) if known_sid or hint else identity

    async def _check_id_token(self, token: object, expected: Expected) -> dict[str, Any]:
        jws = split_token(token, self.algorithms)
        claims = await self._verified(jws, "id_token")
        self._issuer_of(claims)
        check_claims(claims, jws.algorithm, expected)
        self.check_person(claims)
        return claims

    async def _read_userinfo(self, answer: Answer, ids: tuple[PersonId, ...]) -> Mapping[str, Any]:
        jws = find_jws(answer, self.algorithms)
        if jws is None:
            return self.read_answer("userinfo", answer)
        claims = await self._verified(jws, USERINFO)
        if not is_absent(claims.get("iss")) and claims["iss"] not in [person_id.scope for person_id in ids]:
            self._issuer_of(claims, USERINFO)
            if set(self.read_ids(claims)).isdisjoint(ids):  # an issuer of ours, but not this person's
                raise ContradictingAnswer("user-info is of another issuer")
        check_signed(claims, (self.settings.client_id, *self.settings.audiences), self.now())
        return claims

    async def _verified(self, jws: Jws, what: str) -> dict[str, Any]:
        """Return the claims when a key of the provider signed them.

        Where none of the known keys did, the key set is fetched again, at most once in `RETRY_PAUSE_SECONDS`. `what` is
        what errors call the token.
        """
        if jws.algorithm == "HS256":
            secret = self.settings.client_secret
            return check_signature(jws, [SecretKey(secret.get_secret_value())] if secret else [], what)
        known = await self._keys.get()
        with suppress(ProviderUnsigned):
            return check_signature(jws, known.find_keys(jws.algorithm, jws.kid), what)
        newer = await self._keys.get_newer(known)
        return check_signature(jws, newer.find_keys(jws.algorithm, jws.kid), what)

    def _expect_us(self) -> Expected:
        audiences = frozenset(self.settings.audiences)
        return Expected(audiences | {self.settings.client_id}, audiences, "", self.now())

    def _find_weak_secret(self) -> Iterator[str]:
        secret = self.settings.client_secret
        is_weak = secret is not None and len(secret.get_secret_value().encode()) < SECRET_BYTES
        is_missing = secret is None and self.settings.id_token_algorithms is not None
        if "HS256" in self.algorithms and (is_weak or is_missing):
            yield f"client_secret: HS256 takes a secret of at least {SECRET_BYTES} bytes"

    async def _fetch_metadata(self) -> Metadata:
        settings, expected = self.settings, self.issuer_template or self.settings.issuer
        if url := settings.discovery_address:
            return await fetch_metadata(self.http, url, expected, settings.endpoints)
        return make_metadata(expected, settings.endpoints)

    async def _fetch_keys(self) -> KeySet:
        return await fetch_keys(self.http, (await self._metadata.get()).jwks_uri)

    def _issuer_of(self, claims: Mapping[str, Any], what: str = "id_token") -> str:
        issuer = self.find_issuer(claims) if isinstance(claims.get("iss"), str) else None
        if issuer is None:
            raise ContradictingAnswer(f"iss of {what} is another issuer")
        return issuer

    def _check_sender(self, metadata: Metadata, parameters: Mapping[str, str]) -> None:
        """Compare `iss` of the authorization response with the issuer, against mix-up attacks."""
        if not metadata.may_send(parameters.get("iss", "")):
            raise ProviderBadResponse("iss of the authorization response is missing or another issuer")

    def _sends_challenge(self, metadata: Metadata) -> bool:
        return self.settings.pkce == "force" or (self.settings.pkce == "auto" and metadata.takes_pkce)
