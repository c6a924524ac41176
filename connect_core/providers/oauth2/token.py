"""The token call (RFC 6749 §4.1.3) and how a client authenticates in it.

Owns one request and nothing else: what the answer says about a person is read by who asked.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote_plus

from connect_core.http import Answer, Http
from connect_core.providers.oauth2.quirks import Method, Quirks, renamed
from connect_core.providers.oauth2.responses import read_answer
from connect_core.providers.provider import AuthorizationResponse


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client adds to one token call; `parameters` under their standard names."""

    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class ClientAuthentication(Protocol):
    """How a client proves who it is. Another way, such as a signed assertion, is another class with this method."""

    def get_credentials(self, token_url: str) -> Credentials:
        """Return the proof for one call of `token_url`."""


@dataclass(frozen=True, slots=True)
class SecretInForm:
    """`client_secret_post`: id and secret among the parameters (RFC 6749 §2.3.1)."""

    client_id: str
    secret: str = field(repr=False)

    def get_credentials(self, token_url: str) -> Credentials:
        """Return both."""
        return Credentials({"client_id": self.client_id, "client_secret": self.secret})


@dataclass(frozen=True, slots=True)
class SecretInHeader:
    """`client_secret_basic`: id and secret, each form-encoded, in a header (RFC 6749 §2.3.1)."""

    client_id: str
    secret: str = field(repr=False)

    def get_credentials(self, token_url: str) -> Credentials:
        """Return the header."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
        return Credentials(headers={"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})


@dataclass(frozen=True, slots=True)
class NoSecret:
    """A public client: its id alone (RFC 6749 §3.2.1)."""

    client_id: str

    def get_credentials(self, token_url: str) -> Credentials:
        """Return the id."""
        return Credentials({"client_id": self.client_id})


async def redeem_code(
    http: Http,
    token_url: str,
    authentication: ClientAuthentication,
    response: AuthorizationResponse,
    quirks: Quirks | None = None,
) -> dict[str, Any]:
    """Redeem the code of `response` and return the token answer, which names no error.

    The code verifier goes along where the flow has one and the vendor takes it (RFC 7636 §4.5). Sent once, whatever
    happens. Raises what `read_answer` and `Http` raise.
    """
    quirks = quirks or Quirks()
    credentials = authentication.get_credentials(token_url)
    parameters = {
        "grant_type": "authorization_code",
        "code": response.code,
        "redirect_uri": response.redirect_uri,
        **({} if quirks.pkce == "never" else {"code_verifier": response.code_verifier}),
        **credentials.parameters,
    }
    given = renamed(parameters, {**quirks.names, **quirks.token_names}) | dict(quirks.token_parameters)
    answer = await call(http, quirks.token_method, token_url, given, credentials.headers)
    return read_answer(answer, quirks, form=True)


async def call(
    http: Http, method: Method, url: str, parameters: Mapping[str, str], headers: Mapping[str, str]
) -> Answer:
    """Make one call with `parameters` where `method` puts them; JSON is what is asked for."""
    headers = {"accept": "application/json", **headers}
    match method:
        case "get":
            return await http.get(url, params=parameters, headers=headers)
        case "form":
            return await http.post(url, form=parameters, headers=headers)
        case "json":
            headers["content-type"] = "application/json; charset=utf-8"
            return await http.post(url, content=json.dumps(parameters).encode(), headers=headers)
