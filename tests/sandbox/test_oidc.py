"""`OidcSandbox` and the discovery document that a vendor publishes."""

from typing import Any, ClassVar

import httpx
import pytest

from connect_core.identity import ClientType
from connect_core.sandbox import DocumentedRequest, Fault, OidcGrant, OidcSandbox, Person, read_jwt, serving

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


class OwnWords(OidcSandbox):
    """A vendor with its own document, error words and statuses, and two claims for a person."""

    title = "Acme"
    discovery_path = "/common/.well-known/openid-configuration"
    refusals: ClassVar = {"invalid_client": "bad_secret"}
    id_names: ClassVar = ("sub", "account")

    def discovery_answer(self) -> dict[str, Any]:
        """Return a document with another member."""
        return {**super().discovery_answer(), "tenants": True}

    def id_token_claims(self, grant: OidcGrant, access_token: str) -> dict[str, Any]:
        """Return the claims with the account."""
        return {**super().id_token_claims(grant, access_token), "account": "a-1"}

    def error_answer(self, operation: str, code: str) -> dict[str, Any]:
        """Return an error with its operation."""
        return {"ok": False, "error": f"{operation} {code}"}

    def error_status(self, operation: str, code: str) -> int:
        """Return 200."""
        return 200


def test_a_vendor_answers_in_its_own_words() -> None:
    """Its document is where it has it, and errors of every call are written by one method."""
    sandbox = OwnWords()
    with serving(sandbox.app()) as url, httpx.Client(trust_env=False, base_url=url) as client:
        sandbox.settings(url, ClientType.PC)
        assert client.get(OwnWords.discovery_path).json()["tenants"] is True
        assert client.get("/.well-known/openid-configuration").status_code == 404
        refused = [client.post("/token", data={"code": "c"}), client.get("/userinfo")]
    assert [answer.json()["error"] for answer in refused] == ["token bad_secret", "userinfo invalid_token"]
    assert {answer.status_code for answer in refused} == {200}
    assert sandbox.get_outcomes() == {"invalid_grant": "code_invalid", "bad_secret": "provider_config"}


@pytest.mark.parametrize(
    ("fault", "expected"), [(Fault("missing_id"), [None, None]), (Fault("id", '"x"'), ["x", "x"]), (None, [..., "a-1"])]
)
def test_faults_change_every_claim_that_names_the_person(fault: Fault | None, expected: list[object]) -> None:
    """Otherwise the provider would still know who it is."""
    sandbox = OwnWords()
    grant = OidcGrant(Person("lihua", "Li Hua"), {"client_id": "c"}, 0)
    claims = read_jwt(sandbox.sign_id_token(grant, "", fault), sandbox.key)
    subject = ... if fault is None else claims.get("sub")
    assert [subject, claims.get("account")] == expected
