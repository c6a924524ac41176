"""Whose account a login reaches: nobody gets one by what they call themselves, prepared for, or were told."""

import re
from pathlib import Path

import pytest

from connect_core.identity import PersonId, Profile
from connect_core.store.models import Member

from ..kit.acme import DAY, NOW
from ..kit.member_tables import LIHUA, OPEN, USER, Shop, shop

__all__ = ["shop"]
pytestmark = pytest.mark.usefixtures("database_url")
PHONE = "13800000001"


async def test_a_phone_number_of_a_member_links_nobody(shop: Shop) -> None:
    """A verified number that is somebody's already makes a member of its own, and tells nothing of the other."""
    shop.add_member(41, nickname="老客户", mobile=PHONE)
    resolved = await shop.log_in(USER, profile=Profile(nickname="李华", mobile=PHONE))
    assert (resolved.is_new_member, resolved.member.id == 41) == (True, False)
    assert (resolved.member.nickname, resolved.member.mobile) == ("李华", PHONE)
    assert shop.rows("SELECT member_id FROM es_connect") == [{"member_id": resolved.member.id}]
    assert (await shop.log_in(USER, was_asked=False)).member.id == resolved.member.id


async def test_what_a_vendor_says_about_a_person_is_not_who_they_are(shop: Shop) -> None:
    """Somebody who takes another's name, picture and number at the vendor stays who they were."""
    lihua = await shop.log_in(USER, profile=Profile(**{**_shown(LIHUA), "mobile": PHONE}))
    other = await shop.log_in(OPEN, profile=Profile.of(nickname="Maria"))
    after = await shop.log_in(OPEN, profile=Profile(**{**_shown(LIHUA), "mobile": PHONE}), now=NOW + 31 * DAY)
    assert (after.member.id, after.is_new_member) == (other.member.id, False)
    assert after.member.nickname == lihua.member.nickname
    assert (await shop.log_in(USER, now=NOW + 32 * DAY)).member.id == lihua.member.id != other.member.id


def _shown(profile: Profile) -> dict[str, object]:
    return {name: getattr(profile, name) for name in ("nickname", "face", "sex", "province", "city")}


@pytest.mark.parametrize("prepared", [{"nickname": "李华"}, {"mobile": PHONE}, {"password_hash": "$argon2id$x"}])
async def test_an_account_prepared_for_a_person_is_not_theirs(shop: Shop, prepared: dict[str, str]) -> None:
    """Whoever registered with a victim's name or number gains nothing when the victim logs in: no connection, no id."""
    shop.add_member(66, **prepared)
    [before] = shop.rows("SELECT * FROM es_member")
    victim = (await shop.log_in(USER, OPEN, profile=Profile(nickname="李华", mobile=PHONE))).member
    assert victim.id != 66
    assert shop.rows("SELECT * FROM es_member WHERE id = 66") == [before]
    assert shop.rows("SELECT * FROM es_connect WHERE member_id = 66") == []


async def test_not_even_a_name_that_is_an_id(shop: Shop) -> None:
    """A member who calls themselves what the vendor calls the victim is somebody else."""
    shop.add_member(66, nickname=USER.value, mobile=USER.value[:11])
    shop.rows("UPDATE es_member SET uname = ?", USER.value)
    assert (await shop.log_in(USER)).member.id != 66


async def test_no_login_gives_a_role(shop: Shop) -> None:
    """Not the first one either: there is no column for one, and what else is privileged keeps its default."""
    member = (await shop.log_in(USER, profile=LIHUA)).member
    assert (member.id, member.disabled) == (1, 0)
    assert not [name for name in Member.model_fields if re.search("role|admin|level|scope|grade|balance", name)]


async def test_a_vendor_set_up_anew_knows_nobody_by_its_apps_ids(tmp_path: Path, shop: Shop) -> None:
    """Taken off and set up again for another app, or another issuer, the old ids name nobody there."""
    old = [PersonId.open_id("o-1", "app-old"), PersonId.union_id("sub-1", "https://old.example")]
    new = [PersonId.open_id("o-1", "app-new"), PersonId.union_id("sub-1", "https://new.example")]
    members = {(await shop.log_in(one, union_type="ACME")).member.id for one in (*old, *new)}
    assert len(members) == 4
