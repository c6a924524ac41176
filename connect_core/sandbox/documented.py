"""`DocumentedRequest`: a request as the vendor's documentation shows it, to hold a plugin's requests against.

Values only: the contract (`connect_core.testing`) compares them with what a login sends.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_FIXED = {"response_type": "code", "grant_type": "authorization_code", "code_challenge_method": "S256"}
"""Parameters that have one value in the code grant (RFC 6749 §4.1, RFC 7636 §4.3)."""


@dataclass(frozen=True, slots=True)
class DocumentedRequest:
    """One request of a login as the vendor documents it. Copy it from the documentation, never from the plugin.

        DocumentedRequest(
            "POST",
            "https://api.acme.example/oauth/token",
            json={"clientId": "{client_id}", "clientSecret": "{client_secret}", "code": "{code}"},
            answer={"accessToken": "abcd", "expireIn": 7200},
        )

    - `method`, `url`: the method, and the address without a query. The page on which a person agrees is a `GET`.
    - `query`, `form`, `json`: every parameter, each where the vendor wants it.
    - `headers`: those that matter, such as the one with the token. Others may be sent too, except `Authorization`.
    - `optional`: names of parameters that may be missing, or be sent without being listed above.
    - `answer`: the vendor's example of the answer, as an object or as the text of the body. An ID token of an example
      has expired: write its claims as an object, `{"id_token": {"sub": "24400320"}}`, and an `OidcSandbox` signs them
      with a fresh `iss`, `aud`, `nonce`, `iat` and `exp`.
    - `clients`: the client types that send this request, such as `("mini",)`; by default any.

    A name in braces stands for a value of the login: `{code}`, `{state}`, `{redirect_uri}`, `{nonce}`,
    `{code_challenge}`, `{code_verifier}`, the provider's settings (`{client_id}`), what the client handed in, and
    members of earlier answers (`{access_token}`). `{basic_credentials}` are those of the client in the header
    `Authorization` (RFC 6749 §2.3.1). `{*}` stands for any text, such as a timestamp or a signature.
    """

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    optional: Collection[str] = ()
    answer: Mapping[str, Any] | str | None = None
    clients: Collection[str] = ()


def of_login(names: str, **others: Any) -> dict[str, Any]:
    """Return parameters with the values of the login, and `others`. `names` has spaces between them.

    Each has the value of its own name in braces, or the one value that a standard gives it:
    `of_login("response_type client_id state", scope="profile")` is `{"response_type": "code", "client_id":
    "{client_id}", "state": "{state}", "scope": "profile"}`.
    """
    return {name: _FIXED.get(name, f"{{{name}}}") for name in names.split()} | others


def find_documented_answer(documented: Iterable[DocumentedRequest], url: str) -> dict[str, Any]:
    """Return the object that the request to `url` is documented to be answered with, empty where there is none."""
    answers = (request.answer for request in documented if request.url == url)
    return next((dict(answer) for answer in answers if isinstance(answer, Mapping)), {})


def find_discovery(documented: Iterable[DocumentedRequest]) -> dict[str, Any]:
    """Return the OpenID provider's discovery document among the documented answers, empty where there is none."""
    answers = (request.answer for request in documented)
    return next((dict(answer) for answer in answers if isinstance(answer, Mapping) and "token_endpoint" in answer), {})
