"""`OAuth2Provider`, the base provider for OAuth 2.0 vendors.

Owns the order of the calls to a vendor. `Quirks` say what a call looks like, `Claims` what an answer means.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from connect_core.errors import BadRequest, ConnectError, ProviderConfig, ProviderDenied, ProviderRefused, SettingsError
from connect_core.http import Answer, Http, with_query
from connect_core.identity import ClientType, Identity, IdKind, PersonId, Profile, VerifiedPhone
from connect_core.limits import CODE_LIMIT
from connect_core.providers.oauth2.claims import Claims, check_token, get_value
from connect_core.providers.oauth2.quirks import Method, Quirks, renamed
from connect_core.providers.oauth2.responses import find_value, open_envelope, read_answer
from connect_core.providers.oauth2.session_phone import find_phone_mistakes, open_phone
from connect_core.providers.oauth2.settings import OAuth2Settings, explain_setting, get_texts
from connect_core.providers.oauth2.templates import fill, find_placeholders
from connect_core.providers.oauth2.token import (
    ClientAuthentication,
    NoSecret,
    SecretInForm,
    SecretInHeader,
    authenticated,
    call,
    make_token_request,
)
from connect_core.providers.provider import (
    AuthorizationRequest,
    AuthorizationResponse,
    Entrance,
    Provider,
)
from connect_core.settings import ProviderSettings
from connect_core.vendor_values import is_absent, read_number, read_text

ADDRESSES = ("authorize_url", "token_url", "userinfo_url", "id_url", "code_url", "phone_url", "app_token_url")
"""The attributes with a vendor's addresses."""
DEFAULT_LIFE = 300
"""Seconds for which an app token is cached when its answer does not say how long it is valid."""
MAX_LIFE = 10**9
"""Seconds from which on a life is no life, but a time or a mistake."""
Result = TypeVar("Result")


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
    - `code_url`: the address that takes the code of a mini program or app, where that is not `token_url`.
    - `code_clients`: the client types whose code it takes, where that is only one of the two.
    - `phone_url`: the address of the call for a verified phone number, which a mini program or app gets a code for.
    - `app_token_url`: the address of the app's own token (RFC 6749 §4.4), where the call at `code_url` or `phone_url`
      needs it. A provider with one of these three has `Settings = MiniProgramSettings`.
    - `scope`: the scopes to ask for, with spaces between; ask for the least that names a person.
    - `quirks`: where the vendor departs from RFC 6749.
    - `claims`: where the user-info answer has ids and profile.
    - `id_claims`: where the ids are known before that, in the answer of `id_url` or, without one, in the token answer.
      A member who comes back then costs no user-info call.
    - `code_claims`: where the ids are in the answer of `code_url`; default: `id_claims` if it has ids, else `claims`.

    `entrances` are PC and H5 unless you state others: `ClientType.MINI: Entrance.CLIENT_CODE` for a mini program.
    """

    entrances: ClassVar = dict.fromkeys((ClientType.PC, ClientType.H5), Entrance.REDIRECT)
    Settings: ClassVar[type[ProviderSettings]] = OAuth2Settings
    settings: OAuth2Settings

    authorize_url: str = ""
    token_url: str = ""
    userinfo_url: str = ""
    id_url: str = ""
    code_url: str = ""
    code_clients: tuple[ClientType, ...] = tuple(ClientType)
    phone_url: str = ""
    app_token_url: str = ""
    scope: str = ""
    quirks: Quirks = Quirks()
    claims: Claims = Claims()
    id_claims: Claims = Claims()
    code_claims: Claims = Claims()

    def __init_subclass__(cls, **options: Any) -> None:
        """Raise `TypeError` for an address that the settings cannot replace: a sandbox has to."""
        super().__init_subclass__(**options)
        addresses = ("code_url", "phone_url", "app_token_url")
        fixed = [key for key in addresses if getattr(cls, key) and key not in cls.Settings.model_fields]
        if fixed:
            raise TypeError(f"{cls.__name__} has {', '.join(fixed)}: derive its Settings from MiniProgramSettings")

    def __init__(self, settings: OAuth2Settings, http: Http) -> None:
        """Check that addresses, secret and the path of an id are there. Raises `SettingsError` when one is missing."""
        super().__init__(settings, http)
        # `OAuth2Settings` has not all of them: the few vendors with such a call have them in a subclass
        for key in ADDRESSES:
            setattr(self, key, getattr(settings, key, None) or getattr(self, key))
        if settings.scope is not None:
            self.scope = settings.scope
        if not self.code_claims.has_ids:
            self.code_claims = self.id_claims if self.id_claims.has_ids else self.claims
        if mistakes := list(self._mistakes()):
            raise SettingsError(mistakes)
        self.quirks = self.quirks.with_settings(self._text_settings)
        self.code_names = (*self.quirks.code_names, *filter(None, [self.quirks.client_code_name]))
        self.refuses_without_code = self.quirks.refuses_without_code
        self.denial_words = (*self.denial_words, *self.quirks.errors.get("provider_denied", ()))
        self._authentication = self.make_authentication()
        self._headers = fill(self.quirks.headers, self._text_settings)

    @property
    def client_secret(self) -> str:
        """The client secret, for a signature of your own; the empty text without one."""
        return self.settings.client_secret.get_secret_value() if self.settings.client_secret else ""

    def make_authentication(self) -> ClientAuthentication:
        """Return how this client authenticates in the token call, as `quirks.client_auth` says.

        Override it for another way, such as a signed assertion.
        """
        match self.quirks.client_auth:
            case "post":
                return SecretInForm(self.settings.client_id, self.client_secret)
            case "basic":
                return SecretInHeader(self.settings.client_id, self.client_secret)
            case "none":
                return NoSecret(self.settings.client_id)

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the URL of the vendor's consent page (RFC 6749 §4.1.1, RFC 7636 §4.3).

        For an entrance other than a redirect it has no code challenge: what redeems such a code has no verifier.
        """
        quirks = self.quirks
        sends_challenge = quirks.pkce == "S256" and self.entrances[request.client_type] is Entrance.REDIRECT
        challenge = {"code_challenge": request.code_challenge, "code_challenge_method": "S256"}
        parameters = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": quirks.scope_separator.join(self.scope.split()),
            "state": request.state,
            **(challenge if sends_challenge else {}),
        }
        query = renamed(parameters, quirks.names) | dict(quirks.authorize)
        if request.client_type is ClientType.H5:
            query |= quirks.authorize_h5
        names = quirks.languages
        language = names.get(request.language_tag, names.get(request.language, request.language))
        if quirks.language_name and language:
            query[quirks.language_name] = language
        return with_query(self.authorize_url, query) + (quirks.fragment and f"#{quirks.fragment}")

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code and return the person, by the fewest calls.

        The ids are in the token answer, in the answer of `id_url` or in that of user-info, as `id_claims` and `id_url`
        say; for the code of a mini program or app they are in the answer of `code_url`, if there is one. Raises as
        `Provider.login_callback`.
        """
        client_type = response.client_type
        is_redirect = self.entrances[client_type] is Entrance.REDIRECT
        if self.code_url and client_type in self.code_clients and not is_redirect:
            return await self.redeem_client_code(response)
        standard, headers = make_token_request(self.token_url, self._authentication, response, self.quirks)
        sent = self.complete_token_parameters(standard)
        tokens = self.read_answer("token", await self._call(self.quirks.token_method, self.token_url, sent, headers))
        token = check_token(tokens.get(self.quirks.access_token))
        if not self.id_claims.has_ids:
            userinfo = await self._fetch("userinfo", token, ())
            return self._identity(self.read_ids(self.claims, userinfo), token, self.read_profile(userinfo))
        naming = await self._fetch("id", token, ()) if self.id_url else tokens
        return self._identity(self.read_ids(self.id_claims, naming), token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with the profile and ids of user-info; unchanged when its login called user-info already.

        Also unchanged when the vendor gave no access token for the code of a mini program or app. Raises as
        `Provider.fetch_profile`, and `ContradictingAnswer` when user-info names another person.
        """
        if identity.profile is not None or not self.userinfo_url or not identity.grant:
            return identity
        userinfo = await self._fetch("userinfo", identity.grant, identity.ids)
        return identity.with_profile(self.read_profile(userinfo), self.read_ids(self.claims, userinfo))

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the phone number that `phone_url` answers to the client's `phone_code`.

        Without such a code (`quirks.phone_code_name`) it is the one in the client's `encryptedData`, where the vendor
        encrypts it with `quirks.session_key`. Returns None without either, and for data that does not open.
        `VerifiedPhone.proof` is the code or the data. Raises `BadRequest` for a malformed code, `CodeInvalid` for one
        that the vendor rejects, `ProviderBadResponse` for an answer without a number, and as `login_callback` does.
        """
        phone_code = response.parameters.get(self.quirks.phone_code_name) if self.phone_url else None
        if not phone_code:
            app_id = self.settings.client_id
            return open_phone(response.parameters, identity.session_key, app_id, self.claims, self.quirks)
        if len(phone_code) > CODE_LIMIT or not phone_code.isascii() or not phone_code.isprintable():
            raise BadRequest(f"{self.quirks.phone_code_name}: it is no code")
        values = {"phone_code": phone_code, **self._get_values(identity.grant, identity.ids)}
        if self.quirks.uses_in_phone_call("app_token"):
            answer = await self.with_app_token(
                lambda app_token: self._ask_for_phone({**values, "app_token": app_token})
            )
        else:
            answer = await self._ask_for_phone(values)
        return VerifiedPhone(self.claims.read_phone(answer), phone_code)

    async def with_app_token(self, ask: Callable[[str], Awaitable[Result]]) -> Result:
        """Return the result of `ask`, which is called with the app's own token, for a call that no quirk describes.

        The token is fetched from `app_token_url` and kept as long as it is valid. When `ask` raises an error for which
        `is_dead_app_token` is true, it is fetched again and `ask` called once more. Raises what the calls raise.
        """
        name = f"app token {self.settings.client_id}"
        return await self.http.with_cached(name, self._fetch_app_token, ask, self.is_dead_app_token)

    def is_dead_app_token(self, error: ConnectError) -> bool:
        """Return True for an error of `quirks.app_token_errors`, and for HTTP 401 without any (RFC 6750 §3).

        Override it for a vendor that never means the app's token by HTTP 401.
        """
        words = error.vendor.get("error", "").split()
        return error.vendor.get("status") == "401" or not set(words).isdisjoint(self.quirks.app_token_errors)

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer of the vendor, out of its envelope; every answer of every call goes through.

        `operation` is `token`, `id`, `userinfo`, `code`, `phone` or `app_token`. The default does what `quirks` say.
        Override it for an answer that is signed, encrypted, wrapped or in another format; for the rest call `super()`,
        if need be with the unwrapped text: `dataclasses.replace(answer, content=…)`.

        Raises the error of ours that `quirks.errors` or the standard have for the vendor's, `ProviderRefused` for any
        other refusal or an outage, and `ProviderBadResponse` for what cannot be read.
        """
        return open_envelope(read_answer(answer, self.quirks, operation), self.quirks.envelopes[operation])

    def read_ids(self, claims: Claims, answer: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the ids that `claims` find in `answer`, strongest first. Override it where a path does not suffice.

        Raises `ProviderBadResponse` for an id that is missing or no id.
        """
        return claims.read_ids(answer, self.settings.client_id, self._text_settings)

    def complete_token_parameters(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """Return the parameters of the call at `token_url`, under the vendor's names. Override it to sign them."""
        return parameters

    def complete_parameters(self, operation: str, parameters: Mapping[str, str], token: str) -> Mapping[str, str]:
        """Return the parameters of a call made with the person's token, by default those of the quirks, filled in.

        Override it to add some or to sign them; `client_secret` has the secret. `operation` is `id` or `userinfo`,
        `token` the access token, whether a parameter has it or not.
        """
        return parameters

    def read_profile(self, answer: Mapping[str, Any]) -> Profile:
        """Return the profile in a user-info answer. Override it where a path does not suffice."""
        return self.claims.read_profile(answer)

    def _mistakes(self) -> Iterator[str]:
        entrances = set(self.entrances.values())
        takes_tokens = Entrance.REDIRECT in entrances or not self.code_url
        required = ["authorize_url"] if entrances != {Entrance.CLIENT_CODE} else []
        required += ["token_url"] if takes_tokens else []
        required += ["userinfo_url"] if takes_tokens and not self.id_claims.has_ids else []
        yield from (f"{key}: is missing" for key in required if not getattr(self, key))
        if self.quirks.client_auth != "none" and not self.settings.client_secret:
            yield "client_secret: is missing"
        if not (self.claims.has_ids or self.id_claims.has_ids or (self.code_claims.has_ids and not takes_tokens)):
            yield "claims: say where an id stands: user_id, union_id or open_id"
        if self.id_url and not self.id_claims.has_ids:
            yield "id_url: id_claims must say where the id stands in its answer"
        in_code_call = bool(self.code_url) and self.quirks.uses_in_code_call("app_token")
        if not self.app_token_url and (
            in_code_call or (self.phone_url and self.quirks.uses_in_phone_call("app_token"))
        ):
            yield "app_token_url: is missing"
        in_headers = {name for name in find_placeholders(self.quirks.headers) if not name.startswith("settings.")}
        unknown = sorted(in_headers - self._text_settings.keys())
        yield from (f"{name}: is missing, and quirks have it in headers" for name in unknown)
        unknown = sorted(self.quirks.setting_names - self._text_settings.keys())
        yield from (explain_setting(self.settings, name) for name in unknown)
        for name in ("claims", "id_claims", "code_claims"):
            missing = sorted(getattr(self, name).scope_settings - self._text_settings.keys())
            yield from (f"{key}: is missing, and union_scope of {name} is that" for key in missing)
        has = {"has_code_url": bool(self.code_url), "has_phone_url": bool(self.phone_url)}
        yield from find_phone_mistakes(self.claims, self.quirks, **has)

    def _identity(self, ids: tuple[PersonId, ...], token: str, profile: Profile | None = None) -> Identity:
        return Identity(self.union_type, ids, self.settings.client_id, profile, grant=token)

    def _get_values(self, token: str, ids: tuple[PersonId, ...]) -> dict[str, str]:
        return {
            "access_token": token,
            "client_id": self.settings.client_id,
            **{kind.value: get_value(ids, kind) for kind in IdKind},
        }

    async def _fetch(self, operation: str, token: str, ids: tuple[PersonId, ...]) -> Mapping[str, Any]:
        """Call `id_url` or `userinfo_url` with the person's token.

        The vendor may refuse what the quirks call extras to an app without the right to them: they are asked for again
        without. An outage is no refusal, and an invalid token stays invalid.
        """
        quirks, values = self.quirks, self._get_values(token, ids)
        is_id = operation == "id"
        templates = quirks.id_parameters if is_id else quirks.userinfo_parameters
        if extras := quirks.id_extras if is_id else quirks.userinfo_extras:
            try:
                return await self._ask_about_person(operation, {**templates, **extras}, values)
            except (ProviderConfig, ProviderDenied, ProviderRefused) as error:
                if not error.vendor:
                    raise
        return await self._ask_about_person(operation, templates, values)

    async def _ask_about_person(
        self, operation: str, templates: Mapping[str, str], values: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Send the token in a header if no parameter has it, and return the answer."""
        quirks = self.quirks
        url, method = self.userinfo_url, quirks.userinfo_method
        if operation == "id":
            url, method = self.id_url, quirks.id_method
        headers = {} if "access_token" in find_placeholders(templates) else fill(quirks.token_header, values)
        parameters = self.complete_parameters(operation, fill(templates, values), values["access_token"])
        return self.read_answer(operation, await self._call(method, url, parameters, headers))

    async def redeem_client_code(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code at `code_url`. Call it where more than the client type decides which codes it takes."""
        if self.quirks.uses_in_code_call("app_token"):
            answer = await self.with_app_token(lambda app_token: self._ask_with_code(response.code, app_token))
        else:
            answer = await self._ask_with_code(response.code, "")
        token = answer.get(self.quirks.access_token)
        ids, profile = self.read_ids(self.code_claims, answer), self.code_claims.read_profile(answer)
        # an answer may name a person and give no token; without one, and without a name here, there is no profile
        grant = "" if is_absent(token) else check_token(token)
        identity = self._identity(ids, grant, profile if profile.nickname or profile.mobile else None)
        key = read_text(find_value(answer, self.quirks.session_key)) if self.quirks.session_key else ""
        return replace(identity, session_key=key) if key else identity

    async def _call(
        self, method: Method, url: str, parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        return await call(self.http, method, url, parameters, {**self._headers, **headers})

    @cached_property
    def _text_settings(self) -> dict[str, str]:
        return get_texts(self.settings)

    async def _ask_with_code(self, code: str, app_token: str) -> Mapping[str, Any]:
        quirks = self.quirks
        parameters = {"grant_type": "authorization_code", "code": code}
        sent, headers = self._get_client_request(self.code_url, quirks.code_parameters, parameters, app_token)
        values = {**self._get_client_values(), "code": code, "app_token": app_token}
        query = fill(quirks.code_query, values)
        url = with_query(self.code_url, query) if query else self.code_url
        headers = {**headers, **fill(quirks.code_header, values)}
        return self.read_answer("code", await self._call(quirks.code_method, url, sent, headers))

    def _get_client_values(self) -> dict[str, str]:
        return {"client_id": self.settings.client_id, "client_secret": self.client_secret}

    def _get_client_request(
        self, url: str, templates: Mapping[str, str], parameters: Mapping[str, str], app_token: str = ""
    ) -> tuple[dict[str, str], Mapping[str, str]]:
        """Return the parameters and headers of a call that the client makes for itself, without a person's token."""
        if not templates:
            return authenticated(self._authentication, url, parameters, self.quirks)
        return fill(templates, {**parameters, **self._get_client_values(), "app_token": app_token}), {}

    async def _ask_for_phone(self, values: Mapping[str, str]) -> Mapping[str, Any]:
        quirks = self.quirks
        query = fill(quirks.phone_query, values)
        url = with_query(self.phone_url, query) if query else self.phone_url
        sent, headers = fill(quirks.phone_parameters, values), fill(quirks.phone_header, values)
        return self.read_answer("phone", await self._call(quirks.phone_method, url, sent, headers))

    async def _fetch_app_token(self) -> tuple[str, float]:
        quirks, url = self.quirks, self.app_token_url
        parameters = {"grant_type": "client_credentials"}
        sent, headers = self._get_client_request(url, quirks.app_token_parameters, parameters)
        answer = self.read_answer("app_token", await self._call(quirks.app_token_method, url, sent, headers))
        life = read_number(answer.get(quirks.app_token_expires_in)) or 0
        return check_token(answer.get(quirks.app_token)), life if 0 < life < MAX_LIFE else DEFAULT_LIFE
