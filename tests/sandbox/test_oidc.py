"""`OidcSandbox` and the discovery document that a vendor publishes."""

from typing import ClassVar

import httpx

from connect_core.identity import ClientType
from connect_core.sandbox import DocumentedRequest, OidcSandbox, serving

ISSUER = "https://acme.example"
STATED = {"issuer": ISSUER, "token_endpoint": "https://api.acme.example/token", "jwks_uri": "https://acme.example/keys"}


class AcmeSandbox(OidcSandbox):
    """A vendor whose endpoints are on several hosts."""

    title = "Acme"
    documented: ClassVar = (DocumentedRequest("GET", f"{ISSUER}/.well-known/openid-configuration", answer=STATED),)


def discovered(issuer: str) -> dict[str, object]:
    """Return the discovery document of a sandbox whose provider has this issuer."""
    sandbox = AcmeSandbox()
    sandbox.settings(issuer, ClientType.PC)
    with serving(sandbox.app()) as url, httpx.Client(trust_env=False) as client:
        document: dict[str, object] = client.get(f"{url}/.well-known/openid-configuration").json()
    return document


def test_the_vendors_own_document_is_sent_at_the_vendors_issuer() -> None:
    """A provider with the vendor's own addresses finds them there, also where they are on other hosts."""
    assert discovered(ISSUER) == STATED


def test_any_other_issuer_has_the_sandboxs_endpoints() -> None:
    """They are where the sandbox listens."""
    document = discovered("http://127.0.0.1:1")
    assert (document["issuer"], document["token_endpoint"]) == ("http://127.0.0.1:1", "http://127.0.0.1:1/token")
