"""`OAuth2Sandbox`: the loopback copy of an OAuth 2.0 vendor (RFC 6749), at the addresses of its provider.

Owns the consent page, the phone of a mini program, and the calls. A subclass writes the answers as the vendor documents
them, and never derives them from the provider's mapping: a mistake there would otherwise pass unseen.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.identity import ClientType
from connect_core.providers.oauth2 import OAuth2Provider, Quirks
from connect_core.providers.oauth2.provider import ADDRESSES
from connect_core.providers.oauth2.responses import ERRORS
from connect_core.sandbox.faults import Fault
from connect_core.sandbox.oauth2_answers import OAuth2Answers
from connect_core.sandbox.oauth2_calls import (
    TOKEN_LIFE,
    Grant,
    Grants,
    JsonObject,
    Refused,
    asks_for_app_token,
    challenge_of,
    check_client,
    check_constants,
    check_credentials,
    check_grant_type,
    check_headers,
    check_login,
    code_name,
    comes_by_redirect,
    digest,
    filled,
    find_placeholder,
    find_token,
    lower_names,
    read_basic,
    read_parameters,
    refuse_extras,
    require,
    require_parameters,
    spoil,
    standard,
    write_form,
)
from connect_core.sandbox.phones import encrypt_phone
from connect_core.sandbox.vendor_server import PEOPLE, Person

Endpoint = Callable[[Mapping[str, str], Mapping[str, str]], JsonObject]
"""Returns the answer to the parameters and headers of a request. Raises `Refused`."""
FOR_CLIENTS = ("token", "code", "app_token")
"""Operations in which the client authenticates; the others are made with a token."""


class OAuth2Sandbox(OAuth2Answers):
    """An OAuth 2.0 vendor with one registered client. Derive from it for a provider that is an `OAuth2Provider`.

        class AcmeSandbox(OAuth2Sandbox):
            title = "Acme"
            provider = AcmeProvider

            def userinfo_answer(self, person):
                return {"id": self.user_id(person.key), "display_name": person.nickname}

    Override the methods named `…_answer` with whole answers from the vendor's documentation. Operations of the fault
    script are `authorize`, `token`, `id`, `userinfo`, `code`, `phone` and `app_token`; faults besides
    `TRANSPORT_FAULTS` are `error` (value: the vendor's code), `missing_id` and `swapped_id`.

    - `provider`: the provider class, which has the addresses and the quirks.
    - `client_id`, `client_secret`: the registered client.
    - `refusals`: the vendor's error codes for those of RFC 6749; `code invalid_grant` is the code of `invalid_grant` in
      the operation `code` alone.
    - `error_statuses`: the HTTP status of errors of the token call, and of calls made with a token.
    - `session_key_bytes`: the length of the key of a mini program's session, see `quirks.session_key`.
    - `code_life`: seconds that a code is valid, one for a phone number too.
    - `refused_extras`: the vendor's error for a call with the extras of the quirks; empty where the app has the right.
    - `requires_pkce`: True where a login without a code challenge is refused.
    """

    own_faults: ClassVar[Collection[str]] = ("error", "missing_id", "swapped_id")
    operations: ClassVar[Collection[str]] = ("authorize", "token", "id", "userinfo", "code", "phone", "app_token")
    provider: ClassVar[type[OAuth2Provider]]
    client_secret: ClassVar[str] = "sandbox-secret"  # noqa: S105 - made up
    refusals: ClassVar[Mapping[str, str]] = {}
    error_statuses: ClassVar[tuple[int, int]] = (400, 401)
    code_life: ClassVar[int] = 600
    requires_pkce: ClassVar[bool] = False
    refused_extras: str = ""

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time.time) -> None:
        """Arguments as for `Sandbox`."""
        super().__init__(people=people, now=now)
        self._grants = Grants(lambda: self.now())  # noqa: PLW0108 - tests replace `now` later

    def get_untrusted(self) -> Collection[str]:
        """Return `missing_id`, and `swapped_id` where user-info repeats an id that the provider knows already."""
        provider = self.provider
        is_repeated = (provider.id_claims.has_ids or provider.code_url) and provider.claims.has_ids
        return ("missing_id", "swapped_id") if is_repeated else ("missing_id",)

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the vendor's codes in `quirks.errors`, and those for `invalid_grant` and `invalid_client`.

        Each has the code that connect-login is to have for it. Those of `quirks.app_token_errors` are left out: after
        one of them the provider asks again with another token. The contract plays all in the token call: override this
        method for a vendor that has other errors there than elsewhere.
        """
        standard = {self.refusals.get(word, word): ERRORS[word].code for word in ("invalid_grant", "invalid_client")}
        retried = self.quirks.app_token_errors if self.provider.app_token_url else ()
        return {error: code for error, code in {**standard, **self.quirks.outcomes}.items() if error not in retried}

    @property
    def quirks(self) -> Quirks:
        """The vendor's departures from RFC 6749, as its provider states them, with the settings of the client."""
        quirks = self.provider.quirks
        if not quirks.setting_names:
            return quirks
        defaults = {name: field.default for name, field in self.provider.Settings.model_fields.items()}
        settings = {**defaults, **self.settings("", next(iter(self.provider.entrances)))}
        return quirks.with_settings({name: str(settings[name]) for name in quirks.setting_names})

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's id and secret, and the provider's addresses at `base_url`."""
        paths = {key: getattr(self.provider, key) for key in ADDRESSES}
        urls = {key: base_url + urlsplit(url).path for key, url in paths.items() if url}
        return {"client_id": self.client_id, "client_secret": self.client_secret, **urls}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return what the vendor's SDK gives to a mini program or app: a code, and the state of a `login_url`.

        Raises `LookupError` for a client type that comes back through a redirect, and `ValueError` for a `login_url`
        that the SDK would refuse.
        """
        if comes_by_redirect(self.provider, client_type):
            raise LookupError("this client type comes back through a redirect")
        login = standard(dict(parse_qsl(urlsplit(login_url).query)), self.quirks.names)
        if login_url and login["client_id"] != self.client_id:
            raise ValueError("the SDK wants a login URL with its own client id")
        kind = "client_code" if self.provider.code_url and client_type in self.provider.code_clients else "code"
        code = self._issue_code(kind, self.find_person(person), {"scope": login["scope"]})
        name = self.quirks.client_code_name or code_name(self.quirks)
        return {name: code, **({"state": login["state"]} if login["state"] else {})}

    def response_parameters(self, person: Person, login: Mapping[str, str]) -> dict[str, str]:
        """Return what the callback has besides the code and `state`: by default what the token call repeats.

        Those are made-up values for `quirks.token_from_callback`. `login` has the parameters of the authorization
        request under their standard names.
        """
        return {name: f"{name}-{digest(name, person.key)[:8]}" for name in self.quirks.token_from_callback}

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return what the vendor's phone button gives: a code, or the number encrypted with the key of the session.

        Nothing for a vendor without either, for a redirect, and for a client type whose code gives no such key.
        """
        provider, owner = self.provider, self.find_person(person)
        if comes_by_redirect(provider, client_type):
            return {}
        if provider.phone_url:
            return {self.quirks.phone_code_name: self._issue_code("phone_code", owner, {})}
        if not self.quirks.session_key or client_type not in provider.code_clients:
            return {}
        receiver = self.client_id if self.quirks.phone_frame else ""
        return encrypt_phone(self.phone_answer(owner), self.session_key(owner.key), receiver)

    def check_app_token(self, token: str) -> None:
        """Raise `Refused` with `invalid_token` unless `token` is a valid token of the app itself."""
        self._grants.find("app_token", token, "invalid_token")

    def check_token_call(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Raise `Refused` for a token call without what the vendor wants besides the quirks, such as a sign."""

    def check_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Raise `Refused` for a user-info call without what the vendor wants besides the quirks, such as a sign."""

    def error_status(self, operation: str, code: str) -> int:
        """Return the HTTP status of the vendor's error `code` in the answer of `operation`."""
        return self.error_statuses[0 if operation in FOR_CLIENTS else 1]

    def revoke_app_tokens(self) -> None:
        """Make every token of the app invalid, as a vendor does when the secret is reset."""
        self._grants.clear("app_token")

    def routes(self) -> Sequence[BaseRoute]:
        """Return the consent page and the calls, at the paths of the provider's addresses."""
        provider, quirks = self.provider, self.quirks
        calls = (
            ("token", provider.token_url, quirks.token_method, self._redeem),
            ("id", provider.id_url, quirks.id_method, self._answer_id),
            ("userinfo", provider.userinfo_url, quirks.userinfo_method, self._answer_userinfo),
            ("code", provider.code_url, quirks.code_method, self._redeem_client_code),
            ("phone", provider.phone_url, quirks.phone_method, self._answer_phone),
            ("app_token", provider.app_token_url, quirks.app_token_method, self._answer_app_token),
        )
        page = urlsplit(provider.authorize_url).path
        return [
            *([Route(page, self._authorize, methods=["GET", "POST"])] if page else []),
            *(
                Route(urlsplit(url).path, self._call(name, endpoint), methods=["GET" if method == "get" else "POST"])
                for name, url, method, endpoint in calls
                if url
            ),
        ]

    def write(self, answer: JsonObject, request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as text in the vendor's format, which is JSON unless `quirks.answer` says otherwise.

        Override it for a vendor whose format depends on `request` or `operation`. `is_error` is True for the answer of
        `error_answer`.
        """
        return f"{self.quirks.prefix}{write_form(answer, self.quirks.answer_forms[operation], is_error=is_error)}"

    async def _authorize(self, request: Request) -> Response:
        login = {**request.query_params, **standard(request.query_params, self.quirks.names)}
        try:
            self.check_login(login)
            check_constants(self.quirks, request.query_params)
        except Refused as refused:
            self.refused.append(f"authorize: {refused}")
            return Response(f"400 {refused}", 400)
        if request.method == "GET":
            page = self.consent_page(request, app=self.client_id, scope=login["scope"])
            return await self.answer("authorize", request.query_params, lambda _: page)
        form = await request.form()
        response = {"state": login["state"]}
        if form.get("decision") == "agree":
            person = self.find_person(str(form.get("somebody") or form["person"]))
            response |= {
                **self.response_parameters(person, login),
                code_name(self.quirks): self._issue_code("code", person, login),
            }
        elif not self.quirks.refuses_without_code:
            response["error"] = "access_denied"
        uri = login["redirect_uri"]
        callback = f"{uri}{'&' if '?' in uri else '?'}{urlencode(response)}"
        return RedirectResponse(callback, 303, {"cache-control": "no-store"})

    def check_login(self, login: Mapping[str, str]) -> None:
        """Raise `Refused` for a wrong authorization request.

        `login` has its parameters under the vendor's names, and those of the standard under their own, empty where one
        is missing. Override it to check parameters that the quirks do not state.
        """
        check_login(login, self.client_id, needs_challenge=self.requires_pkce)

    @property
    def _credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self.client_secret}

    def _issue_code(self, kind: str, person: Person, login: Mapping[str, str]) -> str:
        scope, uri, challenge = (login.get(name, "") for name in ("scope", "redirect_uri", "code_challenge"))
        return self._grants.issue(kind, Grant(person, scope, uri, challenge, self.now() + self.code_life))

    def _issue_token(self, kind: str, person: Person, scope: str = "") -> str:
        return self._grants.issue(kind, Grant(person, scope, "", "", self.now() + TOKEN_LIFE))

    def _call(self, operation: str, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            parameters = await read_parameters(request, with_query=operation in ("code", "phone"))
            name, reply = operation, endpoint
            if operation == "token" and asks_for_app_token(self.provider, parameters):
                name, reply = "app_token", self._answer_app_token
            return await self.answer(
                name, parameters, lambda fault: self._reply(name, reply, parameters, request, fault)
            )

        return respond

    def _reply(
        self, operation: str, endpoint: Endpoint, parameters: Mapping[str, str], request: Request, fault: Fault | None
    ) -> Response:
        try:
            check_headers(self.quirks.headers, request.headers, self.client_id)
            error = fault.value if fault and fault.kind == "error" else ""
            # what ends with an error spends no code: the provider may ask again with it and another app token
            answer = {} if error else spoil(endpoint(parameters, request.headers), fault, self.provider)
        except Refused as refused:
            self.refused.append(f"{operation}: {refused}")
            word = self.refusals.get(refused.word, refused.word)
            answer, error = {}, self.refusals.get(f"{operation} {refused.word}", word)
        status = self.error_status(operation, error) if error else 200
        text = self.write(self.error_answer(error) if error else answer, request, operation, is_error=bool(error))
        return Response(text.encode(), status, media_type="text/plain")

    def _redeem(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        quirks, names = self.quirks, {**self.quirks.names, **self.quirks.token_names}
        call = standard(parameters, names)
        self._authenticate(call, headers)
        require_parameters(quirks.token_parameters, parameters)
        self.check_token_call(parameters, headers)
        check_grant_type(call, names, "authorization_code")
        grant = self._grants.find("code", call["code"], "invalid_grant")
        is_same = names.get("redirect_uri") == "" or call["redirect_uri"] == grant.redirect_uri
        require(is_same, "invalid_grant", "redirect_uri is not that of the login")
        is_proved = challenge_of(call["code_verifier"]) == grant.challenge
        require(is_proved, "invalid_grant", "code_verifier does not fit the code challenge")
        if grant.redirect_uri:
            missing = [name for name in quirks.token_from_callback if name not in parameters]
            require(not missing, "invalid_request", f"parameter {', '.join(missing)} is missing")
        self._grants.use("code", call["code"])
        return self.token_answer(grant, self._issue_token("token", grant.person, grant.scope))

    def _redeem_client_code(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        quirks, sent = self.quirks, {**headers, **parameters}
        templates = {**lower_names(quirks.code_header), **quirks.code_query, **quirks.code_parameters}
        values = {name: find_placeholder(name, templates, sent) for name in ("code", "app_token")}
        if not quirks.code_parameters:
            self._check_standard_call(parameters, headers, "authorization_code")
            values["code"] = standard(parameters, {**quirks.names, **quirks.token_names})["code"]
        if quirks.uses_in_code_call("app_token"):
            self.check_app_token(values["app_token"])
        check_client(templates, sent, {**values, **self._credentials})
        grant = self._grants.find("client_code", values["code"], "invalid_grant")
        self._grants.use("client_code", values["code"])
        return self.code_answer(grant.person, self._issue_token("token", grant.person, grant.scope))

    def _answer_app_token(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        if not self.quirks.app_token_parameters:
            self._check_standard_call(parameters, headers, "client_credentials")
        check_client(self.quirks.app_token_parameters, parameters, self._credentials)
        return self.app_token_answer(self._issue_token("app_token", Person("", "")))

    def _check_standard_call(self, parameters: Mapping[str, str], headers: Mapping[str, str], grant_type: str) -> None:
        names = {**self.quirks.names, **self.quirks.token_names}
        call = standard(parameters, names)
        self._authenticate(call, headers)
        check_grant_type(call, names, grant_type)
        is_plain = not call["redirect_uri"] and not call["code_verifier"]
        require(is_plain, "invalid_request", "redirect_uri or code_verifier belongs to a login by redirect")

    def _authenticate(self, call: Mapping[str, str], headers: Mapping[str, str]) -> None:
        client_id, secret = call["client_id"], call["client_secret"]
        if self.quirks.client_auth == "basic":
            client_id, secret = read_basic(headers, sent_secret=bool(secret))
        is_proved = self.quirks.client_auth == "none" or secret == self.client_secret
        check_credentials(is_known=client_id == self.client_id, is_proved=is_proved)

    def _answer_id(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        refuse_extras(self.refused_extras, self.quirks.id_extras, parameters)
        return self.id_answer(self._find_owner(self.quirks.id_parameters, parameters, headers))

    def _answer_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        refuse_extras(self.refused_extras, self.quirks.userinfo_extras, parameters)
        self.check_userinfo(parameters, headers)
        return self.userinfo_answer(self._find_owner(self.quirks.userinfo_parameters, parameters, headers))

    def _answer_phone(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        quirks, sent = self.quirks, {**headers, **parameters}
        templates = {**lower_names(quirks.phone_header), **quirks.phone_query, **quirks.phone_parameters}
        values = {name: find_placeholder(name, templates, sent) for name in ("phone_code", "access_token", "app_token")}
        if quirks.uses_in_phone_call("app_token"):
            self.check_app_token(values["app_token"])
        grant = self._grants.find("phone_code", values["phone_code"], "invalid_grant")
        if quirks.uses_in_phone_call("access_token"):
            owner = self._grants.find("token", values["access_token"], "invalid_token").person
            require(owner.key == grant.person.key, "invalid_grant")
        values |= {"client_id": self.client_id, **self.ids_of(grant.person)}
        require_parameters(filled(templates, values), sent)
        self._grants.use("phone_code", values["phone_code"])
        return self.phone_answer(grant.person)

    def _find_owner(
        self, templates: Mapping[str, str], parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> Person:
        """Return the person of the access token in a request that has every parameter which `templates` ask for."""
        token = find_token(templates, parameters, self.quirks.token_header, headers)
        grant = self._grants.find("token", token, "invalid_token")
        values = {"access_token": token, "client_id": self.client_id, **self.ids_of(grant.person)}
        require_parameters(filled(templates, values), parameters)
        return grant.person
