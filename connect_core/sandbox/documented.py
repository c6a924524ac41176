"""`DocumentedRequest`: a request as the vendor's documentation shows it, to hold a plugin's requests against.

Values only: the contract (`connect_core.testing`) compares them with what a login sends.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


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
    - `answer`: the vendor's example of the answer, as an object or as the text of the body.
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


def of_login(*names: str, **others: Any) -> dict[str, Any]:
    """Return parameters that have the values of the login, each under its standard name, and `others`.

        of_login("client_id", "state", response_type="code")

    is `{"client_id": "{client_id}", "state": "{state}", "response_type": "code"}`.
    """
    return {name: f"{{{name}}}" for name in names} | others


def find_documented_answer(documented: Iterable[DocumentedRequest], url: str) -> dict[str, Any]:
    """Return the object that the request to `url` is documented to be answered with, empty where there is none."""
    answers = (request.answer for request in documented if request.url == url)
    return next((dict(answer) for answer in answers if isinstance(answer, Mapping)), {})
