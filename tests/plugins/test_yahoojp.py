"""Yahoo! JAPAN: a profile only where the shop asks for it, a code challenge that the discovery document leaves out."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connect_core.errors import ContradictingAnswer
from connect_yahoojp import YahooJpProvider

from ..kit.openid import NOW, Vendor, log_in, make, request


class YahooJp(YahooJpProvider):
    """Yahoo! JAPAN at the time of the token."""

    now = staticmethod(lambda: float(NOW))


def yahoo(**userinfo: str) -> Vendor:
    """A vendor whose document names no PKCE."""
    return Vendor(discovery={"code_challenge_methods_supported": None}, userinfo={"sub": "person-1", **userinfo})


async def test_no_profile_without_its_scope() -> None:
    """User-info is for reviewed applications, so the plugin's scope does not lead there."""
    vendor = yahoo(name="Li Hua")
    provider = make(vendor, YahooJp)
    identity = await provider.fetch_profile(await log_in(provider))
    assert identity.profile is None
    assert vendor.count("userinfo") == 0


async def test_profile_with_its_scope() -> None:
    """A reviewed application sets the scope."""
    provider = make(yahoo(nickname="Taro", gender="male"), YahooJp, scope="openid profile")
    identity = await provider.fetch_profile(await log_in(provider))
    assert identity.profile is not None
    assert (identity.profile.nickname, identity.profile.sex) == ("Taro", 1)


async def test_profile_of_somebody_else() -> None:
    """User-info about another person ends the login."""
    provider = make(yahoo(sub="person-2"), YahooJp, scope="openid profile")
    identity = await log_in(provider)
    with pytest.raises(ContradictingAnswer):
        await provider.fetch_profile(identity)


async def test_code_challenge_and_bail() -> None:
    """Both are documented parameters; without `bail` a refusal would not come back."""
    query = parse_qs(urlsplit(await make(yahoo(), YahooJp).get_login_url(request())).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["bail"] == ["1"]
