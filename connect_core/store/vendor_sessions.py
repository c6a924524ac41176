"""Queries about the sessions at vendors that our logins came from (`es_connect_vendor_session`).

A row is written only for a login whose vendor can end it later, or has to be told when it ends here. It is deleted with
the login, by `store.sessions`.
"""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, select

from connect_core.store.engine.statement import ExpiryDelete, Statement, Transaction, insert_into
from connect_core.store.models import VendorSessionLink, table_of

_VENDOR = table_of(VendorSessionLink)


@dataclass(frozen=True, slots=True)
class VendorSessionRow:
    """The vendor's side of the login `family`.

    `sid_hash` stands for the vendor's id of its session, empty where it sent none. `hint` is sealed; empty where the
    vendor wants none at log-out. `expiry_time` is in epoch seconds.
    """

    family: str
    member_id: int
    provider: str
    client_type: str
    sid_hash: str = field(repr=False)
    hint: str = field(repr=False)
    expiry_time: int


_NAMES = tuple(VendorSessionRow.__dataclass_fields__)
_INSERT = Statement(insert_into(_VENDOR, *_NAMES))
_FIND = Statement(select(*(_VENDOR.c[name] for name in _NAMES)).where(_VENDOR.c.family == bindparam("of_family")))
_FIND_FAMILIES = Statement(select(_VENDOR.c.family).where(_VENDOR.c.sid_hash == bindparam("wanted_hash")))
_DELETE_EXPIRED = ExpiryDelete(_VENDOR.c.family, _VENDOR.c.expiry_time)


def insert_vendor_session(transaction: Transaction, row: VendorSessionRow) -> None:
    """Insert the vendor's side of a login."""
    _INSERT.put_off(transaction, **{name: getattr(row, name) for name in _NAMES})


def find_vendor_session(transaction: Transaction, family: str) -> VendorSessionRow | None:
    """Return the vendor's side of a login, or None."""
    row = _FIND.first(transaction, of_family=family)
    return VendorSessionRow(*row) if row else None


def find_families(transaction: Transaction, sid_hash: str) -> list[str]:
    """Return the families of the logins that came from one session at a vendor."""
    return [row[0] for row in _FIND_FAMILIES.all(transaction, wanted_hash=sid_hash)]


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Delete at most `limit` expired rows and return how many."""
    return _DELETE_EXPIRED.run(transaction, now, limit)
