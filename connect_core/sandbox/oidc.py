"""The double of an OpenID provider: discovery, keys that rotate, ID tokens, and every way in which they can be wrong.

Owns a vendor's checks of a login and what it signs. Signs and verifies with the crypto door alone, never with the mould
that it is there to test.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from typing import Any, ClassVar
from urllib.parse import unquote_plus, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.crypto import SecretKey, SigningKey, VerificationKey, encode_part
from connect_core.identity import ClientType
from connect_core.sandbox.faults import Fault
from connect_core.sandbox.oauth2 import Refused
from connect_core.sandbox.vendor_server import PEOPLE, Person, Sandbox

Found = dict[str, Any]
TOKEN_LIFE = 3600
CODE_LIFE = 600


@dataclass(frozen=True, slots=True)
class OidcGrant:
    """What a person agreed to, behind a code or a token; `expiry` in epoch seconds."""

    person: Person
    link: Mapping[str, str]
    expiry: float
    is_used: bool = False


@cache
def _first_key(algorithm: str) -> SigningKey:
    """One key an algorithm for all doubles of a process: making an RSA key takes long."""
    return SigningKey.generate(algorithm, secrets.token_hex(4))


class OidcSandbox(Sandbox):
    """One client's OpenID provider.

    Its operations in the fault script: `discovery`, `jwks`, `authorize`, `token`, `userinfo`, and `credential`, an ID
    token handed to an app. Faults of an ID token (`token`, `credential`): `claims` and `header` (value: a JSON object
    whose members are set, or taken out where they are null), `id` (value: the JSON that stands for
    `sub`), `missing_id`, `wrong_nonce`, `unsigned`, `wrong_sign`,
    `unknown_key`, `public_key_secret` (HS256 keyed with the public key; value `pem` or `jwk`), `repeated_name`,
    `rotated` (the key is replaced just before), `id_token` (value: the text itself). Of an answer: `answer` (a JSON
    object as above), `error` (value: its word); of user-info also `swapped_id`.

    `document` has further members of the discovery document, `paths` the endpoints, `profile_in_token` says that the ID
    token has the profile, `app_client_id` the client that apps' tokens are for.
    """

    own_faults: ClassVar[Collection[str]] = (
        *("answer", "claims", "error", "header", "id", "id_token", "missing_id", "public_key_secret", "repeated_name"),
        *("rotated", "swapped_id", "unknown_key", "unsigned", "wrong_nonce", "wrong_sign"),
    )
    client_id: ClassVar[str] = "sandbox-client"
    app_client_id: ClassVar[str] = "sandbox-app"
    client_secret: ClassVar[str] = "sandbox-secret-of-32-characters!"  # noqa: S105 - made up
    paths: ClassVar[Mapping[str, str]] = {
        "authorize": "/authorize",
        "token": "/token",
        "jwks": "/keys",
        "userinfo": "/userinfo",
    }
    document: ClassVar[Mapping[str, Any]] = {}
    profile_in_token: ClassVar[bool] = False

    def __init__(
        self,
        *,
        algorithm: str = "RS256",
        auth_method: str = "client_secret_basic",
        people: Sequence[Person] = PEOPLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`algorithm` signs ID tokens; `auth_method` is the one that is taken (OpenID Connect Core §9)."""
        super().__init__(people=people, now=now)
        self.algorithm, self.auth_method = algorithm, auth_method
        self.issuer = ""
        self.key = _first_key("ES256" if algorithm == "HS256" else algorithm)
        self.client_key = _first_key("ES256")
        self._codes: dict[str, OidcGrant] = {}
        self._tokens: dict[str, OidcGrant] = {}
        self._spent_ids: set[str] = set()

    def rotate(self) -> None:
        """Replace the signing key; the old one is gone from the set."""
        self.key = SigningKey.generate(self.key.algorithm, secrets.token_hex(4))

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """The settings of the client; the double's issuer is `base_url`."""
        self.issuer = base_url
        found = {"issuer": self.issuer, "client_id": self._client_of(client_type)}
        if self.auth_method == "private_key_jwt":
            return {**found, "private_key": self.client_key.pkcs8_pem(), "key_id": self.client_key.kid}
        if self.auth_method == "none":
            return {**found, "token_endpoint_auth_method": "none"}
        return {**found, "client_secret": self.client_secret}

    def subject(self, person: str) -> str:
        """What the person with this key is called here."""
        return hashlib.sha256(f"{type(self).__name__}\0{person}".encode()).hexdigest()[:32]

    def get_untrusted(self) -> Collection[str]:
        """ID tokens of another login or of nobody; and somebody else's user-info, where it is asked for."""
        asks = "userinfo" in self.paths and not self.profile_in_token
        swapped = ("swapped_id",) if asks else ()
        # a secret has no key id that could be unknown
        unknown = () if self.algorithm == "HS256" else ("unknown_key",)
        return ("missing_id", "wrong_nonce", "unsigned", "wrong_sign", "repeated_name", *unknown, *swapped)

    def get_outcomes(self) -> Mapping[str, str]:
        """The standard's errors of a code and of a client."""
        return {"invalid_grant": "code_invalid", "invalid_client": "provider_config"}

    def tell_profile(self, person: Person) -> Found:
        """Return the claims of scope `profile`."""
        return {"name": person.nickname, "picture": person.face}

    def hand_over(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """What an app's SDK gets: an ID token with the nonce that `login-url` answered."""
        link = {"client_id": self._client_of(client_type), "nonce": login_url}
        grant = OidcGrant(self.find_person(person), link, 0)
        fault = self.faults.take("credential")
        return {"id_token": self.sign_id_token(grant, "", fault)}

    def sign_id_token(self, grant: OidcGrant, access_token: str, fault: Fault | None = None) -> str:
        """Return the ID token of a grant, as `fault` wants it."""
        kind, value = (fault.kind, fault.value) if fault else ("", "")
        if kind == "id_token":
            return value
        if kind == "rotated":
            self.rotate()
        claims = self.tell_claims(grant, access_token)
        faults = {"claims": value, "missing_id": '{"sub":null}', "wrong_nonce": '{"nonce":"another-login"}'}
        claims = changed(claims, faults.get(kind, "{}"))
        if kind == "id":
            claims["sub"] = json.loads(value)
        algorithm = self.algorithm_of(grant)
        header = {"alg": algorithm, "typ": "JWT", **({} if algorithm == "HS256" else {"kid": self.key.kid})}
        payload = json.dumps(claims, ensure_ascii=kind == "id")  # a lone surrogate has no other spelling
        if kind == "repeated_name":
            payload = f'{{"sub":"somebody-else",{payload[1:]}'
        return self._signed(changed(header, value if kind == "header" else "{}"), payload, algorithm, kind, value)

    def algorithm_of(self, grant: OidcGrant) -> str:
        """Return what this grant's ID token is signed with; HS256 is keyed with the client secret."""
        return self.algorithm

    def tell_claims(self, grant: OidcGrant, access_token: str) -> Found:
        """Return the claims of an ID token (OpenID Connect Core §2)."""
        now, digest = int(self.now()), hashlib.new(f"sha{self.algorithm[2:]}", access_token.encode()).digest()
        return {
            "iss": self.issuer,
            "sub": self.subject(grant.person.key),
            "aud": grant.link["client_id"],
            "iat": now,
            "exp": now + TOKEN_LIFE,
            **({"nonce": grant.link["nonce"]} if "nonce" in grant.link else {}),
            **({"at_hash": encode_part(digest[: len(digest) // 2])} if access_token else {}),
            **(self.tell_profile(grant.person) if self.profile_in_token else {}),
        }

    def _signed(self, header: Found, payload: str, algorithm: str, kind: str, value: str) -> str:
        key = self.key
        if kind == "unknown_key":
            key = SigningKey.generate(key.algorithm, "nobody-knows")
            header["kid"] = key.kid
        if kind in ("unsigned", "public_key_secret"):
            header["alg"] = "none" if kind == "unsigned" else "HS256"
        data = f"{encode_part(json.dumps(header).encode())}.{encode_part(payload.encode())}"
        signature = (
            SecretKey(self.client_secret).sign(algorithm, data.encode())
            if algorithm == "HS256"
            else key.sign(algorithm, data.encode())
        )
        if kind == "unsigned":
            signature = b""
        if kind == "public_key_secret":
            text = key.public_pem() if value == "pem" else json.dumps(key.public_jwk())
            signature = hmac.digest(text.encode(), data.encode(), "sha256")
        if kind == "wrong_sign":
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return f"{data}.{encode_part(signature)}"

    def routes(self) -> Sequence[BaseRoute]:
        """The endpoints of the discovery document, and the document."""
        paths = self.paths
        return [
            Route("/.well-known/openid-configuration", self._call("discovery", self._discover)),
            Route(paths["jwks"], self._call("jwks", lambda _, __: {"keys": [self.key.public_jwk()]})),
            Route(paths["authorize"], self._authorize, methods=["GET", "POST"]),
            Route(paths["token"], self._token, methods=["POST"]),
            *([Route(paths["userinfo"], self._call("userinfo", self._describe))] if "userinfo" in paths else []),
        ]

    def _discover(self, request: Request, fault: Fault | None) -> Found:
        url, paths = self.issuer, self.paths
        return {
            "issuer": url,
            "authorization_endpoint": url + paths["authorize"],
            "token_endpoint": url + paths["token"],
            "jwks_uri": url + paths["jwks"],
            **({"userinfo_endpoint": url + paths["userinfo"]} if "userinfo" in paths else {}),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [self.auth_method],
            "authorization_response_iss_parameter_supported": True,
            **self.document,
        }

    def _call(
        self, operation: str, tell: Callable[[Request, Fault | None], Found]
    ) -> Callable[[Request], Awaitable[Response]]:
        def reply(request: Request, fault: Fault | None) -> Response:
            try:
                if fault and fault.kind == "error":
                    raise Refused(fault.value)
                found = tell(request, fault)
            except Refused as refused:
                return JSONResponse({"error": refused.word}, 401)
            merged = fault.value if fault and fault.kind in ("answer", "claims") else "{}"
            return JSONResponse(changed(found, merged))

        async def endpoint(request: Request) -> Response:
            return await self.answer(operation, request.query_params, lambda fault: reply(request, fault))

        return endpoint

    async def _authorize(self, request: Request) -> Response:
        link = request.query_params
        if mistake := self._mistake(link):
            return Response(f"400 {mistake}", 400)
        if request.method == "GET":
            page = self.consent_page(request, app=link["client_id"], scope=link["scope"])
            return await self.answer("authorize", link, lambda _: page)
        form = await request.form()
        names_itself = self._discover(request, None)["authorization_response_iss_parameter_supported"]
        back = {"state": link["state"], **({"iss": self.issuer} if names_itself else {})}
        if form.get("decision") == "agree":
            person = self.find_person(str(form.get("somebody") or form["person"]))
            back |= {"code": secrets.token_hex(16), **self.tell_with_code(person, link)}
            self._codes[back["code"]] = OidcGrant(person, dict(link), self.now() + CODE_LIFE)
        else:
            back["error"] = "access_denied"
        if link.get("response_mode") == "form_post":
            return _posting_page(link["redirect_uri"], back)
        mark = "&" if "?" in link["redirect_uri"] else "?"
        return RedirectResponse(f"{link['redirect_uri']}{mark}{urlencode(back)}", 303, {"cache-control": "no-store"})

    def tell_with_code(self, person: Person, link: Mapping[str, str]) -> dict[str, str]:
        """Return what comes back beside a code."""
        return {}

    def _mistake(self, link: Mapping[str, str]) -> str:
        """What a provider refuses to show a page for; nonce, state and S256 are required of everybody here."""
        wanted = {
            "client_id": link.get("client_id") == self.client_id,
            "response_type": link.get("response_type") == "code",
            "scope": "openid" in link.get("scope", "").split(" "),
            "redirect_uri": link.get("redirect_uri", "").startswith(("http://", "https://")),
            "state": link.get("state"),
            "nonce": link.get("nonce"),
            "code_challenge": len(link.get("code_challenge", "")) == 43 or "code_challenge" not in link,
            "code_challenge_method": link.get("code_challenge_method", "S256") == "S256",
        }
        return next((name for name, is_right in wanted.items() if not is_right), "")

    async def _token(self, request: Request) -> Response:
        given = {name: str(value) for name, value in (await request.form()).items()}
        return await self.answer("token", given, lambda fault: self._redeem(request, given, fault))

    def _redeem(self, request: Request, given: Mapping[str, str], fault: Fault | None) -> Response:
        try:
            if fault and fault.kind == "error":
                raise Refused(fault.value)
            self.authenticate(given, request.headers.get("authorization", ""))
            grant = self._codes.get(given.get("code", ""))
            if grant is None or grant.is_used or self.now() > grant.expiry:
                raise Refused("invalid_grant")
            challenge = _challenge_of(given.get("code_verifier", ""))
            same = given.get("redirect_uri") == grant.link["redirect_uri"]
            if not same or challenge != grant.link.get("code_challenge", ""):
                raise Refused("invalid_grant")
        except Refused as refused:
            return JSONResponse({"error": refused.word}, 401 if refused.word == "invalid_client" else 400)
        self._codes[given["code"]] = replace(grant, is_used=True)
        token = secrets.token_hex(16)
        self._tokens[token] = replace(grant, expiry=self.now() + TOKEN_LIFE)
        found = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE}
        found["id_token"] = self.sign_id_token(grant, token, fault)
        return JSONResponse(changed(found, fault.value if fault and fault.kind == "answer" else "{}"))

    def authenticate(self, given: Mapping[str, str], authorization: str) -> None:
        """Check who calls for a token, by the one method that is taken. Raises `Refused`."""
        client, secret = given.get("client_id"), given.get("client_secret")
        match self.auth_method:
            case "client_secret_basic":
                kind, _, pair = authorization.partition(" ")
                _refuse_unless(kind == "Basic" and secret is None)
                client, _, secret = (unquote_plus(part) for part in base64.b64decode(pair).decode().partition(":"))
            case "private_key_jwt":
                self._check_assertion(given.get("client_assertion", ""))
                secret = self.client_secret
            case "none":
                secret = self.client_secret
        _refuse_unless(client == self.client_id and secret == self.client_secret)

    def _check_assertion(self, assertion: str) -> None:
        claims = read_jwt(assertion, self.client_key)
        now, life = self.now(), claims.get("exp", 0) - claims.get("iat", 0)
        _refuse_unless(claims.get("iss") == claims.get("sub") == self.client_id and claims.get("aud") == self.issuer)
        _refuse_unless(0 < life <= 60 and claims["exp"] > now and claims.get("jti") not in self._spent_ids)
        self._spent_ids.add(claims["jti"])

    def _describe(self, request: Request, fault: Fault | None) -> Found:
        grant = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if grant is None or self.now() > grant.expiry:
            raise Refused("invalid_token")
        subject = self.subject(grant.person.key if not fault or fault.kind != "swapped_id" else "somebody-else")
        return {"sub": subject, **self.tell_profile(grant.person)}

    def _client_of(self, client_type: ClientType) -> str:
        return self.app_client_id if client_type is ClientType.APP else self.client_id


def changed(found: Mapping[str, Any], changes: str) -> Found:
    """Return `found` with the members of the JSON object `changes`; null takes one out."""
    return {name: value for name, value in {**found, **json.loads(changes)}.items() if value is not None}


def read_jwt(token: str, key: SigningKey) -> Found:
    """Return the claims of a JWT that `key`'s owner signed. Raises `Refused`."""
    data, _, signature = token.rpartition(".")
    verifier = VerificationKey.find(key.public_jwk())
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    _refuse_unless(verifier and verifier.verify(key.algorithm, raw, data.encode()))
    body = data.partition(".")[2]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def _refuse_unless(wanted: object) -> None:
    if not wanted:
        raise Refused("invalid_client")


def _challenge_of(verifier: str) -> str:
    return encode_part(hashlib.sha256(verifier.encode()).digest()) if verifier else ""


def _posting_page(address: str, fields: Mapping[str, str]) -> Response:
    """`form_post`: a page whose form the browser submits by itself (OAuth 2.0 Form Post Response Mode)."""
    inputs = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    page = f'<!doctype html><body onload="document.forms[0].submit()"><form method="post" action="{escape(address)}">'
    return HTMLResponse(
        f"{page}{inputs}<noscript><button>OK</button></noscript></form>", headers={"cache-control": "no-store"}
    )
