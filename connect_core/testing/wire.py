"""Requests as they went over the wire, and how they differ from what a vendor documents.

Values only: makes no request. A difference never quotes a value that was sent, because it may be a secret.
"""

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from connect_core.http import Answer, Request
from connect_core.sandbox.documented import DocumentedRequest
from connect_core.sandbox.oidc_tokens import OF_ONE_LOGIN

Known = Mapping[str, Collection[str]]
"""Values of a login by the names under which `DocumentedRequest` may have them in braces."""
_PLACEHOLDER = re.compile(r"\{(\w+|\*)\}")
_WRAPPED = re.compile(r"[^{\[]*?(\{.*\})[^}]*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request that was sent: its `url` has no query; `form` and `json` are its body, empty where it has none."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request) -> "WireRequest":
        """Read a request of the core's HTTP client."""
        body = (request.content or b"").decode("utf-8", "replace")
        parts = urlsplit(str(request.url))
        headers = {name.lower(): value for name, value in request.headers.items()}
        is_json = body.lstrip().startswith("{")
        return cls(
            request.method,
            urlunsplit(parts._replace(query="", fragment="")),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {} if is_json else dict(parse_qsl(body, keep_blank_values=True)),
            json.loads(body) if is_json else {},
            headers,
        )

    @classmethod
    def of_page(cls, url: str) -> "WireRequest":
        """Read the address of a page that a browser opens."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return cls("GET", urlunsplit(parts._replace(query="", fragment="")), query)

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


def find_documented(
    wire: WireRequest, documented: Sequence[DocumentedRequest], known: Known, client: str
) -> tuple[DocumentedRequest | None, list[str]]:
    """Return the documented request that is closest to `wire`, and how the two differ; None when none is like it.

    Only requests with the same method and address are compared, and of those only what `client` sends.
    """
    alike = [
        request
        for request in documented
        if (request.method.upper(), request.url) == (wire.method, wire.url)
        and (not request.clients or client in request.clients)
    ]
    if not alike:
        return None, [f"{wire} is not documented"]
    compared = [(request, list(find_differences(request, wire, known))) for request in alike]
    return min(compared, key=lambda pair: len(pair[1]))


def find_differences(documented: DocumentedRequest, wire: WireRequest, known: Known) -> Iterator[str]:
    """Yield what `wire` lacks, adds, or has with another value than `documented`."""
    optional = set(documented.optional)
    for place in ("query", "form", "json"):
        expected, sent = getattr(documented, place), getattr(wire, place)
        yield from (f"{place}: {name} is missing" for name in expected if name not in sent and name not in optional)
        yield from (f"{place}: {name} is not documented" for name in sent if name not in optional | set(expected))
        for name in expected.keys() & sent.keys():
            if not fits(expected[name], sent[name], known):
                yield f"{place}: {name} is not {_describe(expected[name], known)}"
    expected_headers = {name.lower(): value for name, value in documented.headers.items()}
    for name, template in expected_headers.items():
        if name not in wire.headers:
            yield f"header: {name} is missing"
        elif not fits(template, wire.headers[name], known):
            yield f"header: {name} is not {_describe(template, known)}"
    if "authorization" in wire.headers and "authorization" not in expected_headers:
        yield "header: authorization is not documented"


def _describe(template: Any, known: Known) -> str:
    """Return the template, and which names in it stand for nothing: they are misspelt, or mean `{*}`."""
    names = _PLACEHOLDER.findall(template) if isinstance(template, str) else []
    unknown = [name for name in names if name not in known and name != "*"]
    hint = f" (no value of this login is called {', '.join(unknown)}; {{*}} stands for any text)" if unknown else ""
    return f"{template!r}{hint}"


def fits(template: Any, value: Any, known: Known) -> bool:
    """Return True when `value` is what `template` says.

    A name in braces stands for one of its `known` values, and `{*}` for any text.
    """
    if isinstance(template, Mapping) and isinstance(value, Mapping):
        return template.keys() == value.keys() and all(fits(template[name], value[name], known) for name in template)
    if isinstance(template, list) and isinstance(value, list):
        pairs = zip(template, value, strict=False)
        return len(template) == len(value) and all(fits(part, other, known) for part, other in pairs)
    if not (isinstance(template, str) and isinstance(value, str)):
        return bool(template == value)
    pattern, position = "", 0
    for placeholder in _PLACEHOLDER.finditer(template):
        pattern += re.escape(template[position : placeholder.start()])
        values = known.get(placeholder[1], ())
        pattern += ".+" if placeholder[1] == "*" else f"(?:{'|'.join(map(re.escape, values))})"
        position = placeholder.end()
    return re.fullmatch(pattern + re.escape(template[position:]), value, re.DOTALL) is not None


def fill(template: str, known: Known) -> str:
    """Return `template` with each name in braces replaced by its known value, where there is exactly one."""

    def find(placeholder: re.Match[str]) -> str:
        values = list(known.get(placeholder[1], ()))
        return values[0] if len(values) == 1 else placeholder[0]

    return _PLACEHOLDER.sub(find, template)


def read_body(content: bytes | str) -> Any:
    """Return an answer's body as data: of JSON, of JSON inside something else (JSONP), or of a form; else None."""
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    for candidate in (text, *_WRAPPED.findall(text)):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    try:
        return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True)) or None
    except ValueError:
        return None


