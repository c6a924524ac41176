"""What a row of Javashop's `es_connect` says about a person, per type and generation, and what it does not say."""

from collections.abc import Iterable
from typing import Any

import pytest

from connect_core.identity import IdKind, PersonId
from connect_core.importing.gathering import gather, read_rest, take_people
from connect_core.importing.report import Cause, ImportReport
from connect_core.store.staging import Staging

APPS = {"WECHAT_OPENID": "wx-oa", "WECHAT_APP": "wx-app", "WECHAT_MINI": "wx-mini", "QQ": "101", "QQ_OPENID": "101"}
Row = tuple[int, int, str | None, object]


def get(rows: Iterable[Row]) -> tuple[dict[tuple[int, str], tuple[PersonId, ...]], ImportReport]:
    """The persons that rows (id, member, type, union id) come to, and what could not be mapped."""
    report = ImportReport(dry_run=True)
    named = [
        {"id": row[0], "member_id": row[1], "union_type": row[2], "union_id": row[3], "unbound_time": None}
        for row in rows
    ]
    with Staging() as staging:
        gather([named], staging, APPS, report)
        people = list(read_rest(staging, report))
    return {
        (person.member_id, person.union_type): tuple(person_id for _, person_id in person.ids) for person in people
    }, report


def refused(report: ImportReport) -> dict[Cause, list[int]]:
    """Rows that could not be mapped, by cause."""
    return {cause: [row_id for _, row_id in rows] for cause, rows in report.unmapped.items()}


@pytest.mark.parametrize(
    ("old_type", "value", "union_type", "expected"),
    [
        ("ALIPAY", "2088102104794936", "ALIPAY", PersonId.user_id("2088102104794936")),
        ("ALIPAY", 2088102104794936, "ALIPAY", PersonId.user_id("2088102104794936")),
        ("WECHAT", "oUnion", "WECHAT", PersonId.union_id("oUnion")),
        ("WECHAT_MINI", "oUnion", "WECHAT", PersonId.union_id("oUnion")),
        ("WEIBO", "1404376560", "WEIBO", PersonId.user_id("1404376560")),
        ("QQ", "5F2A", "QQ", PersonId.open_id("5F2A", "101")),
        ("QQ", "UID_5F2A", "QQ", PersonId.union_id("UID_5F2A")),
    ],
)
def test_a_login_row_is_one_id_of_its_kind_and_scope(
    old_type: str, value: object, union_type: str, expected: PersonId
) -> None:
    """The kind is the vendor's: user id, union id, or an openid with the app it is for."""
    people, report = get([(1, 7, old_type, value)])
    assert people == {(7, union_type): (expected,)}
    assert report.is_complete


def test_openid_rows_join_the_login_row_each_with_its_app() -> None:
    """Four rows of the unified login are one person; a mini program's id other than the union id is an openid."""
    rows = [
        (1, 7, "WECHAT_OPENID", "o-oa"),
        (2, 7, "WECHAT", "oUnion"),
        (3, 7, "WECHAT_APP", "o-app"),
        (4, 7, "WECHAT_MINI", "o-mini"),
    ]
    people, report = get(rows)
    assert people[7, "WECHAT"][0] == PersonId.union_id("oUnion")
    assert set(people[7, "WECHAT"][1:]) == {
        PersonId.open_id("o-oa", "wx-oa"),
        PersonId.open_id("o-app", "wx-app"),
        PersonId.open_id("o-mini", "wx-mini"),
    }
    assert report.is_complete


def test_a_mini_row_with_the_union_id_again_is_a_repetition() -> None:
    """7.2.2 wrote the union id for the mini program as well; Apple's rows once came twice."""
    people, report = get([(1, 7, "WECHAT", "oUnion"), (2, 7, "WECHAT_MINI", "oUnion"), (3, 7, "WECHAT", "oUnion")])
    assert people == {(7, "WECHAT"): (PersonId.union_id("oUnion"),)}
    assert (report.connections["repeated"], report.is_complete) == (2, True)


def test_qq_of_web_and_app_is_one_person_of_one_member() -> None:
    """Both stand under one type: the union id is the stronger one."""
    people, _ = get([(1, 7, "QQ", "5F2A"), (2, 7, "QQ", "UID_5F2A")])
    assert people == {(7, "QQ"): (PersonId.union_id("UID_5F2A"), PersonId.open_id("5F2A", "101"))}


def test_an_openid_that_equals_a_union_id_is_another_id() -> None:
    """The kind is part of the key, so the two members are not one another's."""
    people, report = get([(1, 7, "WECHAT", "same"), (2, 8, "WECHAT", "other"), (3, 8, "WECHAT_OPENID", "same")])
    assert people[7, "WECHAT"] == (PersonId.union_id("same"),)
    assert people[8, "WECHAT"] == (PersonId.union_id("other"), PersonId.open_id("same", "wx-oa"))
    assert report.is_complete


