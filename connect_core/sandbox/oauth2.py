"""`OAuth2Sandbox`: the loopback copy of an OAuth 2.0 vendor (RFC 6749), at the addresses of its provider.

Owns the consent page, codes, tokens and the checks that a vendor makes. A subclass writes the answers as the vendor
documents them, and never derives them from the provider's mapping: a mistake there would otherwise pass unseen.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import unquote_plus, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.identity import ClientType
from connect_core.providers.oauth2 import OAuth2Provider, Quirks
from connect_core.providers.oauth2.quirks import NAMES
from connect_core.providers.oauth2.responses import ERRORS
from connect_core.sandbox.faults import Fault
from connect_core.sandbox.vendor_server import PEOPLE, Person, Sandbox

JsonObject = dict[str, Any]
Endpoint = Callable[[Mapping[str, str], Mapping[str, str]], JsonObject]
"""Returns the answer to the parameters and headers of a request. Raises `Refused`."""
TOKEN_LIFE = 7200
"""Seconds that an access token is valid."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or an access token stands for: who agreed, and to what.

    `challenge` is the PKCE code challenge, empty without one; `expiry` is in seconds since the epoch; `is_used` is True
    for a code that was redeemed.
    """

    person: Person
    scope: str
    redirect_uri: str
    challenge: str
    expiry: float
    is_used: bool = False


class Refused(Exception):
    """The sandbox refuses a request.

    `word` is the error code of RFC 6749 §5.2 or RFC 6750 §3.1, such as `invalid_grant`. `OAuth2Sandbox.refusals` may
    have the vendor's own code for it.
    """

    def __init__(self, word: str) -> None:
        """`word` as in the class."""
        super().__init__(word)
        self.word = word


class OAuth2Sandbox(Sandbox):
    """An OAuth 2.0 vendor with one registered client. Derive from it for a provider that is an `OAuth2Provider`.

        class AcmeSandbox(OAuth2Sandbox):
            title = "Acme"
            provider = AcmeProvider

            def userinfo_answer(self, person):
                return {"id": self.user_id(person.key), "display_name": person.nickname}

    Override the methods named `…_answer` with whole answers from the vendor's documentation. Operations of the fault
    script are `authorize`, `token`, `id` and `userinfo`; faults besides `TRANSPORT_FAULTS` are `error` (value: the
    vendor's code), `missing_id` and `swapped_id`.

    - `provider`: the provider class, which has the addresses and the quirks.
    - `client_id`, `client_secret`: the registered client.
    - `refusals`: the vendor's error codes for those of RFC 6749.
    - `error_statuses`: the HTTP status of errors of the token call, and of calls made with a token.
    - `code_life`: seconds that a code is valid.
    - `requires_pkce`: True where a login without a code challenge is refused.
    """

    own_faults: ClassVar[Collection[str]] = ("error", "missing_id", "swapped_id")
    provider: ClassVar[type[OAuth2Provider]]
    client_id: ClassVar[str] = "sandbox-client"
    client_secret: ClassVar[str] = "sandbox-secret"  # noqa: S105 - made up
    refusals: ClassVar[Mapping[str, str]] = {}
    error_statuses: ClassVar[tuple[int, int]] = (400, 401)
    code_life: ClassVar[int] = 600
    requires_pkce: ClassVar[bool] = False
    _RENAMED_METHODS: ClassVar[Mapping[str, str]] = {
        "hand_over": "client_parameters",
        "tell_error": "error_answer",
        "tell_ids": "id_answer",
        "tell_person": "userinfo_answer",
        "tell_tokens": "token_answer",
    }

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time.time) -> None:
        """Arguments as for `Sandbox`."""
        super().__init__(people=people, now=now)
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    def get_untrusted(self) -> Collection[str]:
        """Return `missing_id`, and `swapped_id` where user-info repeats an id that the provider knows already."""
        is_repeated = self.provider.id_claims.has_ids and self.provider.claims.has_ids
        return ("missing_id", "swapped_id") if is_repeated else ("missing_id",)

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the vendor's codes for `invalid_grant` and `invalid_client`, with what they are to connect-login."""
        return {self.refusals.get(word, word): ERRORS[word].code for word in ("invalid_grant", "invalid_client")}

    def token_answer(self, grant: Grant, token: str) -> JsonObject:
        """Return the answer of the token call (RFC 6749 §5.1) with the access token `token`."""
        return {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFE, "scope": grant.scope}

    def id_answer(self, person: Person) -> JsonObject:
        """Return the answer of the call at `id_url`, for vendors that have one."""
        return {"open_id": self.open_id(person.key)}

    def userinfo_answer(self, person: Person) -> JsonObject:
        """Return the answer of the call at `userinfo_url`."""
        return {"id": self.user_id(person.key), "name": person.nickname}

    def error_answer(self, code: str) -> JsonObject:
        """Return the answer of any call that fails with the vendor's error `code` (RFC 6749 §5.2)."""
        return {"error": code, "error_description": "made up by the sandbox"}

    def user_id(self, person: str) -> int:
        """Return the vendor-wide id, a number, of the person with the key `person`."""
        return int(_digest("user", person)[:10], 16)

    def union_id(self, person: str) -> str:
        """Return the id across one developer's apps of the person with the key `person`."""
        return "u" + _digest("developer", person)[:31]

    def open_id(self, person: str) -> str:
        """Return the id for this client alone of the person with the key `person`."""
        return "o" + _digest(self.client_id, person)[:31]

    @property
    def quirks(self) -> Quirks:
        """The vendor's departures from RFC 6749, as its provider states them."""
        return self.provider.quirks

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's id and secret, and the provider's addresses at `base_url`."""
        paths = {key: getattr(self.provider, key) for key in ("authorize_url", "token_url", "userinfo_url", "id_url")}
        urls = {key: base_url + urlsplit(url).path for key, url in paths.items() if url}
        return {"client_id": self.client_id, "client_secret": self.client_secret, **urls}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Raise `LookupError`: in OAuth 2.0 everybody comes back through a redirect."""
        raise LookupError("this vendor has no client codes")

    def routes(self) -> Sequence[BaseRoute]:
        """Return the consent page and the calls, at the paths of the provider's addresses."""
        provider, quirks = self.provider, self.quirks
        calls = (
            ("token", provider.token_url, quirks.token_method, self._redeem),
            ("id", provider.id_url, quirks.id_method, self._answer_id),
            ("userinfo", provider.userinfo_url, quirks.userinfo_method, self._answer_userinfo),
        )
        return [
            Route(urlsplit(provider.authorize_url).path, self._authorize, methods=["GET", "POST"]),
            *(
                Route(urlsplit(url).path, self._call(name, endpoint), methods=["GET" if method == "get" else "POST"])
                for name, url, method, endpoint in calls
                if url
            ),
        ]

    def write(self, answer: JsonObject, request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer as text in the vendor's format, which is JSON unless the quirks say otherwise.

        Override it for a vendor whose format depends on `request` or `operation`. `is_error` is True for the answer of
        `error_answer`.
        """
        text = json.dumps(answer, ensure_ascii=False)
        if self.quirks.answer == "form" and operation == "token":
            text = urlencode(answer)
        if self.quirks.answer == "jsonp" and is_error:
            text = f"callback( {text} );"
        return f"{self.quirks.prefix}{text}"

    async def _authorize(self, request: Request) -> Response:
        login = _standard(request.query_params, self.quirks.names)
        try:
            self._check_login(login)
        except Refused as refused:
            return Response(f"400 {refused}", 400)
        if request.method == "GET":
            page = self.consent_page(request, app=self.client_id, scope=login["scope"])
            return await self.answer("authorize", request.query_params, lambda _: page)
        form = await request.form()
        response = {"state": login["state"]}
        if form.get("decision") == "agree":
            person = self.find_person(str(form.get("somebody") or form["person"]))
            name = self.quirks.code_names[0] if self.quirks.code_names else "code"
            response[name] = self._issue_code(person, login)
        elif not self.quirks.refuses_without_code:
            response["error"] = "access_denied"
        uri = login["redirect_uri"]
        callback = f"{uri}{'&' if '?' in uri else '?'}{urlencode(response)}"
        return RedirectResponse(callback, 303, {"cache-control": "no-store"})

    def _check_login(self, login: Mapping[str, str]) -> None:
        _require(login["client_id"] == self.client_id, "unauthorized_client")
        _require(login["response_type"] == "code", "unsupported_response_type")
        _require(urlsplit(login["redirect_uri"]).scheme in ("http", "https"), "invalid_request")
        _require(login["state"], "invalid_request")
        if login["code_challenge"] or self.requires_pkce:
            is_sound = len(login["code_challenge"]) == 43 and login["code_challenge_method"] == "S256"
            _require(is_sound, "invalid_request")

    def _issue_code(self, person: Person, login: Mapping[str, str]) -> str:
        code, expiry = secrets.token_hex(16), self.now() + self.code_life
        self._codes[code] = Grant(person, login["scope"], login["redirect_uri"], login["code_challenge"], expiry)
        return code

    def _call(self, operation: str, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            parameters = await _read(request)
            return await self.answer(
                operation, parameters, lambda fault: self._reply(operation, endpoint, parameters, request, fault)
            )

        return respond

    def _reply(
        self, operation: str, endpoint: Endpoint, parameters: Mapping[str, str], request: Request, fault: Fault | None
    ) -> Response:
        try:
            answer = self._spoil(endpoint(parameters, request.headers), fault)
            error = fault.value if fault and fault.kind == "error" else ""
        except Refused as refused:
            answer, error = {}, self.refusals.get(refused.word, refused.word)
        status = self.error_statuses[0 if operation == "token" else 1] if error else 200
        text = self.write(self.error_answer(error) if error else answer, request, operation, is_error=bool(error))
        return Response(text.encode(), status, media_type="text/plain")

    def _redeem(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        quirks = self.quirks
        names = {**quirks.names, **quirks.token_names}
        call = _standard(parameters, names)
        self._authenticate(call, headers)
        _require(quirks.token_parameters.items() <= parameters.items(), "invalid_request")
        _require(names.get("grant_type") == "" or call["grant_type"] == "authorization_code", "unsupported_grant_type")
        grant = self._codes.get(call["code"])
        if grant is None or grant.is_used or self.now() > grant.expiry:
            raise Refused("invalid_grant")
        _require(names.get("redirect_uri") == "" or call["redirect_uri"] == grant.redirect_uri, "invalid_grant")
        _require(_challenge_of(call["code_verifier"]) == grant.challenge, "invalid_grant")
        self._codes[call["code"]] = replace(grant, is_used=True)
        token = secrets.token_hex(16)
        self._tokens[token] = replace(grant, expiry=self.now() + TOKEN_LIFE)
        return self.token_answer(grant, token)

    def _authenticate(self, call: Mapping[str, str], headers: Mapping[str, str]) -> None:
        client = (call["client_id"], call["client_secret"])
        if self.quirks.client_auth == "basic":
            kind, _, pair = headers.get("authorization", "").partition(" ")
            _require(kind == "Basic", "invalid_client")
            client_id, _, secret = base64.b64decode(pair).decode().partition(":")
            client = (unquote_plus(client_id), unquote_plus(secret))
        _require(client[0] == self.client_id, "invalid_client")
        _require(self.quirks.client_auth == "none" or client[1] == self.client_secret, "invalid_client")

    def _answer_id(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        return self.id_answer(self._find_owner(self.quirks.id_parameters, parameters, headers))

    def _answer_userinfo(self, parameters: Mapping[str, str], headers: Mapping[str, str]) -> JsonObject:
        return self.userinfo_answer(self._find_owner(self.quirks.userinfo_parameters, parameters, headers))

    def _find_owner(
        self, templates: Mapping[str, str], parameters: Mapping[str, str], headers: Mapping[str, str]
    ) -> Person:
        """Return the person of the access token in a request that has every parameter which `templates` ask for."""
        in_parameters = [name for name, template in templates.items() if "{access_token}" in template]
        source, sources = (parameters, templates) if in_parameters else (headers, self.quirks.token_header)
        name = in_parameters[0] if in_parameters else next(iter(sources))
        prefix, _, suffix = sources[name].partition("{access_token}")
        token = source.get(name, "").removeprefix(prefix).removesuffix(suffix)
        grant = self._tokens.get(token)
        if grant is None or self.now() > grant.expiry:
            raise Refused("invalid_token")
        values = {"access_token": token, "client_id": self.client_id, **self.ids_of(grant.person)}
        for placeholder, value in values.items():
            templates = {key: template.replace(f"{{{placeholder}}}", value) for key, template in templates.items()}
        _require(templates.items() <= parameters.items(), "invalid_request")
        return grant.person

    def ids_of(self, person: Person) -> dict[str, str]:
        """Return the person's ids by kind: `user_id`, `union_id` and `open_id`."""
        key = person.key
        return {"user_id": str(self.user_id(key)), "union_id": self.union_id(key), "open_id": self.open_id(key)}

    def _spoil(self, answer: JsonObject, fault: Fault | None) -> JsonObject:
        if fault is None or fault.kind not in ("missing_id", "swapped_id"):
            return answer
        return _without(answer, self._id_names(), is_swap=fault.kind == "swapped_id")

    def _id_names(self) -> frozenset[str]:
        claims = (self.provider.claims, self.provider.id_claims)
        mapped = (paths for mapping in claims for paths in (mapping.user_id, mapping.union_id, mapping.open_id))
        paths = (path for paths in mapped for path in ((paths,) if isinstance(paths, str) else paths))
        return frozenset(path.rpartition(".")[2] for path in paths)


def _without(answer: JsonObject, names: frozenset[str], *, is_swap: bool) -> JsonObject:
    """Return an answer without the members called `names`; with `is_swap` they have another person's ids instead."""
    others = {
        name: _without(value, names, is_swap=is_swap) if isinstance(value, dict) else value
        for name, value in answer.items()
        if name not in names
    }
    swapped = {
        name: value + 1 if isinstance(value, int) else f"{value}x" for name, value in answer.items() if name in names
    }
    return {**others, **(swapped if is_swap else {})}


async def _read(request: Request) -> dict[str, str]:
    if request.method == "GET":
        return dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        return dict(await request.json())
    return {name: str(value) for name, value in (await request.form()).items()}


def _standard(parameters: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of RFC 6749 and 7636 under their standard names, empty where one is missing."""
    return {name: parameters.get(names.get(name, name), "") for name in NAMES}


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") if verifier else ""


def _require(condition: object, word: str) -> None:
    if not condition:
        raise Refused(word)


def _digest(scope: str, key: str) -> str:
    return hashlib.sha256(f"{scope}\0{key}".encode()).hexdigest()
