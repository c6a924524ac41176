"""What an import did or, in a dry run, would do: counts, and the rows that could not be mapped, each with its cause.

Names rows by table and id. Never holds an id of a person, a name or a secret.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """Why a row cannot be mapped; the value is what the JSON report calls it."""

    ID_BLANK = "id_blank"
    ID_WITH_BLANKS = "id_with_blanks"
    ID_TOO_LONG = "id_too_long"
    ID_UNSTORABLE = "id_unstorable"
    UNKNOWN_TYPE = "unknown_type"
    NEVER_VERIFIED = "never_verified"
    OTHER_VENDOR = "other_vendor"
    APP_ID_UNKNOWN = "app_id_unknown"
    OPEN_ID_ALONE = "open_id_alone"
    ID_OF_TWO_MEMBERS = "id_of_two_members"
    TWO_IDS_OF_ONE_TYPE = "two_ids_of_one_type"
    ORPHAN = "orphan"
    MEMBER_NOT_IMPORTED = "member_not_imported"
    MEMBER_ID_INVALID = "member_id_invalid"
    MEMBER_ID_TAKEN = "member_id_taken"
    UNAME_UNUSABLE = "uname_unusable"
    UNAME_TAKEN = "uname_taken"
    ID_TAKEN = "id_taken"
    TYPE_TAKEN = "type_taken"
    CONFIG_UNREADABLE = "config_unreadable"


WHY = {
    Cause.ID_BLANK: "the union id is blank though the row is not unbound",
    Cause.ID_WITH_BLANKS: "there are blanks in the union id; no vendor's id has any",
    Cause.ID_TOO_LONG: "the union id has more than 255 characters",
    Cause.ID_UNSTORABLE: "the union id has characters that cannot be stored",
    Cause.UNKNOWN_TYPE: "the union type is not one that Javashop writes",
    Cause.NEVER_VERIFIED: "Javashop takes Apple ids from the client and never checks them, so they prove nothing",
    Cause.OTHER_VENDOR: "the id is Apple's, written under another vendor's type by a defect of Javashop",
    Cause.APP_ID_UNKNOWN: "the open id's app is not in the settings; name it with --app-id TYPE=APP_ID",
    Cause.OPEN_ID_ALONE: "an open id without the login row beside it was no way in",
    Cause.ID_OF_TWO_MEMBERS: "more than one member has this id; unbind all but one in the old shop, and run again",
    Cause.TWO_IDS_OF_ONE_TYPE: "the member has two persons of this vendor; unbind one in the old shop, and run again",
    Cause.ORPHAN: "the old shop has no such member",
    Cause.MEMBER_NOT_IMPORTED: "its member could not be imported",
    Cause.MEMBER_ID_INVALID: "the id is not a positive number of 64 bits",
    Cause.MEMBER_ID_TAKEN: "another member has this id here",
    Cause.UNAME_UNUSABLE: "the name is blank, longer than 64 characters, or cannot be stored",
    Cause.UNAME_TAKEN: "another member has this name",
    Cause.ID_TAKEN: "the id leads to another member here, or to a connection that was ended",
    Cause.TYPE_TAKEN: "the member is bound to another person of this vendor here",
    Cause.CONFIG_UNREADABLE: "the configuration is not JSON as Javashop writes it",
}
"""What the report says of each cause."""
ROWS_PER_LINE = 10
"""Rows that a line of the text report names; the JSON report has them all."""


@dataclass
class ImportReport:
    """Counts and unmapped rows so far.

    A connection's row is counted as `imported`, as `already` imported before, as `history` (unbound in the old shop) or
    as `repeated` (another row says the same), or it is in `unmapped`.
    """

    dry_run: bool
    members: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    unmapped: dict[Cause, list[tuple[str, int]]] = field(default_factory=dict)
    settings_unmapped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, cause: Cause, table: str, *row_ids: int) -> None:
        """Record that these rows of `table` cannot be mapped; without any `row_ids` it records nothing."""
        if row_ids:
            self.unmapped.setdefault(cause, []).extend((table, row_id) for row_id in row_ids)

    @property
    def is_complete(self) -> bool:
        """Whether every row and every setting could be mapped."""
        return not self.unmapped and not self.settings_unmapped

    def to_json(self) -> dict[str, Any]:
        """Return the report as data for JSON, with every unmapped row."""
        return {
            "dry_run": self.dry_run,
            "members": {key: self.members[key] for key in ("read", "imported", "already")},
            "connections": {
                key: self.connections[key] for key in ("read", "imported", "already", "history", "repeated")
            },
            "unmapped": [
                {"cause": cause, "why": WHY[cause], "rows": [{"table": table, "id": row_id} for table, row_id in rows]}
                for cause, rows in sorted(self.unmapped.items())
            ],
            "settings_unmapped": self.settings_unmapped,
            "notes": self.notes,
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines of the report as text."""
        verb = "would be imported" if self.dry_run else "imported"
        for name, counts in (("members", self.members), ("connections", self.connections)):
            more = [f"{counts[key]} {text}" for key, text in _FURTHER.items() if counts[key]]
            parts = [f"{counts['imported']} {verb}", f"{counts['already']} were there already", *more]
            yield f"{name}: {counts['read']} read, {', '.join(parts)}"
        for cause, rows in sorted(self.unmapped.items()):
            yield f"{cause}: {len(rows)} cannot be mapped: {WHY[cause]}"
            names = ", ".join(f"{table} {row_id}" for table, row_id in rows[:ROWS_PER_LINE])
            yield f"  {names}{' ...' if len(rows) > ROWS_PER_LINE else ''}"
        yield from (f"settings: {line}" for line in self.settings_unmapped)
        yield from (f"note: {line}" for line in self.notes)


_FURTHER = {"history": "unbound long ago and left behind", "repeated": "repeat another row"}
