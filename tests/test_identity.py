"""Who a person is: ids kept byte for byte or refused, profiles cleaned for display, what a second answer may add."""

import json
from typing import Any

import pytest

from connect_core.errors import ProviderBadResponse
from connect_core.identity import ClientType, Identity, IdKind, PersonId, Profile, exact_id

from .kit.canaries import CANARY, every_text

USER = PersonId.user_id("2088")
UNION = PersonId.union_id("union")
OPEN = PersonId.open_id("open", "app")


# ids


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "007",
        "2088102150527498",
        "id ",
        " id",
        "ID",
        "\ufeffid",
        "é",
        "e\u0301",
        "李华",
        "🙂",
        "a\u200bb",
        "x" * 255,
        "李" * 255,
    ],
)
def test_an_id_is_kept_byte_for_byte(text: str) -> None:
    """Nothing is trimmed, folded or normalised: two ids that differ in one byte are two persons."""
    assert exact_id(text, "sub") == text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("0", "0"),
        ("-7", "-7"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551616", "18446744073709551616"),
        ("9" * 255, "9" * 255),
    ],
)
def test_a_whole_number_keeps_its_exact_digits(sent: str, text: str) -> None:
    """Numbers beyond 2^53 come out as they stood in the JSON."""
    assert exact_id(json.loads(sent), "id") == text


NO_TEXT: list[object] = [None, True, False, 1.0, 1e20, b"id", [], ["id"], {}]
NO_ID = ["", " ", "\t\n", "\u3000", "x" * 256, "a\0b", "\0", "a\ud800", "\udc00", 10**255, -(10**255)]
TOO_LONG = 10**6000  # has more digits than Python turns into text


@pytest.mark.parametrize("value", [*NO_TEXT, *NO_ID, TOO_LONG], ids=lambda value: type(value).__name__)
def test_what_is_no_id_is_refused(value: object) -> None:
    """Anything but a non-blank text of at most 255 characters, or a whole number, ends the login."""
    with pytest.raises(ProviderBadResponse, match=r"^sub is not an id$"):
        exact_id(value, "sub")
    for make in (PersonId.user_id, PersonId.union_id, lambda one: PersonId.open_id(one, "app")):
        with pytest.raises(ProviderBadResponse):
            make(value)


def test_an_ids_value_is_not_told() -> None:
    """Neither a refusal, with all that hangs on it, nor a repr shows what a person is called at a vendor."""
    for value in (f"{CANARY}\ud800", f"{CANARY}\0", CANARY * 30):
        with pytest.raises(ProviderBadResponse) as caught:
            exact_id(value, "sub")
        assert CANARY not in every_text(caught.value)
    profile = Profile(mobile=CANARY)
    person = Identity("ACME", (PersonId.user_id(CANARY),), "app", profile, grant=CANARY)
    assert CANARY not in repr(person)


def test_an_id_knows_its_kind_and_scope() -> None:
    """User ids hold vendor-wide, open ids for one app, union ids as the provider says."""
    assert (USER.kind, USER.value, USER.scope) == (IdKind.USER_ID, "2088", "")
    assert (UNION.kind, UNION.scope) == (IdKind.UNION_ID, "")
    assert PersonId.union_id(7, "https://issuer") == PersonId(IdKind.UNION_ID, "7", "https://issuer")
    assert (OPEN.kind, OPEN.scope) == (IdKind.OPEN_ID, "app")
    with pytest.raises(ProviderBadResponse):
        PersonId(IdKind.USER_ID, " ")


def test_client_types_and_kinds_are_the_words_of_the_contract() -> None:
    """These words stand in URLs, configuration and columns."""
    assert [*ClientType] == ["pc", "h5", "app", "mini"]
    assert [*IdKind] == ["union_id", "user_id", "open_id"]


# profiles


@pytest.mark.parametrize("value", [None, 7, 1.5, True, b"name", ["name"], {"name": 1}])
def test_what_is_no_text_becomes_empty(value: Any) -> None:
    """A vendor's odd answer costs the field, not the login."""
    assert Profile.of(nickname=value, face=value, province=value, city=value, mobile=value) == Profile()


@pytest.mark.parametrize(("sex", "kept"), [(1, 1), (0, 0), (2, None), (-1, None), (None, None)])
def test_sex_is_one_zero_or_unknown(sex: int | None, kept: int | None) -> None:
    """Other numbers mean unknown."""
    assert Profile.of(sex=sex).sex == kept


# identities


def test_an_identity_has_an_id() -> None:
    """An answer without any id is no person."""
    with pytest.raises(ProviderBadResponse):
        Identity("ACME", (), "app")
    assert Identity("ACME", (UNION, OPEN), "app").strongest is UNION


def test_a_profile_adds_ids_strongest_first() -> None:
    """Ids that only the second answer names take their place; the rest of the identity stays."""
    known = Identity("ACME", (OPEN,), "app", grant="token")
    profile = Profile(nickname="李华")
    full = known.with_profile(profile, (OPEN, UNION, USER))
    assert full.ids == (USER, UNION, OPEN)
    assert (full.union_type, full.app_id, full.profile, full.grant) == ("ACME", "app", profile, "token")
    assert known.ids == (OPEN,)
    assert known.profile is None


def test_a_profile_without_news_keeps_the_providers_order() -> None:
    """The provider said which id is strongest; nothing new is no reason to sort."""
    known = Identity("ACME", (UNION, USER), "app")
    assert known.with_profile(Profile()).ids == (UNION, USER)
    assert known.with_profile(Profile(), (USER, UNION)).ids == (UNION, USER)


def test_ids_of_one_kind_and_several_scopes_stand_together() -> None:
    """A person has one open id for each app; an id named twice is one id."""
    other = PersonId.open_id("open2", "app2")
    assert Identity("ACME", (OPEN,), "app").with_profile(Profile(), (other, UNION, other)).ids == (UNION, OPEN, other)


@pytest.mark.parametrize(
    "ids",
    [
        (PersonId.open_id(CANARY, "app"),),
        (PersonId.open_id("OPEN", "app"),),
        (PersonId.open_id("open ", "app"),),
        (PersonId.union_id("a"), PersonId.union_id(CANARY)),
    ],
)
def test_a_profile_of_another_person_is_refused(ids: tuple[PersonId, ...]) -> None:
    """An id that differs in one byte from the known one of its kind and scope fails the login."""
    with pytest.raises(ProviderBadResponse) as caught:
        Identity("ACME", (OPEN,), "app").with_profile(Profile(), ids)
    assert CANARY not in every_text(caught.value)
