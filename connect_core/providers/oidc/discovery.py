"""What an OpenID provider says about itself (OpenID Connect Discovery 1.0, RFC 8414): fetched, checked, made a value.

Owns the rules for a document's issuer and addresses. Keeps nothing and asks nobody but the issuer.
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
"""An issuer (OpenID Connect Core §1.2), kept character for character: a slash at its end counts."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of the document that a login needs; every address is https, or loopback where the issuer is."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    takes_pkce: bool = False
    names_itself: bool = False
    """Its authorization responses carry `iss` (RFC 9207 §3)."""
    auth_methods: tuple[str, ...] = ("client_secret_basic",)


async def fetch_metadata(http: Http, issuer: str, expected: str) -> Metadata:
    """Fetch the document of `issuer`, which must say `expected`. Raises `ProviderBadResponse`, and as `Http`."""
    answer = (
        await http.get(issuer.rstrip("/") + WELL_KNOWN, headers={"accept": "application/json"})
    ).raise_for_outage()
    if answer.status != 200:
        raise ProviderBadResponse(f"the discovery document answers HTTP {answer.status}")
    return read_metadata(answer.json(), issuer, expected)


def read_metadata(found: Mapping[str, Any], issuer: str, expected: str) -> Metadata:
    """Return what the document `found` at `issuer` says. Raises `ProviderBadResponse` naming the member at fault."""
    if found.get("issuer") != expected:
        raise ProviderBadResponse("issuer of the discovery document is another one")
    addresses = {
        name: _address(found, name, issuer) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    }
    return Metadata(
        issuer=expected,
        userinfo_endpoint=_address(found, "userinfo_endpoint", issuer) if found.get("userinfo_endpoint") else "",
        takes_pkce="S256" in _words(found, "code_challenge_methods_supported"),
        names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        auth_methods=_words(found, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        **addresses,
    )


def _address(found: Mapping[str, Any], name: str, issuer: str) -> str:
    url = found.get(name)
    try:
        if not isinstance(url, str) or (_is_inside(check_endpoint(url)) and not _is_inside(issuer)):
            raise ValueError
    except ValueError:
        url = None
    if url is None:
        raise ProviderBadResponse(f"{name} of the discovery document is no address for us")
    return url


def _is_inside(url: str) -> bool:
    """Tell whether an address stands for this machine or a private network, into which nobody outside may send us."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return is_loopback(host) or host.endswith(".localhost")


def _words(found: Mapping[str, Any], name: str) -> tuple[str, ...]:
    words = found.get(name)
    return tuple(word for word in words if isinstance(word, str)) if isinstance(words, list) else ()
