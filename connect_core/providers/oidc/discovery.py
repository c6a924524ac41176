"""The discovery document of an OpenID provider (OpenID Connect Discovery 1.0, RFC 8414): fetching and checking it.

Owns the rules for the document's issuer and addresses. Caches nothing, and calls nobody but the issuer.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

from connect_core.errors import ProviderBadResponse
from connect_core.http import Http
from connect_core.identity import ID_MAX
from connect_core.settings import check_endpoint, is_loopback

WELL_KNOWN = "/.well-known/openid-configuration"


def _issuer(url: str) -> str:
    check_endpoint(url)
    if "?" in url or len(url) > ID_MAX:
        raise ValueError(f"give the issuer as its provider writes it: no query, at most {ID_MAX} characters")
    return url


Issuer = Annotated[str, AfterValidator(_issuer)]
"""A settings type for an issuer (OpenID Connect Core §1.2). It is compared exactly: a slash at its end matters."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a login needs of a discovery document. Every address is https, or loopback when the issuer is.

    - `userinfo_endpoint`: empty where there is none.
    - `takes_pkce`: True when the provider lists S256 (RFC 7636).
    - `names_itself`: True when its authorization responses carry `iss` (RFC 9207 §3).
    - `auth_methods`: how clients may authenticate in the token call (OpenID Connect Core §9).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    takes_pkce: bool = False
    names_itself: bool = False
    auth_methods: tuple[str, ...] = ("client_secret_basic",)


async def fetch_metadata(http: Http, issuer: str, expected: str) -> Metadata:
    """Fetch the document of `issuer` and return it checked. Its member `issuer` must be `expected`.

    Raises `ProviderBadResponse` for a document that does not fit, and what `Http` raises.
    """
    url = issuer.rstrip("/") + WELL_KNOWN
    answer = (await http.get(url, headers={"accept": "application/json"})).raise_for_outage()
    if answer.status != 200:
        raise ProviderBadResponse(f"the discovery document answers HTTP {answer.status}")
    return read_metadata(answer.json(), issuer, expected)


def read_metadata(document: Mapping[str, Any], issuer: str, expected: str) -> Metadata:
    """Return the checked content of `document`, which was fetched from `issuer` and must name `expected` as its issuer.

    Raises `ProviderBadResponse`, which names the member that is wrong.
    """
    if document.get("issuer") != expected:
        raise ProviderBadResponse("issuer of the discovery document is another one")
    addresses = {
        name: _address(document, name, issuer) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    }
    return Metadata(
        issuer=expected,
        userinfo_endpoint=_address(document, "userinfo_endpoint", issuer) if document.get("userinfo_endpoint") else "",
        takes_pkce="S256" in _words(document, "code_challenge_methods_supported"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        auth_methods=_words(document, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        **addresses,
    )


def _address(document: Mapping[str, Any], name: str, issuer: str) -> str:
    url = document.get(name)
    try:
        if not isinstance(url, str) or (_is_inside(check_endpoint(url)) and not _is_inside(issuer)):
            raise ValueError
    except ValueError:
        url = None
    if url is None:
        raise ProviderBadResponse(f"{name} of the discovery document is no address for us")
    return url


def _is_inside(url: str) -> bool:
    """Return True for this machine and private networks, into which a document from outside must not send a request."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return is_loopback(host) or host.endswith(".localhost")


def _words(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    words = document.get(name)
    return tuple(word for word in words if isinstance(word, str)) if isinstance(words, list) else ()