def make_answer(body: Mapping[str, Any] | str) -> Answer:
    """Return a vendor's answer with the documented `body` and status 200."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Answer(200, {"content-type": "application/json"}, text.encode())


def is_key_set(answer: Answer) -> bool:
    """Return True for a set of keys (RFC 7517 §5)."""
    body = read_body(answer.content)
    return isinstance(body, Mapping) and isinstance(body.get("keys"), list)


def is_discovery(answer: Answer) -> bool:
    """Return True for an OpenID provider's discovery document (OpenID Connect Discovery §4.2)."""
    body = read_body(answer.content)
    return isinstance(body, Mapping) and {"issuer", "jwks_uri"} <= body.keys()


def has_signed_token(documented: Mapping[str, Any] | str) -> bool:
    """Return True for a documented answer with an ID token that the vendor signed, in place of its claims."""
    body = documented if isinstance(documented, Mapping) else read_body(documented)
    return isinstance(body, Mapping) and isinstance(body.get("id_token"), str)


def find_surplus(documented: Mapping[str, Any] | str, answer: Answer) -> set[str]:
    """Return the paths of members of `answer` that the `documented` answer lacks.

    A member of `answer` that is null is absent. In the documented answer null states that there is
    such a member. Where the claims of an ID token are documented, those in `answer` count, except what belongs to one
    login.
    """
    stated = documented if isinstance(documented, Mapping) else read_body(documented)
    body = read_body(answer.content)
    if isinstance(stated, Mapping) and isinstance(stated.get("id_token"), Mapping) and isinstance(body, Mapping):
        claims = read_claims(str(body.get("id_token", "")))
        body = {**body, "id_token": {name: claims[name] for name in claims.keys() - OF_ONE_LOGIN}}
    names = {path for path, _ in _list_values(stated)}
    return {path for path, _ in list_members(body)} - names


def read_claims(token: str) -> dict[str, Any]:
    """Return the claims of a JWT (RFC 7519), unverified; none for anything else."""
    _, _, rest = token.partition(".")
    payload = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def list_members(body: Any) -> Iterator[tuple[str, str]]:
    """Yield each member of an answer as its path (`data.user.id`; the items of a list share one) and its text.

    A member that is null is absent.
    """
    values = ((path, value) for path, value in _list_values(body) if value is not None)
    yield from ((path, value if isinstance(value, str) else json.dumps(value)) for path, value in values)


def _list_values(body: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(body, Mapping):
        for name, value in body.items():
            yield from _list_values(value, f"{path}.{name}" if path else str(name))
    elif isinstance(body, list):
        for value in body:
            yield from _list_values(value, path)
    elif path:
        yield path, body
