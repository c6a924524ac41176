"""Providers whose people have other ids than `sub` of the issuer: at a login, in user-info, and at a log-out."""

from collections.abc import Mapping
from typing import Any

import pytest

from connect_core.errors import ContradictingAnswer, ProviderBadResponse
from connect_core.identity import PersonId

from ...kit.openid import CLIENT, ISSUER, NOW, Acme, Vendor, log_in, make, token

LOGOUT: dict[str, Any] = {
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    "jti": "j-1",
    "nonce": None,
}
IDS = (PersonId.union_id("account-1", "space-1"), PersonId.open_id("person-1", CLIENT))


class Spaces(Acme):
    """A vendor with accounts in workspaces, which calls a person `sub` for this client alone."""

    def read_ids(self, claims: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the account, which a log-out does not name, and `sub`."""
        account, subject = claims.get("account"), PersonId.open_id(claims.get("sub"), self.settings.client_id)
        return (PersonId.union_id(account, claims["space"]), subject) if account else (subject,)


def vendor(userinfo: object = None) -> Vendor:
    """Return a vendor whose ID token names an account, and which answers `userinfo`."""
    answers = {} if userinfo is None else {"userinfo": userinfo}
    return Vendor(token(account="account-1", space="space-1"), **answers)


async def test_ids_of_the_provider_name_the_person() -> None:
    """They are read from verified claims, and user-info is compared with `sub` among them."""
    provider = make(vendor(), Spaces)
    identity = await provider.fetch_profile(await log_in(provider))
    assert identity.ids == IDS
    assert identity.profile is not None
    assert identity.profile.nickname == "Li Hua"


async def test_by_default_it_is_sub_of_the_issuer() -> None:
    """The scope of the id is the issuer."""
    provider = make(vendor())
    assert (await log_in(provider)).ids == (PersonId.union_id("person-1", ISSUER),)
    assert provider.read_ids({"iss": ISSUER, "sub": "p"}) == (PersonId.union_id("p", ISSUER),)
    with pytest.raises(ProviderBadResponse):
        provider.read_ids({"iss": ISSUER})
    with pytest.raises(ContradictingAnswer):
        provider.read_ids({"iss": "https://elsewhere.example", "sub": "p"})


async def test_user_info_about_somebody_else() -> None:
    """A `sub` that is none of the ids is another person's."""
    provider = make(vendor({"sub": "person-2", "name": "Maria"}), Spaces)
    with pytest.raises(ContradictingAnswer):
        await provider.fetch_profile(await log_in(provider))


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({}, None),
        ({"iss": None}, None),
        ({"iss": "https://elsewhere.example"}, ContradictingAnswer),
        ({"iss": ["x"]}, ContradictingAnswer),
        ({"sub": "person-2"}, ContradictingAnswer),
        ({"sub": None}, ProviderBadResponse),
    ],
)
async def test_signed_user_info(claims: dict[str, Any], error: type[Exception] | None) -> None:
    """Its issuer must be ours although no id has it as scope, and its ids the person's."""
    provider = make(vendor(token(**{"name": "Li Hua", **claims}).encode()), Spaces)
    identity = await log_in(provider)
    if error:
        with pytest.raises(error):
            await provider.fetch_profile(identity)
    else:
        assert (await provider.fetch_profile(identity)).profile is not None


async def test_log_out_names_the_same_id() -> None:
    """Whoever a logout token is about is looked for by the id that a login stores."""
    notice = await make(vendor(), Spaces).read_logout(token(header={"typ": "logout+jwt"}, iat=NOW, **LOGOUT))
    assert notice.subject == PersonId.open_id("person-1", CLIENT)
    notice = await make(vendor()).read_logout(token(header={"typ": "logout+jwt"}, iat=NOW, **LOGOUT))
    assert notice.subject == PersonId.union_id("person-1", ISSUER)
