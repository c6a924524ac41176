"""Facebook's Limited Login: two names for one issuer, and the id of the web login."""

import pytest

from connect_core.errors import ContradictingAnswer
from connect_core.identity import ClientType, PersonId
from connect_core.testing import Visitor, run_shop
from connect_facebook.sandbox import FacebookSandbox
from connect_facebook_limited import FacebookLimitedProvider
from connect_facebook_limited.sandbox import LimitedSandbox

from ..kit.openid import CLIENT, NOW, Vendor, make, response, token

ISSUER = "https://www.facebook.com"
KEYS = "https://limited.facebook.com/jwks"


class Limited(FacebookLimitedProvider):
    """Limited Login at the time of the token."""

    now = staticmethod(lambda: float(NOW))


@pytest.mark.parametrize("issuer", [ISSUER, "https://facebook.com"])
async def test_both_issuers_name_the_id_of_the_app(issuer: str) -> None:
    """The id is the one that the web login stores, whichever name Facebook signs with."""
    provider = make(Vendor(), Limited, issuer=ISSUER, jwks_uri=KEYS)
    id_token = token(iss=issuer, sub="10158912345678901", name="Jane Smith")
    identity = await provider.login_callback(response(ClientType.APP, id_token))
    assert identity.ids == (PersonId.open_id("10158912345678901", CLIENT),)


async def test_another_issuer_is_refused() -> None:
    """A token that somebody else signs as themselves names nobody."""
    with pytest.raises(ContradictingAnswer):
        await make(Vendor(), Limited, issuer=ISSUER, jwks_uri=KEYS).login_callback(response(ClientType.APP, token()))


def test_web_and_app_are_one_member() -> None:
    """Somebody who logs in on the web and in the app is registered once."""
    sandboxes = {"facebook": FacebookSandbox(), "facebook-limited": LimitedSandbox()}
    with run_shop(sandboxes) as shop, Visitor(shop) as web, Visitor(shop) as phone:
        assert web.log_in("facebook", "pc").status_code == 303
        assert phone.log_in("facebook-limited", "app").status_code == 200
        assert len(shop.rows("es_connect")) == 1
