"""Ids that a vendor replaced when an app moved to another account: reads pairs of them and gives people the new ones.

A person keeps the connection, the member and everything else. A new id of the same kind and app takes the old one's
place; one of another app is added beside it, since both apps may be in use for a while. Prints no id.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from connect_core.errors import ProviderBadResponse, SettingsError
from connect_core.identity import STRENGTH, IdKind, PersonId, exact_id
from connect_core.store import Database, Transaction, connections, identities, moved_ids
from connect_core.store.identities import KnownPerson

PAGE = 200
"""Pairs in one transaction: so few that no login waits for it."""
LINES_SHOWN = 10
"""Lines of the file that a line of the report names; the JSON report has them all."""
Namespace = tuple[str, IdKind, str]
"""Union type, kind and scope of ids."""


class MoveCause(StrEnum):
    """Why a line of the file is left out; the value is what the JSON report calls it."""

    NOT_TWO_IDS = "not_two_ids"
    ID_UNUSABLE = "id_unusable"
    REPEATED = "repeated"
    AMBIGUOUS = "ambiguous"
    ID_TAKEN = "id_taken"
    APP_TAKEN = "app_taken"


WHY = {
    MoveCause.NOT_TWO_IDS: "the line has not two values, the old id and the new one",
    MoveCause.ID_UNUSABLE: "an id has blanks, more than 255 characters, or some that cannot be stored",
    MoveCause.REPEATED: "another line says something else about the same id",
    MoveCause.AMBIGUOUS: "several persons have this old id; name --union-type or --old-app-id",
    MoveCause.ID_TAKEN: "the new id leads to another member here, who logged in with it before this import",
    MoveCause.APP_TAKEN: "the person has another id of the new app already",
}
"""What the report says of each cause."""


@dataclass(frozen=True, slots=True)
class MovedId:
    """A line of the file."""

    line: int
    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MoveOptions:
    """Whose ids moved, and where to.

    `union_type` and `old_app_id` narrow down which ids are meant, each empty for all. `app_id` is the scope of the new
    ids, empty for that of the old ones; `kind` their kind, None for that of the old ones. `now` is in epoch seconds.
    """

    now: int
    union_type: str = ""
    old_app_id: str = ""
    app_id: str = ""
    kind: IdKind | None = None
    dry_run: bool = False


@dataclass
class MoveReport:
    """Counts so far, and the lines that were left out, each with its cause.

    A line counts as `moved`, as `already` moved before, or as `unknown` where nobody here has the old id.
    """

    dry_run: bool
    counts: Counter[str] = field(default_factory=Counter)
    refused: dict[MoveCause, list[int]] = field(default_factory=dict)

    def refuse(self, cause: MoveCause, line: int) -> None:
        """Record that a line is left out."""
        self.refused.setdefault(cause, []).append(line)

    @property
    def is_complete(self) -> bool:
        """Whether no line was left out."""
        return not self.refused

    def to_json(self) -> dict[str, Any]:
        """Return the report as data for JSON, with every line that was left out."""
        return {
            "dry_run": self.dry_run,
            "ids": {key: self.counts[key] for key in ("read", "moved", "already", "unknown")},
            "refused": [
                {"cause": cause, "why": WHY[cause], "lines": lines} for cause, lines in sorted(self.refused.items())
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines of the report as text."""
        counts, verb = self.counts, "would be moved" if self.dry_run else "moved"
        yield (
            f"ids: {counts['read']} read, {counts['moved']} {verb}, {counts['already']} were moved before, "
            f"{counts['unknown']} are nobody's here"
        )
        for cause, lines in sorted(self.refused.items()):
            yield f"{cause}: {len(lines)} left out: {WHY[cause]}"
            names = ", ".join(f"line {line}" for line in sorted(lines)[:LINES_SHOWN])
            yield f"  {names}{' ...' if len(lines) > LINES_SHOWN else ''}"


def read_file(path: Path, report: MoveReport) -> list[MovedId]:
    """Return the usable pairs of a CSV file, and record the other lines in `report`.

    The columns are the old id and the new one, or as a first line says that begins with `old` and `new` in any order.
    They are separated by commas, semicolons or tabs. Raises `SettingsError` for a file that cannot be read.
    """
    try:
        text = path.read_text("utf-8-sig")
        first = text.partition("\n")[0]
        delimiter = next((mark for mark in "\t;," if mark in first), ",")
        reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
        rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError([f"--from: {path} cannot be read as CSV in UTF-8: {type(error).__name__}"]) from None
    columns = _find_columns(rows[0][1]) if rows else None
    pairs = []
    for line, row in rows[1:] if columns else rows:
        report.counts["read"] += 1
        cause, pair = _read_row(line, row, columns)
        if pair is None:
            report.refuse(cause, line)
        else:
            pairs.append(pair)
    return list(_without_repeats(pairs, report))


def _find_columns(row: Sequence[str]) -> tuple[int, int] | None:
    """Return where a heading has the old id and the new one; None for a row that is none."""
    names = [cell.strip().lower() for cell in row]
    old = next((place for place, name in enumerate(names) if name.startswith(("old", "ori"))), None)
    new = next((place for place, name in enumerate(names) if name.startswith("new")), None)
    return None if old is None or new is None else (old, new)


def _read_row(line: int, row: Sequence[str], columns: tuple[int, int] | None) -> tuple[MoveCause, MovedId | None]:
    if columns is None and len(row) != 2:
        return MoveCause.NOT_TWO_IDS, None
    values = [row[place] if place < len(row) else "" for place in columns or (0, 1)]
    if not all(values):
        return MoveCause.NOT_TWO_IDS, None
    try:
        old, new = (exact_id(value, "id") for value in values)
    except ProviderBadResponse:
        return MoveCause.ID_UNUSABLE, None
    is_blank = any(character.isspace() for character in old + new)
    return MoveCause.ID_UNUSABLE, None if is_blank else MovedId(line, old, new)


