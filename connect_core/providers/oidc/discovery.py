"""The discovery document of an OpenID provider (OpenID Connect Discovery 1.0, RFC 8414): fetching and checking it.

Owns the rules for the document's issuer and addresses. Caches nothing, and calls nobody but the issuer.
"""

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator

from connect_core.errors import ProviderBadResponse
from connect_core.http import Http
from connect_core.identity import ID_MAX
from connect_core.settings import check_endpoint, is_loopback

WELL_KNOWN = "/.well-known/openid-configuration"
REQUIRED_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
"""Without these nobody can log in; `OidcSettings` takes each by hand, too."""
ENDPOINTS = (*REQUIRED_ENDPOINTS, "userinfo_endpoint", "end_session_endpoint")


def _issuer(url: str) -> str:
    check_endpoint(url)
    if "?" in url or len(url) > ID_MAX:
        raise ValueError(f"give the issuer as its provider writes it: no query, at most {ID_MAX} characters")
    return url


Issuer = Annotated[str, AfterValidator(_issuer)]
"""A settings type for an issuer (OpenID Connect Core §1.2). It is compared exactly: a slash at its end matters."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a login needs of a discovery document. Every address is https, or loopback when the document's is.

    - `userinfo_endpoint`, `end_session_endpoint`: empty where there is none.
    - `takes_pkce`: True when the provider lists S256 (RFC 7636).
    - `names_itself`: True when its authorization responses carry `iss` (RFC 9207 §3).
    - `auth_methods`: how clients may authenticate in the token call (OpenID Connect Core §9).
    - `lists_auth_methods`: True when the document says so, False when `auth_methods` is what its silence means.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    takes_pkce: bool = False
    names_itself: bool = False
    auth_methods: tuple[str, ...] = ("client_secret_basic",)
    lists_auth_methods: bool = False

    def may_send(self, sender: str) -> bool:
        """Tell whether an authorization response with this `iss` may be the provider's (RFC 9207 §2.4).

        It may be missing (empty) unless the document promises it. Where the issuer has the place of a tenant
        (`{tenantid}`), the sender may be any tenant's: the ID token says whose people may log in.
        """
        if not sender:
            return not self.names_itself
        before, tenant, after = self.issuer.partition("{tenantid}")
        if not tenant:
            return sender == self.issuer
        return re.fullmatch(f"{re.escape(before)}[^/?#]+{re.escape(after)}", sender) is not None


_DEFAULT_METHODS = ("client_secret_basic",)
"""What a document without `token_endpoint_auth_methods_supported` means (Discovery §3)."""


def make_metadata(issuer: str, by_hand: Mapping[str, str]) -> Metadata:
    """Return what a provider without a discovery document can do: it takes PKCE, or ignores it (RFC 6749 §3.1)."""
    return Metadata(
        issuer,
        takes_pkce=True,
        names_itself=False,
        auth_methods=_DEFAULT_METHODS,
        lists_auth_methods=False,
        **by_hand,
    )


async def fetch_metadata(http: Http, url: str, expected: str, by_hand: Mapping[str, str]) -> Metadata:
    """Fetch the document at `url` and return it checked. Its member `issuer` must be `expected`.

    `by_hand` are endpoints that replace those of the document. Raises `ProviderBadResponse` for a document that does
    not fit, and what `Http` raises.
    """
    answer = (await http.get(url, headers={"accept": "application/json"})).raise_for_outage()
    if answer.status != 200:
        raise ProviderBadResponse(f"the discovery document answers HTTP {answer.status}")
    return read_metadata(answer.json(), url, expected, by_hand)


def read_metadata(document: Mapping[str, Any], url: str, expected: str, by_hand: Mapping[str, str]) -> Metadata:
    """Return the checked content of `document`, which was fetched from `url` and must name `expected` as its issuer.

    `by_hand` are checked endpoints that replace those of the document. Raises `ProviderBadResponse`, which names the
    member that is wrong.
    """
    if document.get("issuer") != expected:
        raise ProviderBadResponse("issuer of the discovery document is another one")
    names = [*REQUIRED_ENDPOINTS, *(["userinfo_endpoint"] if document.get("userinfo_endpoint") else [])]
    addresses = {name: _address(document, name, url) for name in names if name not in by_hand}
    with suppress(ProviderBadResponse):  # nobody needs it to log in
        addresses["end_session_endpoint"] = _address(document, "end_session_endpoint", url)
    auth_methods = _words(document, "token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=expected,
        takes_pkce="S256" in _words(document, "code_challenge_methods_supported"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        auth_methods=auth_methods or _DEFAULT_METHODS,
        lists_auth_methods=bool(auth_methods),
        **{**addresses, **by_hand},
    )


def _address(document: Mapping[str, Any], name: str, source: str) -> str:
    url = document.get(name)
    try:
        if not isinstance(url, str) or (_is_inside(check_endpoint(url)) and not _is_inside(source)):
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
