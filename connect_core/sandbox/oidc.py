"""`OidcSandbox`: the loopback copy of an OpenID provider (OpenID Connect Core 1.0), with ID tokens that can be wrong.

Owns discovery, signing keys, codes, tokens and the checks that a vendor makes. Signs and verifies with
`connect_core.crypto`, and never with `connect_core.providers.oidc`, which it is there to test.
"""

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.identity import ClientType
from connect_core.sandbox.documented import find_documented_answer
from connect_core.sandbox.faults import Fault
from connect_core.sandbox.form_post import get_form_post_page
from connect_core.sandbox.jwt import changed, read_jwt
from connect_core.sandbox.oauth2_calls import JsonObject, Refused, challenge_of, read_basic
from connect_core.sandbox.oidc_calls import (
    OidcGrant,
    check_assertion,
    end_session,
    find_mistake,
    make_document,
    redirect_back,
    refuse_unless,
)
from connect_core.sandbox.oidc_tokens import TOKEN_LIFE, OidcTokens, get_first_key
from connect_core.sandbox.vendor_server import PEOPLE, Person

CODE_LIFE = 600
"""Seconds that a code is valid."""


class OidcSandbox(OidcTokens):
    """An OpenID provider with one registered client. Derive from it for a provider that is an `OidcProvider`.

        class AcmeSandbox(OidcSandbox):
            title = "Acme"
            profile_in_token = True

            def profile_claims(self, person):
                return {"name": person.nickname, "picture": person.face}

    Operations of the fault script are `discovery`, `jwks`, `authorize`, `token`, `userinfo`, and `credential` for an ID
    token that an app receives. Faults besides `TRANSPORT_FAULTS`:

    - in an ID token: `claims` and `header` (value: a JSON object whose members are set, or removed where they are
      null), `id` (value: the JSON to use as `sub`), `missing_id`, `wrong_nonce`, `unsigned`, `wrong_sign`,
      `unknown_key`, `public_key_secret` (HS256 keyed with the public key; value `pem` or `jwk`), `repeated_name`,
      `rotated` (the key is replaced just before), `id_token` (value: the text to send as the token);
    - in any answer: `answer` (value: a JSON object as above), `error` (value: the error code);
    - in user-info: `swapped_id`.

    Attributes:
    - `client_id`, `client_secret`: the registered client; `app_client_id`: the client of tokens for apps.
    - `auth_method`: how clients must authenticate, one of the methods of OpenID Connect Core §9.
    - `algorithm`: what signs the ID tokens (RFC 7518 §3.1); HS256 is keyed with the client secret.
    - `document`: further members of the discovery document. At the vendor's own issuer that of `documented` is sent.
    - `discovery_path`: where that document is. `refusals`: the vendor's error codes for those of RFC 6749.
    - `id_names`: the claims that name the person, which the faults `id` and `missing_id` change.
    - `paths`: the endpoints `authorize`, `token`, `jwks` and, if there is one, `userinfo`.
    - `ends_sessions`: True where the vendor ends logins and is told of their end (OpenID Connect RP-Initiated and
      Back-Channel Logout 1.0): its ID tokens have `sid`, and there is the endpoint `/logout`.
    - `profile_in_token`: True where the ID token has the profile, so that user-info is not called.
    - `signs_userinfo`: True where user-info is a signed JWT (OpenID Connect Core §5.3.2). Then `unsigned`,
      `wrong_sign`, `unknown_key` and `claims` are faults of user-info too.
    """

    own_faults: ClassVar[Collection[str]] = (
        *("answer", "claims", "error", "header", "id", "id_token", "missing_id", "public_key_secret", "repeated_name"),
        *("rotated", "swapped_id", "unknown_key", "unsigned", "wrong_nonce", "wrong_sign"),
    )
    operations: ClassVar[Collection[str]] = ("discovery", "jwks", "authorize", "token", "userinfo", "credential")
    auth_method: str = "client_secret_basic"
    paths: ClassVar[Mapping[str, str]] = {
        "authorize": "/authorize",
        "token": "/token",
        "jwks": "/keys",
        "userinfo": "/userinfo",
    }
    document: ClassVar[Mapping[str, Any]] = {}
    discovery_path: ClassVar[str] = "/.well-known/openid-configuration"
    refusals: ClassVar[Mapping[str, str]] = {}
    signs_userinfo: ClassVar[bool] = False

    def __init__(
        self,
        *,
        algorithm: str = "",
        auth_method: str = "",
        people: Sequence[Person] = PEOPLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`algorithm` and `auth_method` take the place of the class's. The other arguments are as for `Sandbox`."""
        self.algorithm, self.auth_method = algorithm or self.algorithm, auth_method or self.auth_method
        super().__init__(people=people, now=now)
        self.client_key = get_first_key("ES256")
        self._codes: dict[str, OidcGrant] = {}
        self._tokens: dict[str, OidcGrant] = {}
        self._spent_ids: set[str] = set()

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the client's settings. `base_url` becomes the issuer."""
        self.issuer = base_url
        settings = {"issuer": self.issuer, "client_id": self._client_of(client_type)}
        if self.auth_method == "private_key_jwt":
            return {**settings, "private_key": self.client_key.pkcs8_pem(), "key_id": self.client_key.kid}
        if self.auth_method == "none":
            return {**settings, "token_endpoint_auth_method": "none"}
        return {**settings, "client_secret": self.client_secret}

    def get_untrusted(self) -> Collection[str]:
        """Return the faults of an ID token that must fail a login, and `swapped_id` where user-info is called."""
        calls_userinfo = "userinfo" in self.paths and not self.profile_in_token
        swapped = ("swapped_id",) if calls_userinfo else ()
        # a secret has no key id that could be unknown
        unknown = () if self.algorithm == "HS256" else ("unknown_key",)
        return ("missing_id", "wrong_nonce", "unsigned", "wrong_sign", "repeated_name", *unknown, *swapped)

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the vendor's codes for `invalid_grant` and `invalid_client`, with what they are to connect-login."""
        ours = {"invalid_grant": "code_invalid", "invalid_client": "provider_config"}
        return {self.refusals.get(word, word): code for word, code in ours.items()}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return what the vendor's SDK gives to an app: an ID token with the nonce `login_url`."""
        link = {"client_id": self._client_of(client_type), "nonce": login_url}
        grant = OidcGrant(self.find_person(person), link, 0)
        return {"id_token": self.sign_id_token(grant, "", self.faults.take("credential"))}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the discovery document and the endpoints that it names."""
        paths = self.paths
        return [
            Route(self.discovery_path, self._call("discovery", lambda _, __: self.discovery_answer())),
            Route(paths["jwks"], self._call("jwks", lambda _, __: {"keys": [self.key.public_jwk()]})),
            Route(paths["authorize"], self._authorize, methods=["GET", "POST"]),
            Route(paths["token"], self._token, methods=["POST"]),
            *([Route("/logout", end_session)] if self.ends_sessions else []),
            *([Route(paths["userinfo"], self._call("userinfo", self._answer_userinfo))] if "userinfo" in paths else []),
        ]

    def discovery_answer(self) -> JsonObject:
        """Return the discovery document; by default that of `documented`, or one that `document` adds to."""
        documented = find_documented_answer(self.documented, f"{self.issuer}/.well-known/openid-configuration")
        return documented or {**make_document(self), **self.document}

    def token_answer(self, answer: JsonObject) -> JsonObject:
        """Return the answer of the token call; `answer` has the standard's members (OpenID Connect Core §3.1.3.3)."""
        return answer

    def complete_example(self, answer: Mapping[str, Any], parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the vendor's example of a token answer with its ID token, if it is an object of claims, signed."""
        claims, grant = answer.get("id_token"), self._codes.get(parameters.get("code", ""))
        if not isinstance(claims, Mapping) or grant is None:
            return answer
        return {**answer, "id_token": self.sign_example(claims, grant, str(answer.get("access_token", "")))}

    def error_answer(self, operation: str, code: str) -> JsonObject:
        """Return the answer of `operation` that fails with the vendor's `code`."""
        return {"error": code}

    def error_status(self, operation: str, code: str) -> int:
        """Return the HTTP status of that answer."""
        return 400 if operation == "token" and code != "invalid_client" else 401

    def _refuse(self, operation: str, refused: Refused, fault: Fault | None) -> Response:
        if fault is None or fault.kind != "error":
            self.refused.append(f"{operation}: {refused}")
        code = self.refusals.get(refused.word, refused.word)
        return JSONResponse(self.error_answer(operation, code), self.error_status(operation, code))

    def _call(
        self, operation: str, answer: Callable[[Request, Fault | None], JsonObject]
    ) -> Callable[[Request], Awaitable[Response]]:
        def reply(request: Request, fault: Fault | None) -> Response:
            try:
                if fault and fault.kind == "error":
                    raise Refused(fault.value)
                content = answer(request, fault)
            except Refused as refused:
                return self._refuse(operation, refused, fault)
            content = changed(content, fault.value if fault and fault.kind in ("answer", "claims") else "{}")
            if operation == "userinfo" and self.signs_userinfo:
                return self._sign_userinfo(content, fault)
            return JSONResponse(content)

        async def endpoint(request: Request) -> Response:
            return await self.answer(operation, request.query_params, lambda fault: reply(request, fault))

        return endpoint

    async def _authorize(self, request: Request) -> Response:
        link = request.query_params
        if mistake := find_mistake(link, self.client_id):
            self.refused.append(f"authorize: {mistake} is missing or wrong")
            return Response(f"400 {mistake}", 400)
        if request.method == "GET":
            page = self.consent_page(request, app=link["client_id"], scope=link["scope"])
            return await self.answer("authorize", link, lambda _: page)
        form = await request.form()
        names_itself = self.discovery_answer().get("authorization_response_iss_parameter_supported")
        response = {"state": link["state"], **({"iss": self.issuer} if names_itself else {})}
        if form.get("decision") == "agree":
            person = self.find_person(str(form.get("somebody") or form["person"]))
            response |= {"code": secrets.token_hex(16), **self.response_parameters(person, link)}
            self._codes[response["code"]] = OidcGrant(person, dict(link), self.now() + CODE_LIFE)
        else:
            response["error"] = "access_denied"
        if link.get("response_mode") == "form_post":
            return get_form_post_page(link["redirect_uri"], response)
        return redirect_back(link["redirect_uri"], response)

    def response_parameters(self, person: Person, link: Mapping[str, str]) -> dict[str, str]:
        """Return what the authorization response has besides `code`, `state` and `iss`; nothing by default.

        `link` has the parameters of the authorization request.
        """
        return {}

    async def _token(self, request: Request) -> Response:
        parameters = {name: str(value) for name, value in (await request.form()).items()}
        return await self.answer("token", parameters, lambda fault: self._redeem(request, parameters, fault))

    def _redeem(self, request: Request, parameters: Mapping[str, str], fault: Fault | None) -> Response:
        try:
            if fault and fault.kind == "error":
                raise Refused(fault.value)
            self.authenticate(parameters, request.headers.get("authorization", ""))
            grant = self._codes.get(parameters.get("code", ""))
            if grant is None or grant.is_used or self.now() > grant.expiry:
                raise Refused("invalid_grant", "the code is missing, unknown, used or expired")
            if parameters.get("redirect_uri") != grant.link["redirect_uri"]:
                raise Refused("invalid_grant", "redirect_uri is not that of the login")
            if challenge_of(parameters.get("code_verifier", "")) != grant.link.get("code_challenge", ""):
                raise Refused("invalid_grant", "code_verifier does not fit the code challenge")
        except Refused as refused:
            return self._refuse("token", refused, fault)
        self._codes[parameters["code"]] = replace(grant, is_used=True)
        token = secrets.token_hex(16)
        self._tokens[token] = replace(grant, expiry=self.now() + TOKEN_LIFE)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE}
        answer["id_token"] = self.sign_id_token(grant, token, fault)
        changes = fault.value if fault and fault.kind == "answer" else "{}"
        return JSONResponse(changed(self.token_answer(answer), changes))

    def authenticate(self, parameters: Mapping[str, str], authorization: str) -> None:
        """Check the client of a token call by `auth_method`.

        `parameters` are those of the form, `authorization` is the header, or empty. Raises `Refused` with
        `invalid_client`.
        """
        client, secret = parameters.get("client_id"), parameters.get("client_secret")
        match self.auth_method:
            case "client_secret_basic":
                client, given = read_basic({"authorization": authorization}, sent_secret=secret is not None)
                refuse_unless(secret is None, "client_secret stands in the form beside the header Authorization")
                secret = given
            case "private_key_jwt":
                self._check_assertion(parameters.get("client_assertion", ""))
                secret = self.client_secret
            case "none":
                secret = self.client_secret
        is_right = client == self.client_id and secret == self.client_secret
        refuse_unless(is_right, f"it takes {self.auth_method}; the client's id or secret is missing or wrong")

    def _check_assertion(self, assertion: str) -> None:
        claims = read_jwt(assertion, self.client_key)
        check_assertion(claims, self.client_id, self.issuer, self.now())
        refuse_unless(claims.get("jti") not in self._spent_ids)
        self._spent_ids.add(claims["jti"])

    def _answer_userinfo(self, request: Request, fault: Fault | None) -> JsonObject:
        grant = self._tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if grant is None or self.now() > grant.expiry:
            raise Refused("invalid_token", "the access token is missing, unknown or expired")
        subject: object = self.subject(grant.person.key if not fault or fault.kind != "swapped_id" else "somebody-else")
        if fault and fault.kind == "id":
            subject = json.loads(fault.value)
        return {"sub": subject, **self.profile_claims(grant.person)}

    def _sign_userinfo(self, claims: JsonObject, fault: Fault | None) -> Response:
        kind, value = (fault.kind, fault.value) if fault else ("", "")
        header = {"alg": self.algorithm, "kid": self.key.kid}
        payload = json.dumps({"iss": self.issuer, "aud": self.client_id, **claims})
        text = self._signed(header, payload, self.algorithm, kind, value)
        return Response(text, media_type="application/jwt")

    def _client_of(self, client_type: ClientType) -> str:
        return self.app_client_id if client_type is ClientType.APP else self.client_id
