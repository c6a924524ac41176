"""Salesforce: a person's id counts in their org."""

import json

import pytest

from connect_core.errors import ProviderBadResponse
from connect_core.identity import PersonId
from connect_salesforce import SalesforceProvider

from ..kit.vendor_transport import TOKENS, Transport, log_in, make


def answering(**userinfo: object) -> Transport:
    """A Salesforce whose user-info is this."""
    answer = json.dumps({"user_id": "005x0000001S2b9AAC", **userinfo}).encode()
    return Transport({"/services/oauth2/token": TOKENS, "/services/oauth2/userinfo": answer})


async def test_the_same_id_in_two_orgs_is_two_people() -> None:
    """A sandbox org may have a copy of another org's users."""
    ids = []
    for org in ("00Dx0000001T0zkEAC", "00Dx0000000BV7zEAG"):
        identity = await log_in(make(SalesforceProvider, answering(organization_id=org)))
        assert identity.ids == (PersonId.union_id("005x0000001S2b9AAC", org),)
        ids += identity.ids
    assert len(set(ids)) == 2


@pytest.mark.parametrize("org", [None, "", " ", [], {}, True])
async def test_without_an_org_nobody_is_named(org: object) -> None:
    """An id alone could be somebody else's in another org."""
    with pytest.raises(ProviderBadResponse):
        await log_in(make(SalesforceProvider, answering(organization_id=org)))