def _without_repeats(pairs: Sequence[MovedId], report: MoveReport) -> Iterator[MovedId]:
    """Yield each pair once, and none of those that contradict another one."""
    olds: dict[str, set[str]] = {}
    news: dict[str, set[str]] = {}
    for pair in pairs:
        olds.setdefault(pair.old, set()).add(pair.new)
        news.setdefault(pair.new, set()).add(pair.old)
    seen = set()
    for pair in pairs:
        if len(olds[pair.old]) > 1 or len(news[pair.new]) > 1:
            report.refuse(MoveCause.REPEATED, pair.line)
        elif pair.old in seen:
            report.counts["already"] += 1
        else:
            seen.add(pair.old)
            yield pair


async def move_ids(
    pairs: Sequence[MovedId],
    database: Database,
    options: MoveOptions,
    report: MoveReport,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Give the new ids to the people who have the old ones, and count into `report`.

    `advance` is called with how many more pairs are done. A run that was killed can be repeated. Raises `SettingsError`
    when nobody has any id of the union type or app that `options` name, and `Unavailable` when the database is lost.
    """
    namespaces = _select(await database.read(moved_ids.find_namespaces), options)
    for start in range(0, len(pairs), PAGE):
        page = pairs[start : start + PAGE]

        def work(tx: Transaction, page: Sequence[MovedId] = page) -> list[tuple[MovedId, str | MoveCause]]:
            return [(pair, _move(tx, pair, namespaces, options)) for pair in page]

        # counted after the commit: a transaction may run again
        results = await (database.read(work) if options.dry_run else database.write(work, is_long=True))
        for pair, result in results:
            if isinstance(result, MoveCause):
                report.refuse(result, pair.line)
            else:
                report.counts[result] += 1
        advance(len(page))


def _select(namespaces: Iterable[Namespace], options: MoveOptions) -> list[Namespace]:
    narrowed = [
        namespace
        for namespace in sorted(namespaces)
        if options.union_type in ("", namespace[0]) and options.old_app_id in ("", namespace[2])
    ]
    if not narrowed and (options.union_type or options.old_app_id):
        raise SettingsError(["--union-type, --old-app-id: nobody here has an id of this union type and app"])
    return narrowed


def _move(tx: Transaction, pair: MovedId, namespaces: Sequence[Namespace], options: MoveOptions) -> str | MoveCause:
    """Move one id, unless this is a dry run, and return what a report counts."""
    people = _find_people(tx, pair.old, namespaces)
    if len({person.connect_id for _, person in people}) > 1:
        return MoveCause.AMBIGUOUS
    if not people:
        targets = [(union_type, *_get_target(kind, scope, options)) for union_type, kind, scope in namespaces]
        return "already" if _find_people(tx, pair.new, targets) else "unknown"
    union_type, person = people[0]
    kind, scope = _get_target(person.via.kind, person.via.scope, options)
    return _give(tx, union_type, person, PersonId(kind, pair.new, scope), options)


def _get_target(kind: IdKind, scope: str, options: MoveOptions) -> tuple[IdKind, str]:
    """Return kind and scope of the new id that takes over from one of `kind` and `scope`."""
    return options.kind or kind, options.app_id or scope


def _find_people(tx: Transaction, value: str, namespaces: Sequence[Namespace]) -> list[tuple[str, KnownPerson]]:
    """Return the people who have the id `value` in one of `namespaces`, each after the union type."""
    people = []
    for union_type in dict.fromkeys(namespace[0] for namespace in namespaces):
        ids = [PersonId(kind, value, scope) for name, kind, scope in namespaces if name == union_type]
        people += [(union_type, person) for person in identities.find_by_ids(tx, union_type, ids)]
        people += [(union_type, person) for person in identities.find_unaliased(tx, union_type, ids)]
    return people


def _give(
    tx: Transaction, union_type: str, person: KnownPerson, new: PersonId, options: MoveOptions
) -> str | MoveCause:
    holders = [*identities.find_by_ids(tx, union_type, [new]), *identities.find_unaliased(tx, union_type, [new])]
    if any(holder.connect_id != person.connect_id for holder in holders):
        return MoveCause.ID_TAKEN
    if holders:
        return "already"
    stored = connections.find_aliases(tx, person.connect_id)
    rivals = [known for known in stored if (known.kind, known.scope) == (new.kind, new.scope)]
    if rivals not in ([], [person.via]):
        return MoveCause.APP_TAKEN
    if not options.dry_run:
        # an erasure, unbind or merge that runs at the same time has either committed or waits
        if identities.lock_connection(tx, person.connect_id) != person.member_id:
            return "unknown"
        _write(tx, union_type, person, new, options.now)
    return "moved"


def _write(tx: Transaction, union_type: str, person: KnownPerson, new: PersonId, now: int) -> None:
    old = person.via
    if person.has_aliases:
        if (old.kind, old.scope) == (new.kind, new.scope):
            moved_ids.end_id(tx, person.connect_id, old, now)
        connections.end_stray_aliases(tx, union_type, [new], now)
        connections.insert_aliases(tx, person.connect_id, union_type, [new])
    is_strongest = (person.union_id, person.union_scope) == (old.value, old.scope)
    is_as_strong = STRENGTH.index(new.kind) <= STRENGTH.index(old.kind)
    if is_strongest and (is_as_strong or not person.has_aliases):
        connections.update_union_id(tx, person.connect_id, new)
