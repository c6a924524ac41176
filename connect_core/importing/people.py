"""Reads from the rows of Javashop's `es_connect` which persons a member is. Values only: no query, no clock.

A row holds an id and a type, but neither the kind of the id nor its app. Web logins of every version write Alipay's
user id, WeChat's union id and Weibo's uid. QQ has one type for the open id of web logins and the union id of app
logins. From 7.2 on the open ids of each client have rows of their own beside the login row; Javashop never logged
anybody in by those.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connect_core.errors import ProviderBadResponse
from connect_core.identity import ID_MAX, STRENGTH, IdKind, PersonId, exact_id
from connect_core.importing.members import is_number
from connect_core.importing.report import Cause, ImportReport

COLUMNS = ("member_id", "union_id", "union_type", "unbound_time")
TABLE = "es_connect"
_LOGINS = {"ALIPAY": IdKind.USER_ID, "WECHAT": IdKind.UNION_ID, "WEIBO": IdKind.USER_ID}
_OPEN_IDS = {"WECHAT_OPENID": "WECHAT", "WECHAT_APP": "WECHAT", "QQ_OPENID": "QQ", "QQ_APP": "QQ"}
TYPES = {**{name: name for name in (*_LOGINS, "QQ")}, **_OPEN_IDS, "WECHAT_MINI": "WECHAT", "APPLEID": "APPLE"}
"""Javashop's union types, each with ours."""
OPEN_ID_TYPES = ("QQ", "WECHAT_MINI", *_OPEN_IDS)
"""The union types of Javashop's whose rows may hold an open id."""
_APPLE_ID = re.compile(r"\d{6}\.[0-9a-f]{32}\.\d{4}")
_QQ_UNION_ID = "UID_"


@dataclass(frozen=True, slots=True)
class OldRow:
    """A bound row of Javashop's `es_connect`; `old_type` is its union type as Javashop wrote it."""

    row_id: int
    member_id: int
    old_type: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OldPerson:
    """Who a member is with one vendor: the ids, strongest first, each after the id of its row."""

    member_id: int
    union_type: str
    ids: tuple[tuple[int, PersonId], ...]

    @property
    def strongest(self) -> PersonId:
        """The id that goes into `es_connect.union_id`."""
        return self.ids[0][1]

    def is_login(self, person_id: PersonId) -> bool:
        """Whether the old shop logged the person in by this id: any but an open id, or the strongest one."""
        return person_id.kind is not IdKind.OPEN_ID or person_id == self.strongest


def read_rows(rows: Iterable[Mapping[str, Any]], report: ImportReport) -> list[OldRow]:
    """Return the rows that are bound and readable, and record the others in `report`.

    `rows` have the keys `id` and `COLUMNS`.
    """
    readable = []
    for row in rows:
        report.connections["read"] += 1
        if row["unbound_time"]:
            report.connections["history"] += 1
            report.connections["history_with_id"] += bool(row["union_id"])
        elif cause := _get_mistake(row):
            report.refuse(cause, TABLE, row["id"])
        else:
            readable.append(OldRow(row["id"], row["member_id"], row["union_type"], str(row["union_id"])))
    return readable


def get_people(rows: Sequence[OldRow], app_ids: Mapping[str, str], report: ImportReport) -> list[OldPerson]:
    """Return the persons of the member whose `rows` these are, and record in `report` the rows that lead to none.

    `app_ids` maps a union type of Javashop's to the app id whose open ids its rows hold. Whether another member has an
    id as well is for `without_shared`.
    """
    rows_by_type: dict[str, list[OldRow]] = defaultdict(list)
    for row in rows:
        rows_by_type[TYPES[row.old_type]].append(row)
    candidates = [_get_person(union_type, rows, app_ids, report) for union_type, rows in rows_by_type.items()]
    return [candidate for candidate in candidates if candidate]


def without_shared(person: OldPerson, shared: Collection[PersonId], report: ImportReport) -> OldPerson | None:
    """Return the person without the ids that several members have: the rows do not tell whose such an id is.

    A person who logged in by a shared id is None.
    """
    if not shared:
        return person
    is_lost = any(person.is_login(person_id) for person_id in shared)
    refused = [row_id for row_id, person_id in person.ids if is_lost or person_id in shared]
    report.refuse(Cause.ID_OF_TWO_MEMBERS, TABLE, *refused)
    if is_lost:
        return None
    return replace(person, ids=tuple(pair for pair in person.ids if pair[1] not in shared))


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
    return None if is_number(row["member_id"]) else Cause.ORPHAN


def _get_person(
    union_type: str, rows: list[OldRow], app_ids: Mapping[str, str], report: ImportReport
) -> OldPerson | None:
    row_ids = _get_row_ids(union_type, rows, app_ids, report)
    logins = {person_id for person_id, row_id in row_ids.items() if _was_login(person_id, row_id, rows)}
    if not logins:
        report.refuse(Cause.OPEN_ID_ALONE, TABLE, *row_ids.values())
        return None
    kinds = [(person_id.kind, person_id.scope) for person_id in row_ids]
    ambiguous = [person_id for person_id in row_ids if kinds.count((person_id.kind, person_id.scope)) > 1]
    is_lost = not logins.isdisjoint(ambiguous)
    report.refuse(
        Cause.TWO_IDS_OF_ONE_TYPE, TABLE, *(row_ids[refused] for refused in (row_ids if is_lost else ambiguous))
    )
    if is_lost:
        return None
    clear = [person_id for person_id in row_ids if person_id not in ambiguous]
    clear.sort(key=lambda person_id: (STRENGTH.index(person_id.kind), person_id not in logins))
    return OldPerson(rows[0].member_id, union_type, tuple((row_ids[person_id], person_id) for person_id in clear))


def _get_row_ids(
    union_type: str, rows: list[OldRow], app_ids: Mapping[str, str], report: ImportReport
) -> dict[PersonId, int]:
    """Return the ids that the rows of one member and vendor hold, each with the first row that has it."""
    login_values = {row.value for row in rows if row.old_type == union_type}
    row_ids: dict[PersonId, int] = {}
    for row in sorted(rows, key=lambda row: row.row_id):
        person_id = _get_id(row, login_values, app_ids)
        if person_id is None:
            report.refuse(Cause.APP_ID_UNKNOWN, TABLE, row.row_id)
        elif person_id in row_ids:
            report.connections["repeated"] += 1
        else:
            row_ids[person_id] = row.row_id
    return row_ids


def _was_login(person_id: PersonId, row_id: int, rows: list[OldRow]) -> bool:
    """Whether the old shop logged in by this id; of its open ids only those of type QQ, the others served payment."""
    return person_id.kind is not IdKind.OPEN_ID or any(row.row_id == row_id and row.old_type == "QQ" for row in rows)


def _get_id(row: OldRow, login_values: set[str], app_ids: Mapping[str, str]) -> PersonId | None:
    kind = _LOGINS.get(row.old_type)
    if row.old_type == "QQ" and row.value.startswith(_QQ_UNION_ID):
        kind = IdKind.UNION_ID
    if row.old_type == "WECHAT_MINI" and (not login_values or row.value in login_values):
        # 7.2.2 wrote the union id here; later versions write the mini program's open id, always beside a login row
        kind = IdKind.UNION_ID
    if kind is not None:
        return PersonId(kind, row.value)
    app_id = app_ids.get(row.old_type)
    return PersonId.open_id(row.value, app_id) if app_id else None
