"""Who an identity is in the shop: one member whatever id the vendor sends, and nobody else's."""

import unicodedata

import pytest

from connect_core.errors import MemberDisabled
from connect_core.identity import PersonId, Profile
from connect_core.members.values import ProfileNeeded

from ..kit.acme import DAY, NOW, counts
from ..kit.member_tables import LIHUA, OPEN, PEOPLE, UNION, USER, Shop, shop

__all__ = ["shop"]

pytestmark = pytest.mark.usefixtures("database_url")


# found or registered


async def test_an_unknown_person_is_asked_about_before_being_registered(shop: Shop) -> None:
    """The first look answers None and writes nothing; once the profile was asked for, the member is registered."""
    assert await shop.ask(USER, was_asked=False) == ProfileNeeded()
    assert set(counts(shop.folder, *PEOPLE).values()) == {0}
    resolved = await shop.log_in(USER, UNION, OPEN, profile=LIHUA)
    assert (resolved.is_new_member, resolved.has_conflict, resolved.union_id) == (True, False, USER.value)
    [member] = shop.rows("SELECT * FROM es_member")
    assert (member["nickname"], member["sex"], member["province"], member["city"]) == ("李华", 1, "浙江省", "杭州市")
    assert member["uname"].startswith("m_")
    assert (member["register_client"], member["create_time"], member["login_count"]) == ("pc", NOW, 1)
    assert counts(shop.folder, *PEOPLE) == {"es_member": 1, "es_connect": 1, "es_connect_alias": 3}


@pytest.mark.parametrize("known_by", [(USER,), (UNION,), (OPEN,), (OPEN, UNION), (USER, OPEN)])
async def test_a_person_is_found_by_any_id(shop: Shop, known_by: tuple[PersonId, ...]) -> None:
    """Whichever ids the vendor leaves out, the member is the same; a returning person is answered from the database."""
    first = await shop.log_in(USER, UNION, OPEN, profile=LIHUA)
    again = await shop.log_in(*known_by, was_asked=False, now=NOW + 60)
    assert (again.member.id, again.connect_id, again.is_new_member) == (first.member.id, first.connect_id, False)
    assert again.profile == LIHUA
    [member] = shop.rows("SELECT last_login, login_count FROM es_member")
    assert member == {"last_login": NOW + 60, "login_count": 2}


async def test_union_id_moves_up_as_stronger_ids_appear(shop: Shop) -> None:
    """Known by an open id, then a union id, then a user id: one row, which shows the strongest from then on."""
    union = PersonId.union_id("u-77", "acme-group")
    shown = []
    for ids in ((OPEN,), (union, OPEN), (USER, union), (OPEN,), (PersonId.open_id("o-78", "app-2"), union)):
        resolved = await shop.log_in(*ids)
        [row] = shop.rows("SELECT union_id, union_scope FROM es_connect")
        assert row["union_id"] == resolved.union_id
        shown.append((row["union_id"], row["union_scope"]))
    assert shown == [("o-77", "app-1"), ("u-77", "acme-group"), *[(USER.value, "")] * 3]
    assert counts(shop.folder, *PEOPLE) == {"es_member": 1, "es_connect": 1, "es_connect_alias": 4}


async def test_ids_of_two_members_lead_to_the_strongest_and_move_nothing(shop: Shop) -> None:
    """When the ids point at two members the strongest id's wins, the other keeps what it has, and it is told."""
    by_user, by_open = await shop.log_in(USER), await shop.log_in(OPEN)
    assert by_user.member.id != by_open.member.id
    before = shop.rows("SELECT * FROM es_connect_alias")
    both = await shop.log_in(USER, OPEN)
    assert (both.member.id, both.has_conflict) == (by_user.member.id, True)
    assert shop.rows("SELECT * FROM es_connect_alias") == before
    assert (await shop.log_in(OPEN)).member.id == by_open.member.id
    assert (await shop.log_in(USER)).has_conflict is False


async def test_another_id_of_a_kind_already_stored_is_not_added(shop: Shop) -> None:
    """A second open id for the same app contradicts the first: it is told, not stored."""
    first = await shop.log_in(UNION, OPEN)
    odd = await shop.log_in(UNION, PersonId.open_id("o-99", "app-1"))
    assert (odd.member.id, odd.has_conflict) == (first.member.id, True)
    assert {row["value"] for row in shop.rows("SELECT value FROM es_connect_alias")} == {"u-77", "o-77"}


# ids are compared byte for byte


