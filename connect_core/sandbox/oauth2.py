"""The double of an OAuth 2.0 vendor, driven by the same addresses and quirks as its provider.

Owns the consent page, codes, tokens and the checks that a vendor makes. What the answers look like is the subclass's:
it writes them as the vendor documents them, so that provider and double cannot agree on a mistake.
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

Found = dict[str, Any]
Find = Callable[[Mapping[str, str], Mapping[str, str]], Found]
TOKEN_LIFE = 7200


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person agreed to, behind a code or a token; `expiry` in epoch seconds."""

    person: Person
    scope: str
    redirect_uri: str
    challenge: str
    expiry: float
    is_used: bool = False


class Refused(Exception):
    """The vendor says no; `word` is RFC 6749's, for which `refusals` may have the vendor's own."""

    def __init__(self, word: str) -> None:
        """`word` such as `invalid_grant`."""
        super().__init__(word)
        self.word = word


class OAuth2Sandbox(Sandbox):
    """One client's vendor. Its operations in the fault script: `authorize`, `token`, `id`, `userinfo`.

    Its own faults: `error` (value: the vendor's code), `missing_id`, `swapped_id`. A subclass names the `provider`
    class and overrides the `tell_…` methods with the vendor's documented answers, whole. `refusals` has the vendor's
    codes for RFC 6749's; `error_statuses` those of the token call and of calls made with a token; `code_life` is in
    seconds; `requires_pkce` is True where a login without a code challenge is refused.
    """

    own_faults: ClassVar[Collection[str]] = ("error", "missing_id", "swapped_id")
    provider: ClassVar[type[OAuth2Provider]]
    client_id: ClassVar[str] = "sandbox-client"
    client_secret: ClassVar[str] = "sandbox-secret"  # noqa: S105 - made up
    refusals: ClassVar[Mapping[str, str]] = {}
    error_statuses: ClassVar[tuple[int, int]] = (400, 401)
    code_life: ClassVar[int] = 600
    requires_pkce: ClassVar[bool] = False

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time.time) -> None:
        """`now` as in the kit."""
        super().__init__(people=people, now=now)
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}

    def get_untrusted(self) -> Collection[str]:
        """Answers without an id; and somebody else's, where a provider that knows the id is told it once more."""
        is_told_twice = self.provider.id_claims.has_ids and self.provider.claims.has_ids
        return ("missing_id", "swapped_id") if is_told_twice else ("missing_id",)

    def get_outcomes(self) -> Mapping[str, str]:
        """The standard's errors of a code and of a client, in the vendor's words."""
        return {self.refusals.get(word, word): ERRORS[word].code for word in ("invalid_grant", "invalid_client")}

    def tell_tokens(self, grant: Grant, token: str) -> Found:
        """Return what the token call answers."""
        return {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIFE, "scope": grant.scope}

    def tell_ids(self, person: Person) -> Found:
        """Return what the call for the id answers, at vendors that have one."""
        return {"open_id": self.open_id(person.key)}

    def tell_person(self, person: Person) -> Found:
        """Return what user-info answers."""
        return {"id": self.user_id(person.key), "name": person.nickname}

    def tell_error(self, code: str) -> Found:
        """Return what stands in an error's answer."""
        return {"error": code, "error_description": "made up by the sandbox"}

    def user_id(self, person: str) -> int:
        """The number that the person with this key has at the vendor."""
        return int(_digest("user", person)[:10], 16)

    def union_id(self, person: str) -> str:
        """What the person with this key is called across one developer's apps."""
        return "u" + _digest("developer", person)[:31]

    def open_id(self, person: str) -> str:
        """What the person with this key is called for this client."""
        return "o" + _digest(self.client_id, person)[:31]

    @property
    def quirks(self) -> Quirks:
        """The vendor's, which its provider states."""
        return self.provider.quirks

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """The settings of the one client."""
        paths = {key: getattr(self.provider, key) for key in ("authorize_url", "token_url", "userinfo_url", "id_url")}
        urls = {key: base_url + urlsplit(url).path for key, url in paths.items() if url}
        return {"client_id": self.client_id, "client_secret": self.client_secret, **urls}

    def hand_over(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Raise `LookupError`: everybody comes back through a redirect."""
        raise LookupError("this vendor has no client codes")

    def routes(self) -> Sequence[BaseRoute]:
        """The page and the calls, at the paths that the provider has them."""
        provider, quirks = self.provider, self.quirks
        calls = (
            ("token", provider.token_url, quirks.token_method, self._redeem),
            ("id", provider.id_url, quirks.id_method, self._identify),
            ("userinfo", provider.userinfo_url, quirks.userinfo_method, self._describe),
        )
        return [
            Route(urlsplit(provider.authorize_url).path, self._authorize, methods=["GET", "POST"]),
            *(
                Route(urlsplit(url).path, self._call(name, find), methods=["GET" if method == "get" else "POST"])
                for name, url, method, find in calls
                if url
            ),
        ]

    def write(self, found: Found, request: Request, operation: str, *, is_error: bool) -> str:
        """Return an answer in the vendor's format."""
        text = json.dumps(found, ensure_ascii=False)
        if self.quirks.answer == "form" and operation == "token":
            text = urlencode(found)
        if self.quirks.answer == "jsonp" and is_error:
            text = f"callback( {text} );"
        return f"{self.quirks.prefix}{text}"

    async def _authorize(self, request: Request) -> Response:
        asked = _standard(request.query_params, self.quirks.names)
        try:
            self._check_link(asked)
        except Refused as refused:
            return Response(f"400 {refused}", 400)
        if request.method == "GET":
            page = self.consent_page(request, app=self.client_id, scope=asked["scope"])
            return await self.answer("authorize", request.query_params, lambda _: page)
        form = await request.form()
        back = {"state": asked["state"]}
        if form.get("decision") == "agree":
            person = self.find_person(str(form.get("somebody") or form["person"]))
            name = self.quirks.code_names[0] if self.quirks.code_names else "code"
            back[name] = secrets.token_hex(16)
            ends = self.now() + self.code_life
            self._codes[back[name]] = Grant(
                person, asked["scope"], asked["redirect_uri"], asked["code_challenge"], ends
            )
        elif not self.quirks.refuses_without_code:
            back["error"] = "access_denied"
        mark = "&" if "?" in asked["redirect_uri"] else "?"
        return RedirectResponse(f"{asked['redirect_uri']}{mark}{urlencode(back)}", 303, {"cache-control": "no-store"})

    def _check_link(self, asked: Mapping[str, str]) -> None:
        _require(asked["client_id"] == self.client_id, "unauthorized_client")
        _require(asked["response_type"] == "code", "unsupported_response_type")
        _require(urlsplit(asked["redirect_uri"]).scheme in ("http", "https"), "invalid_request")
        _require(asked["state"], "invalid_request")
        if asked["code_challenge"] or self.requires_pkce:
            is_sound = len(asked["code_challenge"]) == 43 and asked["code_challenge_method"] == "S256"
            _require(is_sound, "invalid_request")

    def _call(self, operation: str, find: Find) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            given = await _read(request)
            return await self.answer(
                operation, given, lambda fault: self._reply(operation, find, given, request, fault)
            )

        return endpoint

    def _reply(
        self, operation: str, find: Find, given: Mapping[str, str], request: Request, fault: Fault | None
    ) -> Response:
        try:
            found = self._spoil(find(given, request.headers), fault)
            error = fault.value if fault and fault.kind == "error" else ""
        except Refused as refused:
            found, error = {}, self.refusals.get(refused.word, refused.word)
        status = self.error_statuses[0 if operation == "token" else 1] if error else 200
        text = self.write(self.tell_error(error) if error else found, request, operation, is_error=bool(error))
        return Response(text.encode(), status, media_type="text/plain")

    def _redeem(self, given: Mapping[str, str], headers: Mapping[str, str]) -> Found:
        quirks = self.quirks
        names = {**quirks.names, **quirks.token_names}
        asked = _standard(given, names)
        self._authenticate(asked, headers)
        _require(quirks.token_parameters.items() <= given.items(), "invalid_request")
        _require(names.get("grant_type") == "" or asked["grant_type"] == "authorization_code", "unsupported_grant_type")
        grant = self._codes.get(asked["code"])
        if grant is None or grant.is_used or self.now() > grant.expiry:
            raise Refused("invalid_grant")
        _require(names.get("redirect_uri") == "" or asked["redirect_uri"] == grant.redirect_uri, "invalid_grant")
        _require(_challenge_of(asked["code_verifier"]) == grant.challenge, "invalid_grant")
        self._codes[asked["code"]] = replace(grant, is_used=True)
        token = secrets.token_hex(16)
        self._tokens[token] = replace(grant, expiry=self.now() + TOKEN_LIFE)
        return self.tell_tokens(grant, token)

    def _authenticate(self, asked: Mapping[str, str], headers: Mapping[str, str]) -> None:
        client = (asked["client_id"], asked["client_secret"])
        if self.quirks.client_auth == "basic":
            kind, _, pair = headers.get("authorization", "").partition(" ")
            _require(kind == "Basic", "invalid_client")
            client_id, _, secret = base64.b64decode(pair).decode().partition(":")
            client = (unquote_plus(client_id), unquote_plus(secret))
        _require(client[0] == self.client_id, "invalid_client")
        _require(self.quirks.client_auth == "none" or client[1] == self.client_secret, "invalid_client")

    def _identify(self, given: Mapping[str, str], headers: Mapping[str, str]) -> Found:
        return self.tell_ids(self._open(self.quirks.id_parameters, given, headers))

    def _describe(self, given: Mapping[str, str], headers: Mapping[str, str]) -> Found:
        return self.tell_person(self._open(self.quirks.userinfo_parameters, given, headers))

    def _open(self, parameters: Mapping[str, str], given: Mapping[str, str], headers: Mapping[str, str]) -> Person:
        """Return whose token came, if everything that goes with it came as well."""
        names = [name for name, value in parameters.items() if "{access_token}" in value]
        source, templates = (given, parameters) if names else (headers, self.quirks.token_header)
        name = names[0] if names else next(iter(templates))
        before, _, after = templates[name].partition("{access_token}")
        token = source.get(name, "").removeprefix(before).removesuffix(after)
        grant = self._tokens.get(token)
        if grant is None or self.now() > grant.expiry:
            raise Refused("invalid_token")
        values = {"access_token": token, "client_id": self.client_id, **self.ids_of(grant.person)}
        for known, value in values.items():
            parameters = {key: template.replace(f"{{{known}}}", value) for key, template in parameters.items()}
        _require(parameters.items() <= given.items(), "invalid_request")
        return grant.person

    def ids_of(self, person: Person) -> dict[str, str]:
        """The person's ids by kind."""
        key = person.key
        return {"user_id": str(self.user_id(key)), "union_id": self.union_id(key), "open_id": self.open_id(key)}

    def _spoil(self, found: Found, fault: Fault | None) -> Found:
        if fault is None or fault.kind not in ("missing_id", "swapped_id"):
            return found
        return _without(found, self._id_names(), is_swap=fault.kind == "swapped_id")

    def _id_names(self) -> frozenset[str]:
        mapped = (
            paths
            for claims in (self.provider.claims, self.provider.id_claims)
            for paths in (claims.user_id, claims.union_id, claims.open_id)
        )
        paths = (path for one in mapped for path in ((one,) if isinstance(one, str) else one))
        return frozenset(path.rpartition(".")[2] for path in paths)


def _without(found: Found, names: frozenset[str], *, is_swap: bool) -> Found:
    """Return an answer without its ids, or with somebody else's of the same kind."""
    kept = {
        name: _without(value, names, is_swap=is_swap) if isinstance(value, dict) else value
        for name, value in found.items()
        if name not in names
    }
    swapped = {
        name: value + 1 if isinstance(value, int) else f"{value}x" for name, value in found.items() if name in names
    }
    return {**kept, **(swapped if is_swap else {})}


async def _read(request: Request) -> dict[str, str]:
    if request.method == "GET":
        return dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        return dict(await request.json())
    return {name: str(value) for name, value in (await request.form()).items()}


def _standard(given: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: given.get(names.get(name, name), "") for name in NAMES}


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") if verifier else ""


def _require(wanted: object, word: str) -> None:
    if not wanted:
        raise Refused(word)


def _digest(scope: str, key: str) -> str:
    return hashlib.sha256(f"{scope}\0{key}".encode()).hexdigest()
