"""What the calls of an `OAuth2Sandbox` have in common: codes and tokens, the checks, and spoilt ids.

Owns what was issued and whether it still works. Writes no answer.
"""

import hashlib
import json
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus, urlencode, urlsplit

from starlette.requests import Request

from connect_core.identity import ClientType
from connect_core.providers.oauth2 import Claims, OAuth2Provider, Quirks
from connect_core.providers.oauth2.quirks import NAMES, AnswerForm
from connect_core.providers.oauth2.templates import fill, find_placeholders
from connect_core.providers.provider import Entrance
from connect_core.sandbox.faults import Fault
from connect_core.sandbox.vendor_server import Person

JsonObject = dict[str, Any]
"""A JSON object: what a vendor answers, by the names of its members."""
TOKEN_LIFE = 7200
"""Seconds that an access token is valid."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or an access token stands for: who agreed, and to what.

    `challenge` is the PKCE code challenge, empty without one; `expiry` is in seconds since the epoch; `is_used` is True
    for a code that was redeemed. The code of a mini program or app has no `redirect_uri`.
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

    def __init__(self, word: str, reason: str = "") -> None:
        """`word` as in the class; `reason` says what was wrong, for the author of the provider."""
        super().__init__(f"{word}: {reason}" if reason else word)
        self.word = word


class Grants:
    """The codes and tokens that were issued. One works for its own `kind` only."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` returns seconds since the epoch."""
        self._now = now
        self._grants: dict[tuple[str, str], Grant] = {}

    def issue(self, kind: str, grant: Grant) -> str:
        """Return a new code or token."""
        value = secrets.token_hex(16)
        self._grants[kind, value] = grant
        return value

    def find(self, kind: str, value: str, word: str) -> Grant:
        """Return what a code or token stands for. Raises `Refused(word)` when it is unknown, used or expired."""
        grant = self._grants.get((kind, value))
        if grant is None or grant.is_used or self._now() > grant.expiry:
            state = "unknown" if grant is None else "used" if grant.is_used else "expired"
            raise Refused(word, f"the {kind.replace('_', ' ')} is {state if value else 'missing'}")
        return grant

    def use(self, kind: str, value: str) -> None:
        """Mark a code as used."""
        self._grants[kind, value] = replace(self._grants[kind, value], is_used=True)

    def clear(self, kind: str) -> None:
        """Make everything of one kind invalid."""
        self._grants = {key: grant for key, grant in self._grants.items() if key[0] != kind}


def require(condition: object, word: str, reason: str = "") -> None:
    """Raise `Refused(word, reason)` unless `condition` is true."""
    if not condition:
        raise Refused(word, reason)


def require_parameters(expected: Mapping[str, str], sent: Mapping[str, str]) -> None:
    """Raise `Refused` with `invalid_request` unless every one of `expected` was sent with its value."""
    wrong = [name for name, value in expected.items() if sent.get(name) != value]
    require(not wrong, "invalid_request", f"parameter {', '.join(wrong)} is missing or wrong")


async def read_parameters(request: Request, *, with_query: bool) -> dict[str, str]:
    """Return what was sent where it belongs: in the query of a GET, else in the body, and `with_query` in both."""
    query = dict(request.query_params)
    if request.method == "GET":
        return query
    if request.headers.get("content-type", "").startswith("application/json"):
        body = dict(await request.json())
    else:
        body = {name: str(value) for name, value in (await request.form()).items()}
    return {**query, **body} if with_query else body


