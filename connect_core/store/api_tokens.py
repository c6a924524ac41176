"""Queries about the bearer tokens of the management API (`es_admin_token`), which are stored as hashes."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from connect_core.store.engine.statement import KeyedInsert, Statement, Transaction
from connect_core.store.models import AdministratorToken, table_of

_TOKEN = table_of(AdministratorToken)


@dataclass(frozen=True, slots=True)
class ApiTokenRow:
    """A token. `scopes` are separated by blanks; times are epoch seconds, `seen_time` 0 for never."""

    id: int
    name: str
    token_hash: str
    scopes: str
    actor: str
    create_time: int
    expiry_time: int
    seen_time: int
    revoked_time: int | None


_COLUMNS = tuple(ApiTokenRow.__dataclass_fields__)
_ALL = select(*(_TOKEN.c[name] for name in _COLUMNS))
_INSERT = KeyedInsert(_TOKEN, *_COLUMNS[1:])
_FIND = Statement(_ALL.where(_TOKEN.c.token_hash == bindparam("wanted_hash")))
_FIND_ALL = Statement(_ALL.order_by(_TOKEN.c.id))
_SEE = Statement(update(_TOKEN).where(_TOKEN.c.id == bindparam("token_id")).values(seen_time=bindparam("now")))
_REVOKE = Statement(
    update(_TOKEN)
    .where(_TOKEN.c.name == bindparam("of_name"), _TOKEN.c.revoked_time.is_(None))
    .values(revoked_time=bindparam("now"))
)


def insert_token(transaction: Transaction, row: ApiTokenRow) -> int:
    """Insert a token and return the id; that of `row` is not used."""
    return _INSERT.run(transaction, **{name: getattr(row, name) for name in _COLUMNS[1:]})


def find_token(transaction: Transaction, token_hash: str) -> ApiTokenRow | None:
    """Return the token with this hash, valid or not, or None."""
    row = _FIND.first(transaction, wanted_hash=token_hash)
    return ApiTokenRow(*row) if row else None


def find_tokens(transaction: Transaction) -> list[ApiTokenRow]:
    """Return every token, also those that were revoked or have expired, the oldest first."""
    return [ApiTokenRow(*row) for row in _FIND_ALL.all(transaction)]


def update_seen(transaction: Transaction, token_id: int, now: int) -> None:
    """Note that the token was used at `now`."""
    _SEE.run(transaction, token_id=token_id, now=now)


def revoke_tokens(transaction: Transaction, name: str, now: int) -> int:
    """Revoke the tokens of this name that are not revoked, and return how many."""
    return _REVOKE.run(transaction, of_name=name, now=now)
