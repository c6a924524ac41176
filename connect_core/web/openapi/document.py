"""Builds the OpenAPI 3.1 document out of the routes' models and the words of the reference.

`python docs/reference/generate.py` writes it to `openapi.json` beside this module, and a running service only reads
that file. Path and query parameters, bodies and answers come from `operations`, texts and error codes from the words.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connect_core import __version__
from connect_core.errors import BadRequest, NotLoggedIn, RateLimited, Unavailable, every_error
from connect_core.identity import ClientType
from connect_core.web import answers
from connect_core.web.legacy.answers import LegacyProblem
from connect_core.web.openapi.operations import OPERATIONS, Operation
from connect_core.web.openapi.schemas import REFERENCE, Schema, Schemas
from connect_core.web.token_services.answers import OAuthProblem

Words = Mapping[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXAMPLE_URL = "https://shop.example"
"""The server in the document that the reference shows; a running service names its own `public_url`."""
SESSION_COOKIE = "__Host-connect_session"
FORM, JSON, PROBLEM, HTML = (
    "application/x-www-form-urlencoded",
    "application/json",
    "application/problem+json",
    "text/html",
)
STATUS_TEXTS: Mapping[int, str] = {
    400: "The request is refused.",
    401: "Nobody is logged in, or the token is not valid.",
    403: "The request is not allowed.",
    404: "There is no such thing here.",
    405: "This address takes other methods.",
    409: "The request contradicts what is stored.",
    429: "Too many requests.",
    502: "The vendor's side failed.",
    503: "The service cannot answer at the moment.",
    504: "The vendor did not answer in time.",
}
_STATUSES = {error.code: error.status for error in every_error()}
_KEPT_WORDS = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]*\)")
"""A link to another page of the documentation, which the document does not have."""


def build_document(words: Words) -> dict[str, Any]:
    """Return the document with the default prefix and `EXAMPLE_URL`; `words` are those of the routes.

    Raises `ValueError` where a route's parameters and the words for them differ.
    """
    kinds = [
        kind
        for row in OPERATIONS.values()
        for kind in (row.answer, row.query, row.body, row.failure)
        if kind is not None
    ]
    schemas = Schemas([*kinds, ClientType, answers.Problem, answers.InvalidLogoutToken, OAuthProblem, LegacyProblem])
    queries = {row.query.__name__ for row in OPERATIONS.values() if row.query}
    paths: dict[str, dict[str, Any]] = {}
    refusals: dict[str, Any] = {}
    for group in words["group"]:
        for route in group["routes"]:
            method, _, path = route.partition(" ")
            described = _Description(route, words, schemas, refusals)
            paths.setdefault(path, {})[method.lower()] = {"tags": [group["title"]], **described.get_operation()}
    return {
        "openapi": "3.1.1",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "connect-login",
            "version": __version__,
            "description": _write(words["text"]),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": EXAMPLE_URL}],
        "tags": [{"name": group["title"], "description": _write(group["text"])} for group in words["group"]],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.components.items() if name not in queries},
            "responses": {**_RESPONSES, **dict(sorted(refusals.items()))},
            "headers": _HEADERS,
            "securitySchemes": {**_SECURITY_SCHEMES, "resourceServer": _CLIENT_SCHEME},
        },
    }


_HEADERS = {
    "RequestId": {"description": "Finds the request in the service's log.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Try again in so many seconds.", "schema": {"type": "integer", "minimum": 0}},
    "Location": {"description": "Where the browser goes on.", "schema": {"type": "string"}},
    "Authenticate": {"description": "How to log in (RFC 6750 §3).", "schema": {"type": "string"}},
}
_RESPONSES = {
    "Done": {"description": "Done; the answer has no body."},
    "GoOn": {
        "description": "The browser goes on.",
        "headers": {"Location": {"$ref": "#/components/headers/Location"}},
    },
    "NotModified": {"description": "What the client has already is still the same."},
}
_SECURITY_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The cookie of a login in a browser.",
    },
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, of `token` or `token/refresh`. It counts alone, whatever the cookies say.",
    },
    "tokenCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "access_token",
        "description": "The cookie of a login by the `/buyer` routes.",
    },
}
_CLIENT_SCHEME = {
    "type": "http",
    "scheme": "basic",
    "description": "The NAME and the secret of a `[resource_servers.NAME]`; the form can have them instead.",
}
_LOGINS: list[dict[str, list[str]]] = [{name: []} for name in _SECURITY_SCHEMES]


class _Description:
    """One operation: `route` is its method and path; responses that others share are added to `refusals`."""

    def __init__(self, route: str, words: Words, schemas: Schemas, refusals: dict[str, Any]) -> None:
        self._route, self._path = route, route.partition(" ")[2]
        self._row: Operation = OPERATIONS[route]
        self._words: Words = words["route"][route]
        self._path_words: Words = words["path"]
        self._takes: dict[str, str] = dict(self._words.get("takes", {}))
        self._schemas = schemas
        self._refusals = refusals

    def get_operation(self) -> dict[str, Any]:
        """Return the operation object. Raises `ValueError` for parameters without words, and words without one."""
        row, text = self._row, _write(self._words["text"])
        operation: dict[str, Any] = {
            "operationId": row.id,
            "summary": self._words.get("summary") or _get_first_sentence(text),
            "description": text,
            "parameters": [*self._get_path_parameters(), *self._get_query()],
            "responses": dict(sorted(self._get_responses())),
            "security": self._get_security(),
        }
        if row.body or row.is_form:
            operation["requestBody"] = self._get_body()
        if self._takes:
            raise ValueError(f"{self._route} has words for what it does not take: {sorted(self._takes)}")
        return {name: value for name, value in operation.items() if value or name != "parameters"}

    def _get_security(self) -> list[dict[str, list[str]]]:
        row = self._row
        if row.takes_client:
            return [{"resourceServer": []}, {}]
        return _LOGINS if row.needs_login else [*_LOGINS, {}] if row.takes_login else []

    def _get_path_parameters(self) -> Iterator[dict[str, Any]]:
        for name in re.findall(r"{(\w+)}", self._path):
            schema = self._schemas.of(ClientType) if name == "client" else {"type": "string", "minLength": 1}
            words = self._path_words[name].strip()
            yield {"name": name, "in": "path", "required": True, "description": words, "schema": schema}

    def _get_query(self) -> Iterator[dict[str, Any]]:
        if not self._row.query:
            return
        properties, required = self._schemas.get_properties(self._row.query)
        for name, schema in properties.items():
            words = self._take_words(name)
            yield {"name": name, "in": "query", "required": name in required, "description": words, "schema": schema}

    def _get_body(self) -> dict[str, Any]:
        """Return the body; its schema has the words of the first operation that takes it."""
        kind, schema, is_required = self._row.body, Schema(type="object"), False
        if kind:
            properties, required = self._schemas.get_properties(kind)
            for name, item in properties.items():
                words = self._take_words(name)
                item.setdefault("description", words)
            schema, is_required = {"$ref": REFERENCE.format(model=kind.__name__)}, bool(required)
        media = (FORM,) if self._row.is_form else (JSON, FORM)
        return {"required": is_required, "content": {name: {"schema": schema} for name in media}}

    def _take_words(self, name: str) -> str:
        try:
            return _write(self._takes.pop(name))
        except KeyError:
            raise ValueError(f"{self._route} has no words for {name}") from None

    def _get_responses(self) -> Iterator[tuple[str, dict[str, Any]]]:
        row = self._row
        if content := self._get_content():
            yield "200", {"description": "What was wanted.", "content": content}
        elif row.has_empty_answer:
            yield "200", _refer("Done")
        if row.no_content:
            yield "204", _refer("Done")
        if row.redirects:
            yield "303", _refer("GoOn")
        if row.is_cached:
            yield "304", _refer("NotModified")
        if row.errors == "legacy":
            body = {JSON: {"schema": self._schemas.of(LegacyProblem)}}
            yield "default", self._share("legacy", {"description": "The request is refused.", "content": body})
            return
        for status, codes in sorted(self._get_codes().items()):
            yield str(status), self._get_refusal(status, codes)

    def _share(self, name: str, response: dict[str, Any]) -> dict[str, str]:
        """Keep a response that several operations have, and return the reference to it."""
        self._refusals[name] = response
        return _refer(name)

    def _get_content(self) -> dict[str, Any]:
        row = self._row
        content: dict[str, Any] = {}
        if row.answer:
            content[row.media] = {"schema": self._schemas.of(row.answer)}
        elif row.media != JSON:
            content[row.media] = {"schema": {}} if row.media == "*/*" else {"schema": {"type": "string"}}
        if row.has_page:
            content[HTML] = {"schema": {"type": "string"}}
        return content

    def _get_codes(self) -> dict[int, list[str]]:
        """Return the codes of this operation's refusals, by status."""
        row = self._row
        codes = {*self._words.get("errors", ()), Unavailable.code}
        codes |= {BadRequest.code} if row.query or row.body or row.is_form else set()
        codes |= {RateLimited.code} if row.is_limited else set()
        codes |= {NotLoggedIn.code} if row.needs_login else set()
        by_status: dict[int, list[str]] = {}
        for code in sorted(codes):
            status = 405 if row.refuses_programs and code == "unsupported" else _STATUSES[code]
            by_status.setdefault(status, []).append(code)
        return by_status

    def _get_refusal(self, status: int, codes: list[str]) -> dict[str, Any]:
        row = self._row
        kind: type = answers.Problem
        media = PROBLEM
        parts = [str(status), *codes]
        if status == 400 and row.errors == "logout_token":
            kind, media = answers.InvalidLogoutToken, JSON
            parts.append("logout_token")
        elif status in (400, 401) and row.errors == "oauth":
            kind, media = OAuthProblem, JSON
            parts.append("oauth")
        elif status == 503 and row.failure:
            kind = row.failure
            parts.append(row.id)
        named: Schema = {"properties": {"code": {"enum": codes}}}
        content: dict[str, Any] = {media: {"schema": {"allOf": [self._schemas.of(kind), named]}}}
        if status == 400 and row.errors == "grant":
            content[JSON] = {"schema": {"allOf": [self._schemas.of(OAuthProblem)]}}
            parts.append("grant")
        if row.errors in ("problem", "grant"):  # a browser gets a page, whatever it asked for
            content[HTML] = {"schema": {"type": "string"}}
        else:
            parts.append("json")
        headers = {"X-Request-ID": "RequestId", **_REFUSAL_HEADERS.get(status, {})}
        refusal = {
            "description": STATUS_TEXTS[status],
            "headers": {name: {"$ref": f"#/components/headers/{header}"} for name, header in headers.items()},
            "content": content,
        }
        return self._share("-".join(parts), refusal)


_REFUSAL_HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Authenticate"},
    429: {"Retry-After": "RetryAfter"},
    503: {"Retry-After": "RetryAfter"},
}


def _refer(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{name}"}


def _write(text: str) -> str:
    """Return words without the links to other pages of the documentation, each paragraph on one line."""
    plain = _KEPT_WORDS.sub(r"\1", text.strip())
    paragraphs = re.split(r"\n\s*\n", plain)
    return "\n\n".join(part if part.startswith("- ") else " ".join(part.split()) for part in paragraphs)


def _get_first_sentence(text: str) -> str:
    """Return the first sentence, without its full stop and without the marks of code."""
    return re.split(r"(?<=\w)[.:](?:\s|$)|(?<=`)[.:](?:\s|$)|(?<=\))[.:](?:\s|$)", text, maxsplit=1)[0].replace("`", "")