PAIRS = [
    ("Abc", "abc"),
    ("abc", "abc "),
    ("abc", " abc"),
    ("caf\u00e9", "cafe\u0301"),
    ("\uff21bc", "Abc"),
    ("stra\u00dfe", "strasse"),
    ("00123", "123"),
    ("id\u200d", "id"),
    ("\U0001f642", "\U0001f643"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("kind", ["user_id", "union_id", "open_id"])
async def test_ids_are_compared_byte_for_byte(shop: Shop, kind: str, one: str, other: str) -> None:
    """Case, blanks, normal forms and leading zeros make another person, and the row keeps the exact text."""

    def make(value: str) -> PersonId:
        return PersonId.open_id(value, "app-1") if kind == "open_id" else getattr(PersonId, kind)(value)

    first, second = await shop.log_in(make(one)), await shop.log_in(make(other))
    assert first.member.id != second.member.id
    assert (await shop.log_in(make(one))).member.id == first.member.id
    assert [row["union_id"] for row in shop.rows("SELECT union_id FROM es_connect ORDER BY id")] == [one, other]


def test_the_pairs_are_what_they_claim() -> None:
    """Two of them are equal once normalised, or the test above would prove nothing."""
    assert unicodedata.normalize("NFC", PAIRS[3][1]) == PAIRS[3][0]
    assert unicodedata.normalize("NFKC", PAIRS[4][0]) == PAIRS[4][1]


async def test_adopted_rows_are_compared_byte_for_byte(shop: Shop) -> None:
    """So is a row that another system wrote."""
    shop.add_member(1)
    shop.adopt(1, 1, "ALIPAY", "abc")
    for near in ("ABC", "abc ", "\uff41bc"):
        assert (await shop.log_in(PersonId.user_id(near))).member.id != 1
    assert (await shop.log_in(PersonId.user_id("abc"), was_asked=False)).member.id == 1


async def test_one_text_at_two_vendors_or_apps_is_two_persons(shop: Shop) -> None:
    """The union type and the app are part of an open id."""
    ids = [
        await shop.log_in(PersonId.open_id("same", "app-1"), union_type="WECHAT"),
        await shop.log_in(PersonId.open_id("same", "app-2"), union_type="WECHAT"),
        await shop.log_in(PersonId.open_id("same", "app-1"), union_type="QQ"),
    ]
    assert len({resolved.member.id for resolved in ids}) == 3


async def test_an_open_id_never_answers_to_another_persons_union_id(shop: Shop) -> None:
    """The kind of an id is part of it, in our rows and in those of another system."""
    union, open_ = PersonId.union_id("same"), PersonId.open_id("same", "app-1")
    assert (await shop.log_in(union)).member.id != (await shop.log_in(open_)).member.id
    by_union = await shop.log_in(USER, PersonId.union_id("also"))
    assert (await shop.log_in(PersonId.user_id("also"))).member.id != by_union.member.id
    shop.add_member(9)
    shop.adopt(9, 9, "WECHAT", "theirs")
    assert (await shop.log_in(PersonId.open_id("theirs", "app-1"), union_type="WECHAT")).member.id != 9


async def test_open_ids_of_a_replaced_app_match_nobody(shop: Shop) -> None:
    """After the shop took another app id the vendor's open ids name other persons, whatever their text."""
    old = await shop.log_in(PersonId.open_id("o-1", "app-old"))
    assert (await shop.log_in(PersonId.open_id("o-1", "app-new"))).member.id != old.member.id


# rows of another system


async def test_a_row_of_another_system_is_adopted(shop: Shop) -> None:
    """A bare row logs its member in without the profile being asked for, and then carries the person's other ids."""
    shop.add_member(41, nickname="老客户")
    shop.adopt(7, 41, "ALIPAY", USER.value)
    first = await shop.log_in(USER, OPEN, was_asked=False)
    assert (first.member.id, first.connect_id, first.is_new_member) == (41, 7, False)
    assert (first.member.nickname, first.has_conflict) == ("老客户", False)
    assert (await shop.log_in(OPEN, was_asked=False)).member.id == 41
    assert counts(shop.folder, *PEOPLE) == {"es_member": 1, "es_connect": 1, "es_connect_alias": 2}
    assert await shop.ask(USER, was_asked=False, now=NOW + 31 * DAY) == ProfileNeeded()
    fresh = await shop.log_in(USER, profile=LIHUA, now=NOW + 31 * DAY)
    assert (fresh.member.nickname, fresh.member.city) == ("老客户", "杭州市")


async def test_an_adopted_open_id_moves_up(shop: Shop) -> None:
    """A row of another system that holds an open id, with its app in `union_scope`, shows the union id from then on."""
    shop.add_member(1)
    shop.adopt(1, 1, "WECHAT", OPEN.value, OPEN.scope)
    resolved = await shop.log_in(UNION, OPEN, union_type="WECHAT", was_asked=False)
    assert (resolved.member.id, resolved.union_id) == (1, "u-77")
    assert shop.rows("SELECT union_id, union_scope FROM es_connect") == [{"union_id": "u-77", "union_scope": ""}]


async def test_two_rows_of_another_system_are_a_conflict(shop: Shop) -> None:
    """The strongest id's member logs in; the other's row stays with its member."""
    for id_, union_id in ((1, USER.value), (2, UNION.value)):
        shop.add_member(id_)
        shop.adopt(id_, id_, "ALIPAY", union_id)
    resolved = await shop.log_in(USER, UNION, was_asked=False)
    assert (resolved.member.id, resolved.has_conflict) == (1, True)
    assert (await shop.log_in(UNION, was_asked=False)).member.id == 2


# ended connections


async def test_a_person_unbound_gets_a_new_connection(shop: Shop) -> None:
    """An ended row never matches; the person registers anew, as often as need be, and the old rows stay."""
    members = []
    for round_ in range(3):
        members.append((await shop.log_in(USER, OPEN)).member.id)
        assert await shop.ask(USER, OPEN, was_asked=False) is not None
        for table in ("es_connect", "es_connect_alias"):
            shop.rows(f"UPDATE {table} SET unbound_time = ? WHERE unbound_time IS NULL", NOW + round_)
        assert await shop.ask(USER, OPEN, was_asked=False) == ProfileNeeded()
    assert len(set(members)) == 3
    assert counts(shop.folder, *PEOPLE) == {"es_member": 3, "es_connect": 3, "es_connect_alias": 6}


@pytest.mark.breaks("alias_without_connection")
@pytest.mark.parametrize(
    "end", ["UPDATE es_connect SET unbound_time = 5", "DELETE FROM es_connect"], ids=["unbound", "deleted"]
)
async def test_a_connection_ended_by_hand_leaves_nothing_in_the_way(shop: Shop, end: str) -> None:
    """Whoever ends a connection in the database alone leaves its ids behind; they match nobody and hinder nobody."""
    old = await shop.log_in(USER, OPEN)
    shop.rows(end)
    new = await shop.log_in(USER, OPEN)
    assert new.member.id != old.member.id
    assert new.connect_id != old.connect_id
    assert (await shop.log_in(OPEN, was_asked=False)).member.id == new.member.id
    stray = shop.rows("SELECT connect_id FROM es_connect_alias WHERE unbound_time IS NULL")
    assert {row["connect_id"] for row in stray} == {new.connect_id}


async def test_a_connection_bound_anew_by_another_system_is_adopted(shop: Shop) -> None:
    """Another system ends our row and writes one of its own for the same person."""
    await shop.log_in(USER, OPEN)
    shop.rows("UPDATE es_connect SET unbound_time = 5")
    shop.add_member(50)
    shop.adopt(60, 50, "ALIPAY", USER.value)
    resolved = await shop.log_in(USER, OPEN, was_asked=False)
    assert (resolved.member.id, resolved.connect_id) == (50, 60)


# members


async def test_a_famous_nickname_is_nobodys_account(shop: Shop) -> None:
    """A person called like an existing member gets an account of their own, with a name of its own."""
    shop.add_member(1, nickname="admin")
    shop.rows("UPDATE es_member SET uname = 'admin'")
    names = {
        (await shop.log_in(PersonId.user_id(f"2088{n}"), profile=Profile.of(nickname="admin"))).member
        for n in range(20)
    }
    assert 1 not in {member.id for member in names}
    assert len({member.uname for member in names}) == 20
    assert {member.nickname for member in names} == {"admin"}


async def test_a_disabled_member_is_refused_and_nothing_written(shop: Shop) -> None:
    """Known by an id, refused before the vendor is asked for the profile, never registered again, no id added."""
    await shop.log_in(OPEN)
    shop.rows("UPDATE es_member SET disabled = 1")
    shop.add_member(2, disabled=1)
    shop.adopt(2, 2, "ALIPAY", "2088-old")
    before = [shop.rows(f"SELECT * FROM {table}") for table in PEOPLE]
    for ids in ((OPEN,), (USER, OPEN), (PersonId.user_id("2088-old"),)):
        for was_asked in (False, True):
            with pytest.raises(MemberDisabled):
                await shop.ask(*ids, profile=LIHUA, was_asked=was_asked, now=NOW + 90 * DAY)
    assert [shop.rows(f"SELECT * FROM {table}") for table in PEOPLE] == before


@pytest.mark.breaks("connection_without_member")
async def test_a_connection_without_its_member_is_refused(shop: Shop) -> None:
    """No other member is fallen back to, not even the next one registered, and nothing is mended on the quiet."""
    await shop.log_in(USER)
    shop.rows("DELETE FROM es_member")
    assert (await shop.log_in(PersonId.user_id("2088-next"))).member.id != 1
    with pytest.raises(MemberDisabled):
        await shop.ask(USER)
    assert counts(shop.folder, "es_member") == {"es_member": 1}


# profiles


async def test_a_profile_follows_only_what_the_member_never_edited(shop: Shop) -> None:
    """Display fields follow the vendor until the member edits one, blank included; everything else is out of reach."""
    await shop.log_in(USER, profile=LIHUA)
    shop.rows("UPDATE es_member SET nickname = '小李', face = '', uname = 'lihua'")
    told = Profile.of(nickname="Hua", face="https://img.example/2.png", sex=0, province="北京", city="北京")
    member = (await shop.log_in(USER, profile=told, now=NOW + 31 * DAY)).member
    assert (member.nickname, member.face, member.sex, member.city) == ("小李", "", 0, "北京")
    [row] = shop.rows("SELECT uname, nickname, face, sex, province, disabled FROM es_member")
    assert tuple(row.values()) == ("lihua", "小李", "", 0, "北京", 0)


async def test_a_vendor_that_falls_silent_is_followed_again_later(shop: Shop) -> None:
    """What the vendor once told is remembered per field, so an empty profile between is not taken for an edit."""
    await shop.log_in(USER, profile=LIHUA)
    for day, told in ((31, Profile()), (62, None)):
        await shop.log_in(USER, profile=told, now=NOW + day * DAY)
    member = (await shop.log_in(USER, profile=Profile.of(nickname="李小华"), now=NOW + 93 * DAY)).member
    assert (member.nickname, member.city) == ("李小华", "杭州市")


@pytest.mark.parametrize("told", [None, Profile(), Profile(mobile="13800000001")])
async def test_a_profile_that_was_refused_is_asked_for_again_tomorrow(shop: Shop, told: Profile | None) -> None:
    """Registered on the id alone the member is called by the account's name, until the vendor tells another."""
    first = (await shop.log_in(USER, profile=told)).member
    assert first.nickname == first.uname
    assert await shop.ask(USER, was_asked=False, now=NOW + DAY) is not None
    assert await shop.ask(USER, was_asked=False, now=NOW + DAY + 1) == ProfileNeeded()
    assert (await shop.log_in(USER, profile=LIHUA, now=NOW + DAY + 1)).member.nickname == "李华"
    assert await shop.ask(USER, was_asked=False, now=NOW + 31 * DAY) is not None


async def test_a_phone_number_is_filled_in_once_and_not_kept_in_the_profile(shop: Shop) -> None:
    """A verified number fills an empty field, replaces none, and may come with any login."""
    await shop.log_in(USER, profile=LIHUA)
    assert (
        await shop.log_in(USER, profile=Profile(mobile="13800000001"), was_asked=False)
    ).member.mobile == "13800000001"
    assert (
        await shop.log_in(USER, profile=Profile(mobile="13900000009"), was_asked=False)
    ).member.mobile == "13800000001"
    await shop.log_in(PersonId.user_id("2088-other"), profile=Profile(mobile="13800000002"))
    kept = shop.rows(
        "SELECT m.mobile, m.nickname, c.profile FROM es_member m JOIN es_connect c ON c.member_id = m.id ORDER BY m.id"
    )
    assert [row["mobile"] for row in kept] == ["13800000001", "13800000002"]
    assert kept[0]["nickname"] == "李华"
    assert not [row for row in kept if "13800000" in row["profile"]]


@pytest.mark.parametrize(
    ("nickname", "shown"),
    [
        ("🙂" * 10_000, "🙂" * 64),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("a\x00\u202eb\n", "ab"),
        (" \u3000 ", ""),
    ],
    ids=["10000", "family", "controls", "blank"],
)
async def test_any_nickname_logs_in(shop: Shop, nickname: str, shown: str) -> None:
    """Emoji, ten thousand of them, control characters: the login works and the name is cut, at every login."""
    for day in (0, 31):
        resolved = await shop.log_in(USER, profile=Profile.of(nickname=nickname), now=NOW + day * DAY)
        assert resolved.member.nickname == (shown or resolved.member.uname)
