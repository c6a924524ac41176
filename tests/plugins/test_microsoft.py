"""Microsoft: each tenant is an issuer of its own, and an account is known by two ids."""

from typing import Any

import pytest

from connect_core.errors import ContradictingAnswer
from connect_core.identity import PersonId
from connect_core.testing import Visitor, run_shop
from connect_microsoft import PERSONAL, MicrosoftProvider
from connect_microsoft.sandbox import MicrosoftSandbox

from ..kit.openid import CLIENT, NOW, Vendor, log_in, make, token

HOST = "https://login.microsoftonline.com"
COMPANY = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
OTHER = "11112222-bbbb-3333-cccc-4444dddd5555"
# https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration
DOCUMENT = {
    "authorization_endpoint": f"{HOST}/common/oauth2/v2.0/authorize",
    "token_endpoint": f"{HOST}/common/oauth2/v2.0/token",
    "jwks_uri": f"{HOST}/common/discovery/v2.0/keys",
    "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
    "code_challenge_methods_supported": None,
    "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
}
# https://learn.microsoft.com/en-us/entra/identity-platform/id-token-claims-reference
CLAIMS = {
    "ver": "2.0",
    "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "name": "Abe Lincoln",
    "preferred_username": "AbeLi@microsoft.com",
    "oid": "00000000-0000-0000-66f3-3332eca7ea81",
}


class Microsoft(MicrosoftProvider):
    """Microsoft at the time of the token."""

    now = staticmethod(lambda: float(NOW))


def registration(audience: str, tid: str, issuer: str = "", tenants: tuple[str, ...] = (), **claims: Any) -> Any:
    """Return a registration for `audience` at a Microsoft that signs a token of the tenant `tid`."""
    of_tenant = {"tid": tid, "iss": issuer or f"{HOST}/{tid}/v2.0"}
    name = "{tenantid}" if audience in ("common", "organizations") else audience
    document = {**DOCUMENT, "issuer": f"{HOST}/{name}/v2.0"}
    vendor = Vendor(token(**{**CLAIMS, **of_tenant, **claims}), discovery=document)
    return make(vendor, Microsoft, issuer=f"{HOST}/{audience}/v2.0", tenants=tenants)


@pytest.mark.parametrize(
    ("audience", "tid"),
    [("common", PERSONAL), ("common", COMPANY), ("organizations", COMPANY), (COMPANY, COMPANY), (PERSONAL, PERSONAL)],
)
async def test_an_account_has_the_ids_of_its_tenant_and_of_the_client(audience: str, tid: str) -> None:
    """`oid` counts within the tenant, `sub` for this client; no user-info is called."""
    provider = registration(audience, tid)
    identity = await provider.fetch_profile(await log_in(provider))
    assert identity.ids == (
        PersonId.union_id(CLAIMS["oid"], f"{HOST}/{tid}/v2.0"),
        PersonId.open_id(CLAIMS["sub"], CLIENT),
    )
    assert identity.profile is not None
    assert identity.profile.nickname == "Abe Lincoln"


@pytest.mark.parametrize(
    ("audience", "tid", "issuer"),
    [
        ("common", COMPANY, f"{HOST}/{OTHER}/v2.0"),
        ("common", "{tenantid}", ""),
        ("common", "common", ""),
        ("common", f"{COMPANY}/v2.0/..", ""),
        ("common", COMPANY, f"https://sts.windows.net/{COMPANY}/"),
        ("organizations", PERSONAL, ""),
        (COMPANY, OTHER, ""),
    ],
)
async def test_another_tenant_names_nobody(audience: str, tid: str, issuer: str) -> None:
    """The issuer must be that of the tenant in `tid`, which must be a tenant that may log in."""
    with pytest.raises(ContradictingAnswer):
        await log_in(registration(audience, tid, issuer))


async def test_only_listed_tenants_are_let_in() -> None:
    """`tenants` narrows down what the issuer stands for."""
    assert (await log_in(registration("common", COMPANY, tenants=(COMPANY,)))).ids
    with pytest.raises(ContradictingAnswer):
        await log_in(registration("common", OTHER, tenants=(COMPANY,)))


async def test_without_the_account_there_is_the_id_of_the_client() -> None:
    """A configured scope without `profile` leaves `oid` out."""
    identity = await log_in(registration("common", COMPANY, oid=None))
    assert identity.ids == (PersonId.open_id(CLAIMS["sub"], CLIENT),)


def test_people_of_two_tenants_log_in() -> None:
    """The sandbox has one person with a personal account and one of a company."""
    sandbox = MicrosoftSandbox()
    assert {sandbox.tenant("lihua"), sandbox.tenant("wangfang")} == {PERSONAL, COMPANY}
    with run_shop({"microsoft": sandbox}) as shop:
        for person in ("lihua", "wangfang"):
            with Visitor(shop) as visitor:
                assert visitor.log_in("microsoft", "pc", person).status_code == 303