@pytest.mark.parametrize(
    ("old_type", "value", "cause"),
    [
        ("ALIPAY", "", Cause.ID_BLANK),
        ("ALIPAY", None, Cause.ID_BLANK),
        ("ALIPAY", " \t", Cause.ID_BLANK),
        ("ALIPAY", "2088 1", Cause.ID_WITH_BLANKS),
        ("ALIPAY", "2088\u00a0", Cause.ID_WITH_BLANKS),
        ("ALIPAY", "2" * 256, Cause.ID_TOO_LONG),
        ("WECHAT", "o\0", Cause.ID_UNSTORABLE),
        ("DINGTALK", "x", Cause.UNKNOWN_TYPE),
        (None, "x", Cause.UNKNOWN_TYPE),
        ("alipay", "x", Cause.UNKNOWN_TYPE),
        ("APPLEID", "001234.0123456789abcdef0123456789abcdef.0123", Cause.NEVER_VERIFIED),
        ("ALIPAY", "001234.0123456789abcdef0123456789abcdef.0123", Cause.OTHER_VENDOR),
        ("QQ_APP", "5F2A", Cause.APP_ID_UNKNOWN),
        ("WECHAT_OPENID", "o-oa", Cause.OPEN_ID_ALONE),
    ],
)
def test_what_cannot_be_mapped_is_told_with_its_cause(old_type: str, value: object, cause: Cause) -> None:
    """Nothing is guessed, and an id of blanks is nobody's."""
    people, report = get([(1, 7, old_type, value)])
    assert people == {}
    assert cause in refused(report)
    assert 1 in refused(report)[cause]


def test_an_id_of_255_characters_is_taken() -> None:
    """The limit is that of the column, and of no vendor."""
    assert get([(1, 7, "ALIPAY", "2" * 255)])[1].is_complete


def test_an_id_of_two_members_is_nobodys() -> None:
    """All rows of it are left out, with what stands beside them; other persons of these members are not."""
    rows = [
        (1, 7, "WECHAT", "oUnion"),
        (2, 7, "WECHAT_OPENID", "o-7"),
        (3, 8, "WECHAT_MINI", "oUnion"),
        (4, 8, "ALIPAY", "2088"),
    ]
    people, report = get(rows)
    assert people == {(8, "ALIPAY"): (PersonId.user_id("2088"),)}
    assert refused(report) == {Cause.ID_OF_TWO_MEMBERS: [1, 2, 3]}


def test_an_openid_of_two_members_harms_neither_login() -> None:
    """Old caches wrote one openid beside two logins; only that openid is left out."""
    rows = [
        (1, 7, "WECHAT", "u7"),
        (2, 7, "WECHAT_OPENID", "o"),
        (3, 8, "WECHAT", "u8"),
        (4, 8, "WECHAT_OPENID", "o"),
    ]
    people, report = get(rows)
    assert people == {(7, "WECHAT"): (PersonId.union_id("u7"),), (8, "WECHAT"): (PersonId.union_id("u8"),)}
    assert refused(report) == {Cause.ID_OF_TWO_MEMBERS: [2, 4]}


def test_two_persons_of_one_vendor_are_left_to_the_shop() -> None:
    """A member has one connection of a type; which one it is to be nobody can tell from the rows."""
    people, report = get([(1, 7, "ALIPAY", "2088"), (2, 7, "ALIPAY", "2099"), (3, 7, "WEIBO", "1")])
    assert people == {(7, "WEIBO"): (PersonId.user_id("1"),)}
    assert refused(report) == {Cause.TWO_IDS_OF_ONE_TYPE: [1, 2]}


def test_two_openids_of_one_app_leave_the_login_alone() -> None:
    """Only the openids contradict each other."""
    people, report = get([(1, 7, "WECHAT", "u"), (2, 7, "WECHAT_OPENID", "a"), (3, 7, "WECHAT_OPENID", "b")])
    assert people == {(7, "WECHAT"): (PersonId.union_id("u"),)}
    assert refused(report) == {Cause.TWO_IDS_OF_ONE_TYPE: [2, 3]}


def test_ids_are_kept_byte_for_byte() -> None:
    """Upper and lower case are two persons, whatever the old table's collation said."""
    people, report = get([(1, 7, "WECHAT", "oAb"), (2, 8, "WECHAT", "oaB")])
    assert [ids[0].value for ids in people.values()] == ["oAb", "oaB"]
    assert report.is_complete


def test_every_row_is_counted_once() -> None:
    """Read is what was kept, repeated, left behind as history, and refused."""
    report = ImportReport(dry_run=True)
    rows: list[dict[str, Any]] = [
        {"id": 1, "member_id": 7, "union_type": "ALIPAY", "union_id": "2088", "unbound_time": None},
        {"id": 2, "member_id": 7, "union_type": "ALIPAY", "union_id": "2088", "unbound_time": 0},
        {"id": 3, "member_id": 7, "union_type": "ALIPAY", "union_id": "", "unbound_time": 1_600_000_000},
        {"id": 4, "member_id": 7, "union_type": "WEIBO", "union_id": "1", "unbound_time": 1_600_000_000},
        {"id": 5, "member_id": 7, "union_type": "X", "union_id": "1", "unbound_time": None},
    ]
    with Staging() as staging:
        gather([rows], staging, APPS, report)
        [person] = take_people(staging, [7], report)[7]
    assert [person_id.kind for _, person_id in person.ids] == [IdKind.USER_ID]
    counts = report.connections
    assert (counts["read"], counts["history"], counts["history_with_id"], counts["repeated"]) == (5, 2, 1, 1)
    assert refused(report) == {Cause.UNKNOWN_TYPE: [5]}
