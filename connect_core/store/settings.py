"""Queries about settings that change at run time (`es_connect_setting`), and their revisions.

A value holds from its revision on. Revisions that were active are never deleted; a value is written again only to be
sealed with another key. Knows nothing of what is sealed in a value.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import Setting, SettingChange, table_of

DRAFT, ACTIVE, DISCARDED = "draft", "active", "discarded"
_SETTING, _CHANGE = table_of(Setting), table_of(SettingChange)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting from `revision` on. `value` is sealed; None: the setting was taken away."""

    section: str
    name: str
    revision: int
    value: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A revision. `changes` is JSON, without secrets; times are epoch seconds, and `active_time` is that of a state."""

    revision: int
    base: int
    state: str
    actor: str
    comment: str
    changes: str
    request_id: str
    create_time: int
    active_time: int | None


_ROW = tuple(SettingRow.__dataclass_fields__)
_CHANGE_ROW = tuple(ChangeRow.__dataclass_fields__)
_FIND_ACTIVE = Statement(
    select(_CHANGE.c.revision).where(_CHANGE.c.state == ACTIVE).order_by(_CHANGE.c.revision.desc()).limit(1)
)
_FIND_CHANGE = Statement(
    select(*(_CHANGE.c[name] for name in _CHANGE_ROW)).where(_CHANGE.c.revision == bindparam("wanted"))
)
_FIND_CHANGES = Statement(
    select(*(_CHANGE.c[name] for name in _CHANGE_ROW))
    .where(_CHANGE.c.revision < bindparam("before"))
    .order_by(_CHANGE.c.revision.desc())
    .limit(bindparam("most"))
)
_FIND_VALUES = Statement(
    select(*(_SETTING.c[name] for name in _ROW))
    .join(_CHANGE, _CHANGE.c.revision == _SETTING.c.revision)
    .where(
        or_(
            and_(_CHANGE.c.state == ACTIVE, _SETTING.c.revision <= bindparam("base")),
            _SETTING.c.revision == bindparam("wanted"),
        )
    )
    .order_by(_SETTING.c.revision)
)
_FIND_HIGHEST = Statement(select(func.max(_CHANGE.c.revision)))
_INSERT_CHANGE = Statement(insert_into(_CHANGE, *_CHANGE_ROW))
_INSERT_VALUE = Statement(insert_into(_SETTING, *_ROW, "actor", "update_time"))
_ACTIVATE = Statement(
    update(_CHANGE)
    .where(_CHANGE.c.revision == bindparam("wanted"), _CHANGE.c.state == DRAFT)
    .values(state=ACTIVE, active_base=_CHANGE.c.base, active_time=bindparam("now"))
)
_DISCARD = Statement(
    update(_CHANGE).where(_CHANGE.c.revision == bindparam("wanted"), _CHANGE.c.state == DRAFT).values(state=DISCARDED)
)
_FIND_UNUSED = Statement(
    select(_CHANGE.c.revision)
    .where(
        _CHANGE.c.state != ACTIVE,
        _CHANGE.c.create_time < bindparam("before"),
        _CHANGE.c.revision < bindparam("highest"),
    )
    .order_by(_CHANGE.c.revision)
    .limit(bindparam("most"))
)
_DELETE_CHANGE = Statement(delete(_CHANGE).where(_CHANGE.c.revision == bindparam("wanted"), _CHANGE.c.state != ACTIVE))
_DELETE_VALUES = Statement(delete(_SETTING).where(_SETTING.c.revision == bindparam("wanted")))


def find_active(transaction: Transaction) -> int:
    """Return the revision that is active; 0 when there is none, and the file alone holds."""
    return int(_FIND_ACTIVE.scalar(transaction) or 0)


def find_change(transaction: Transaction, revision: int) -> ChangeRow | None:
    """Return a revision, or None."""
    row = _FIND_CHANGE.first(transaction, wanted=revision)
    return ChangeRow(*row) if row else None


def find_changes(transaction: Transaction, limit: int, before: int = 0) -> list[ChangeRow]:
    """Return at most `limit` revisions, the latest first; those below `before` if given."""
    return [ChangeRow(*row) for row in _FIND_CHANGES.all(transaction, before=before or 2**62, most=limit)]


def find_values(transaction: Transaction, base: int, revision: int = 0) -> list[SettingRow]:
    """Return the settings of the active revisions up to `base`, and then those of `revision`, which may be a draft.

    A later row of a setting holds, and an earlier one does not.
    """
    return [SettingRow(*row) for row in _FIND_VALUES.all(transaction, base=base, wanted=revision)]


def find_next_revision(transaction: Transaction) -> int:
    """Return the number of the next revision. Of two that insert it at once, one loses and runs again."""
    return int(_FIND_HIGHEST.scalar(transaction) or 0) + 1


def insert_revision(transaction: Transaction, change: ChangeRow, values: Iterable[SettingRow]) -> None:
    """Insert a revision with its values."""
    _INSERT_CHANGE.run(transaction, **{name: getattr(change, name) for name in _CHANGE_ROW})
    rows = [{name: getattr(row, name) for name in _ROW} for row in values]
    _INSERT_VALUE.run_many(
        transaction, [{**row, "actor": change.actor, "update_time": change.create_time} for row in rows]
    )


def activate(transaction: Transaction, revision: int, now: int) -> bool:
    """Make a draft active at `now` (epoch seconds); False when it is no draft any more.

    Its base must be the active revision. Of two drafts with one base that are made active at once, one gets an
    integrity error, and runs again.
    """
    return _ACTIVATE.run(transaction, wanted=revision, now=now) == 1


def discard(transaction: Transaction, revision: int) -> bool:
    """Discard a draft; False when it is no draft any more."""
    return _DISCARD.run(transaction, wanted=revision) == 1


def delete_unused(transaction: Transaction, before: int, limit: int) -> int:
    """Delete at most `limit` revisions, made before `before` (epoch seconds), that were never active; returns how many.

    The latest revision stays: its number would be given out again.
    """
    highest = int(_FIND_HIGHEST.scalar(transaction) or 0)
    rows = _FIND_UNUSED.all(transaction, before=before, highest=highest, most=limit)
    deleted = [revision for (revision,) in rows if _DELETE_CHANGE.run(transaction, wanted=revision) == 1]
    for revision in deleted:
        _DELETE_VALUES.run(transaction, wanted=revision)
    return len(deleted)