def standard(parameters: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of RFC 6749 and 7636 under their standard names, empty where one is missing."""
    return {name: parameters.get(names.get(name, name), "") for name in NAMES}


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge (RFC 7636 §4.2) of a verifier, empty for an empty one."""
    challenge = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(challenge).decode().rstrip("=") if verifier else ""


def digest(scope: str, key: str) -> str:
    """Return 64 hexadecimal digits, the same at every call."""
    return hashlib.sha256(f"{scope}\0{key}".encode()).hexdigest()


def find_placeholder(placeholder: str, templates: Mapping[str, str], sent: Mapping[str, str]) -> str:
    """Return the value that stands in `sent` where `templates` have `{placeholder}`; empty when it is missing."""
    for name, template in templates.items():
        prefix, sign, suffix = template.partition(f"{{{placeholder}}}")
        if sign:
            around = fill({"prefix": prefix, "suffix": suffix}, {})
            return sent.get(name, "").removeprefix(around["prefix"]).removesuffix(around["suffix"])
    return ""


def find_token(
    templates: Mapping[str, str], parameters: Mapping[str, str], header: Mapping[str, str], headers: Mapping[str, str]
) -> str:
    """Return the access token in a request: in `parameters` if `templates` have it, else where `header` has it."""
    in_parameters = "access_token" in find_placeholders(templates)
    source, sources = (parameters, templates) if in_parameters else (headers, lower_names(header))
    return find_placeholder("access_token", sources, source)


def filled(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return `templates` with `values` in place of their placeholders; one without a value stays as it is."""
    return fill(templates, {name: f"{{{name}}}" for name in find_placeholders(templates)} | dict(values))


def lower_names(templates: Mapping[str, str]) -> dict[str, str]:
    """Return header templates under the names that Starlette has for headers."""
    return {name.lower(): template for name, template in templates.items()}


def read_basic(headers: Mapping[str, str], *, sent_secret: bool = False) -> tuple[str, str]:
    """Return the client's id and secret in the header `Authorization` (RFC 6749 §2.3.1). Raises `Refused`.

    `sent_secret` is True where the request has the secret among its parameters, which the reason then says.
    """
    kind, _, pair = headers.get("authorization", "").partition(" ")
    instead = "; the request has client_secret among its parameters" if sent_secret else ""
    require(kind == "Basic", "invalid_client", f"it takes client_secret_basic in the header Authorization{instead}")
    client_id, _, secret = b64decode(pair).decode().partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def asks_for_app_token(provider: type[OAuth2Provider], parameters: Mapping[str, str]) -> bool:
    """Return True for a request of the app's own token at the address that also redeems codes (RFC 6749 §4.4)."""
    is_shared = urlsplit(provider.app_token_url).path == urlsplit(provider.token_url).path
    return is_shared and "client_credentials" in parameters.values()


def spoil(answer: JsonObject, fault: Fault | None, provider: type[OAuth2Provider]) -> JsonObject:
    """Return an answer after the fault `missing_id` or `swapped_id`; `provider` says where the ids are."""
    if fault is None or fault.kind not in ("missing_id", "swapped_id"):
        return answer
    names = get_id_names((provider.claims, provider.id_claims, provider.code_claims))
    return dict(spoil_ids(answer, names, is_swap=fault.kind == "swapped_id"))


def code_name(quirks: Quirks) -> str:
    """Return what the vendor calls the code in a callback."""
    return quirks.code_names[0] if quirks.code_names else "code"


def comes_by_redirect(provider: type[OAuth2Provider], client_type: ClientType) -> bool:
    """Return True for a client type that comes back through a redirect."""
    return provider.entrances.get(client_type, Entrance.REDIRECT) is Entrance.REDIRECT


def check_headers(templates: Mapping[str, str], headers: Mapping[str, str], client_id: str) -> None:
    """Compare the headers of a request with those of every call. Raises `Refused`.

    A header with a setting that only the provider knows must be there, whatever its value.
    """
    known = lower_names(templates)
    expected = fill_known(known, {"client_id": client_id})
    wrong = [name for name in known if headers.get(name, "") != expected.get(name, headers.get(name))]
    error = "invalid_client" if any("{client_id}" in known[name] for name in wrong) else "invalid_request"
    require(not wrong, error, f"header {', '.join(wrong)} is missing or wrong")


def fill_known(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return those of `templates` filled in that have no placeholder besides those of `values`."""
    known = {name: text for name, text in templates.items() if find_placeholders({name: text}) <= values.keys()}
    return fill(known, values)


def check_grant_type(call: Mapping[str, str], names: Mapping[str, str], grant_type: str) -> None:
    """Raise `Refused` for another grant type in a call under standard names, if the vendor's `names` have one."""
    require(names.get("grant_type") == "" or call["grant_type"] == grant_type, "unsupported_grant_type")


def refuse_extras(error: str, extras: Mapping[str, str], parameters: Mapping[str, str]) -> None:
    """Raise `Refused(error)` when one of `extras` was sent; never for an empty `error`."""
    require(not (error and extras.keys() & parameters.keys()), error)


def write_form(answer: JsonObject, form: AnswerForm, *, is_error: bool) -> str:
    """Return an answer as JSON, JSONP or a form."""
    if form == "form":
        return urlencode(answer)
    text = json.dumps(answer, ensure_ascii=False)
    return f"callback( {text} );" if form == "jsonp" and is_error else text


def check_client(templates: Mapping[str, str], parameters: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Compare a request of the client itself with `templates`, its id and secret first. Raises `Refused`."""
    expected = filled(templates, values).items() - parameters.items()
    wrong = [name for name, _ in expected]
    of_client = [name for name in wrong if "{client_" in templates[name]]
    require(not of_client, "invalid_client", f"parameter {', '.join(of_client)} is missing or wrong")
    require(not wrong, "invalid_request", f"parameter {', '.join(wrong)} is missing or wrong")


def check_login(login: Mapping[str, str], client_id: str, *, needs_challenge: bool) -> None:
    """Check an authorization request with the standard's names (RFC 6749 §4.1.1). Raises `Refused`."""
    require(login["client_id"] == client_id, "unauthorized_client", "client_id is missing or wrong")
    require(login["response_type"] == "code", "unsupported_response_type", "response_type is not code")
    is_address = urlsplit(login["redirect_uri"]).scheme in ("http", "https")
    require(is_address, "invalid_request", "redirect_uri is missing or no web address")
    require(login["state"], "invalid_request", "state is missing")
    if login["code_challenge"] or needs_challenge:
        is_sound = len(login["code_challenge"]) == 43 and login["code_challenge_method"] == "S256"
        require(is_sound, "invalid_request", "code_challenge or code_challenge_method is missing or wrong")


def check_constants(quirks: Quirks, sent: Mapping[str, str]) -> None:
    """Raise `Refused` for an authorization request without the constant parameters of the quirks."""
    wrong = [
        name for name, value in quirks.authorize.items() if sent.get(name) not in (value, quirks.authorize_h5.get(name))
    ]
    require(not wrong, "invalid_request", f"parameter {', '.join(wrong)} is missing or wrong")


def check_credentials(*, is_known: bool, is_proved: bool) -> None:
    """Raise `Refused` with `invalid_client` unless the client is known and proved who it is."""
    require(is_known, "invalid_client", "the client id is missing or wrong")
    require(is_proved, "invalid_client", "the client secret is missing or wrong")


def get_id_names(mappings: Iterable[Claims]) -> frozenset[str]:
    """Return the names of the members in which ids stand: the last name of each path that is no place in a list."""
    mapped = (paths for claims in mappings for paths in (claims.user_id, claims.union_id, claims.open_id))
    paths = (path for paths in mapped for path in ((paths,) if isinstance(paths, str) else paths))
    return frozenset(next(filter(_is_name, reversed(path.split("."))), path) for path in paths)


def _is_name(part: str) -> bool:
    return not part.isdigit()


def spoil_ids(answer: Any, names: frozenset[str], *, is_swap: bool) -> Any:
    """Return an answer without the members called `names`; with `is_swap` they have another person's ids instead."""
    if isinstance(answer, list):
        return [spoil_ids(item, names, is_swap=is_swap) for item in answer]
    if not isinstance(answer, dict):
        return answer
    others = {name: spoil_ids(value, names, is_swap=is_swap) for name, value in answer.items() if name not in names}
    swapped = {name: _swap(value) for name, value in answer.items() if name in names}
    return {**others, **(swapped if is_swap else {})}


def _swap(value: Any) -> Any:
    if isinstance(value, list):
        return [_swap(item) for item in value]
    return value + 1 if isinstance(value, int) else f"{value}x"
