"""The token call (RFC 6749 §4.1.3), calls like it, and the ways in which a client authenticates in them.

Owns how these requests are made. Reads no answer.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote_plus

from connect_core.http import Answer, Http
from connect_core.providers.oauth2.quirks import Method, Quirks, renamed
from connect_core.providers.provider import AuthorizationResponse


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client adds to one token call to authenticate.

    `parameters` have their standard names; the quirks rename them.
    """

    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class ClientAuthentication(Protocol):
    """How a client authenticates in the token call. Return one from `make_authentication`.

    For a way that is not built in, write a class with this method.
    """

    def get_credentials(self, token_url: str) -> Credentials:
        """Return what to add to one call of `token_url`. Called anew for each call."""


@dataclass(frozen=True, slots=True)
class SecretInForm:
    """`client_secret_post`: id and secret are parameters (RFC 6749 §2.3.1)."""

    client_id: str
    secret: str = field(repr=False)

    def get_credentials(self, token_url: str) -> Credentials:
        """Return id and secret as parameters."""
        return Credentials({"client_id": self.client_id, "client_secret": self.secret})


@dataclass(frozen=True, slots=True)
class SecretInHeader:
    """`client_secret_basic`: id and secret, each form-encoded, are in the header `Authorization` (RFC 6749 §2.3.1)."""

    client_id: str
    secret: str = field(repr=False)

    def get_credentials(self, token_url: str) -> Credentials:
        """Return the header `Authorization`."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
        return Credentials(headers={"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})


@dataclass(frozen=True, slots=True)
class NoSecret:
    """`none`: a public client sends its id and no secret (RFC 6749 §3.2.1)."""

    client_id: str

    def get_credentials(self, token_url: str) -> Credentials:
        """Return the id as a parameter."""
        return Credentials({"client_id": self.client_id})


async def redeem_code(
    http: Http,
    token_url: str,
    authentication: ClientAuthentication,
    response: AuthorizationResponse,
    quirks: Quirks | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Redeem the code of `response` at `token_url` and return the vendor's answer, unread (RFC 6749 §4.1.3).

    The request is never repeated, because a code can be redeemed only once. Without `quirks` the vendor follows the
    standard; `headers` are further ones of this call.

    Raises what `Http` raises.
    """
    quirks = quirks or Quirks()
    sent, of_client = make_token_request(token_url, authentication, response, quirks)
    return await call(http, quirks.token_method, token_url, sent, {**(headers or {}), **of_client})


def make_token_request(
    token_url: str, authentication: ClientAuthentication, response: AuthorizationResponse, quirks: Quirks
) -> tuple[dict[str, str], Mapping[str, str]]:
    """Return the parameters and headers with which the code of `response` is redeemed at `token_url`.

    They have the code verifier where the flow has one and the vendor supports PKCE (RFC 7636 §4.5).
    """
    parameters = {
        "grant_type": "authorization_code",
        "code": response.code,
        "redirect_uri": response.redirect_uri,
        **({} if quirks.pkce == "never" else {"code_verifier": response.code_verifier}),
    }
    sent, of_client = authenticated(authentication, token_url, parameters, quirks)
    sent |= quirks.token_parameters
    if quirks.token_from_callback and response.redirect_uri:  # without a redirect the parameters are the client's own
        repeated = {name: response.parameters.get(name) for name in quirks.token_from_callback}
        sent |= {name: value for name, value in repeated.items() if value}
    return sent, of_client


def authenticated(
    authentication: ClientAuthentication, url: str, parameters: Mapping[str, str], quirks: Quirks
) -> tuple[dict[str, str], Mapping[str, str]]:
    """Return the parameters and headers of a call of `url` in which the client authenticates.

    `parameters` have their standard names and get the vendor's; those that are empty are left out.
    """
    credentials = authentication.get_credentials(url)
    names = {**quirks.names, **quirks.token_names}
    return renamed({**parameters, **credentials.parameters}, names), credentials.headers


async def call(
    http: Http, method: Method, url: str, parameters: Mapping[str, str], headers: Mapping[str, str]
) -> Answer:
    """Send one request: `get` has `parameters` in the query, `form` and `json` in the body.

    It asks for JSON unless `headers` have `accept`.

    Raises what `Http` raises.
    """
    headers = {"accept": "application/json", **{name.lower(): value for name, value in headers.items()}}
    match method:
        case "get":
            return await http.get(url, params=parameters, headers=headers)
        case "form":
            return await http.post(url, form=parameters, headers=headers)
        case "json":
            headers["content-type"] = "application/json; charset=utf-8"
            return await http.post(url, content=json.dumps(parameters).encode(), headers=headers)
