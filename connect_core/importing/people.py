"""What the rows of Javashop's `es_connect` say about persons. Values only: no query, no clock.

A row holds an id and a type, never the kind of the id or its app. Web logins of all generations write Alipay's user id,
WeChat's union id and Weibo's uid; QQ's openid on the web and its union id from apps stand under one type. Since 7.2 the
openids of each client have rows of their own beside the login row; none of them ever was a way in.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connect_core.errors import ProviderBadResponse
from connect_core.identity import ID_MAX, STRENGTH, IdKind, PersonId, exact_id
from connect_core.importing.report import Cause, ImportReport

COLUMNS = ("member_id", "union_id", "union_type", "unbound_time")
TABLE = "es_connect"
_LOGINS = {"ALIPAY": IdKind.USER_ID, "WECHAT": IdKind.UNION_ID, "WEIBO": IdKind.USER_ID}
_OPEN_IDS = {"WECHAT_OPENID": "WECHAT", "WECHAT_APP": "WECHAT", "QQ_OPENID": "QQ", "QQ_APP": "QQ"}
TYPES = {**{name: name for name in (*_LOGINS, "QQ")}, **_OPEN_IDS, "WECHAT_MINI": "WECHAT", "APPLEID": "APPLE"}
"""Javashop's union types, and ours."""
OPEN_ID_TYPES = ("QQ", "WECHAT_MINI", *_OPEN_IDS)
"""Those whose rows may hold an openid."""
_APPLE_ID = re.compile(r"\d{6}\.[0-9a-f]{32}\.\d{4}")
_QQ_UNION_ID = "UID_"


@dataclass(frozen=True, slots=True)
class OldRow:
    """A row of `es_connect` that is bound."""

    row_id: int
    member_id: int
    old_type: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OldPerson:
    """Who a member is with one vendor: the ids, strongest first, each with its row."""

    member_id: int
    union_type: str
    ids: tuple[tuple[int, PersonId], ...]

    @property
    def strongest(self) -> PersonId:
        """The id for `es_connect.union_id`."""
        return self.ids[0][1]

    def is_login(self, one: PersonId) -> bool:
        """Whether the person logged in by this id: it is the strongest, or as lasting as that."""
        return one.kind is not IdKind.OPEN_ID or one == self.strongest


def read_rows(rows: Iterable[Mapping[str, Any]], report: ImportReport) -> list[OldRow]:
    """Return the rows that are bound and readable; the others go into the report."""
    kept = []
    for row in rows:
        report.connections["read"] += 1
        if row["unbound_time"]:
            report.connections["history"] += 1
            report.connections["history_with_id"] += bool(row["union_id"])
        elif cause := _get_mistake(row):
            report.refuse(cause, TABLE, row["id"])
        else:
            kept.append(OldRow(row["id"], row["member_id"], row["union_type"], str(row["union_id"])))
    return kept


def get_people(rows: Iterable[OldRow], app_ids: Mapping[str, str], report: ImportReport) -> dict[int, list[OldPerson]]:
    """Return the persons of every member; `app_ids` says whose openids a type of Javashop's holds."""
    of_member: dict[tuple[int, str], list[OldRow]] = defaultdict(list)
    for row in rows:
        of_member[row.member_id, TYPES[row.old_type]].append(row)
    found = [_get_person(*key, own, app_ids, report) for key, own in of_member.items()]
    people: dict[int, list[OldPerson]] = defaultdict(list)
    for person in _without_shared([one for one in found if one], report):
        people[person.member_id].append(person)
    return people


def _get_mistake(row: Mapping[str, Any]) -> Cause | None:
    value, old_type = row["union_id"], row["union_type"]
    text = "" if value is None else str(value)
    if old_type not in TYPES:
        return Cause.UNKNOWN_TYPE
    if not text.strip():
        return Cause.ID_BLANK
    if len(text) > ID_MAX:
        return Cause.ID_TOO_LONG
    if any(character.isspace() for character in text):
        return Cause.ID_WITH_BLANKS
    try:
        exact_id(text, "union_id")
    except ProviderBadResponse:
        return Cause.ID_UNSTORABLE
    if old_type == "APPLEID":
        return Cause.NEVER_VERIFIED
    if _APPLE_ID.fullmatch(text):
        return Cause.OTHER_VENDOR
    return None if isinstance(row["member_id"], int) else Cause.ORPHAN


def _get_person(
    member_id: int, union_type: str, rows: list[OldRow], app_ids: Mapping[str, str], report: ImportReport
) -> OldPerson | None:
    logins = {row.value for row in rows if row.old_type == union_type}
    ids: dict[PersonId, int] = {}
    for row in sorted(rows, key=lambda row: row.row_id):
        one = _get_id(row, logins, app_ids)
        if one is None:
            report.refuse(Cause.APP_ID_UNKNOWN, TABLE, row.row_id)
        elif one in ids:
            report.connections["repeated"] += 1
        else:
            ids[one] = row.row_id
    doors = [one for one in ids if _is_door(one, ids[one], rows)]
    if not doors:
        report.refuse(Cause.OPEN_ID_ALONE, TABLE, *ids.values())
        return None
    kinds = [(one.kind, one.scope) for one in ids]
    twice = [one for one in ids if kinds.count((one.kind, one.scope)) > 1]
    is_lost = bool(set(twice) & set(doors))
    report.refuse(Cause.TWO_IDS_OF_ONE_TYPE, TABLE, *(ids[one] for one in (ids if is_lost else twice)))
    if is_lost:
        return None
    kept = sorted(
        (one for one in ids if one not in twice), key=lambda one: (STRENGTH.index(one.kind), one not in doors)
    )
    return OldPerson(member_id, union_type, tuple((ids[one], one) for one in kept))


def _is_door(one: PersonId, row_id: int, rows: list[OldRow]) -> bool:
    """Whether the old shop logged in by this id; its openid rows beside a login row were for payment alone."""
    return one.kind is not IdKind.OPEN_ID or any(row.row_id == row_id and row.old_type == "QQ" for row in rows)


def _get_id(row: OldRow, logins: set[str], app_ids: Mapping[str, str]) -> PersonId | None:
    kind = _LOGINS.get(row.old_type)
    if row.old_type == "QQ" and row.value.startswith(_QQ_UNION_ID):
        kind = IdKind.UNION_ID
    if row.old_type == "WECHAT_MINI" and (not logins or row.value in logins):
        # 7.2.2 wrote the union id here; later systems the mini program's openid, always beside a login row
        kind = IdKind.UNION_ID
    if kind is not None:
        return PersonId(kind, row.value)
    app_id = app_ids.get(row.old_type)
    return PersonId.open_id(row.value, app_id) if app_id else None


def _without_shared(people: list[OldPerson], report: ImportReport) -> Iterable[OldPerson]:
    """Leave out ids that more than one member has: nobody can tell whose they are."""
    owners: dict[tuple[str, PersonId], int] = {}
    contested = set()
    for person in people:
        for _, one in person.ids:
            if owners.setdefault((person.union_type, one), person.member_id) != person.member_id:
                contested.add((person.union_type, one))
    for person in people:
        shared = [one for _, one in person.ids if (person.union_type, one) in contested]
        is_lost = any(person.is_login(one) for one in shared)
        out = [row_id for row_id, one in person.ids if is_lost or one in shared]
        report.refuse(Cause.ID_OF_TWO_MEMBERS, TABLE, *out)
        if not is_lost:
            yield replace(person, ids=tuple(pair for pair in person.ids if pair[1] not in shared)) if shared else person
