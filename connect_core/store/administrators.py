"""Queries about administrators (`es_admin`) and their sessions (`es_admin_session`). Nothing here concerns a member."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from connect_core.store.engine.statement import ExpiryDelete, KeyedInsert, RowLock, Statement, Transaction, insert_into
from connect_core.store.models import Administrator, AdministratorSession, table_of

_ADMIN, _SESSION = table_of(Administrator), table_of(AdministratorSession)
WAITING = "set-up"
"""How `password_hash` begins where it has a set-up code: `set-up EXPIRY HASH`; no hash of a password does."""


@dataclass(frozen=True, slots=True)
class AdministratorRow:
    """A local administrator. `totp_secret` is sealed, None without one; times are epoch seconds, 0 for never."""

    id: int
    name: str
    role: str
    password_hash: str
    totp_secret: str | None
    totp_step: int
    disabled: int
    create_time: int
    last_login: int

    @property
    def is_waiting(self) -> bool:
        """Whether there is no password yet, but the hash of a set-up code in its place."""
        return self.password_hash.startswith(WAITING)


@dataclass(frozen=True, slots=True)
class AdministratorSessionRow:
    """A session of the admin page. `create_time` is when its administrator proved who they are, in epoch seconds."""

    token_hash: str
    name: str
    role: str
    provider: str
    create_time: int
    seen_time: int
    expiry_time: int


_COLUMNS = tuple(AdministratorRow.__dataclass_fields__)
_SESSION_COLUMNS = tuple(AdministratorSessionRow.__dataclass_fields__)
_ALL = select(*(_ADMIN.c[name] for name in _COLUMNS))
_HAS_NAME = _ADMIN.c.name == bindparam("wanted_name")
_INSERT = KeyedInsert(_ADMIN, *_COLUMNS[1:])
_FIND = Statement(_ALL.where(_HAS_NAME))
_LOCK = RowLock(_ALL.where(_HAS_NAME))
_FIND_ALL = Statement(_ALL.order_by(_ADMIN.c.name))
_LOCK_ABLE = RowLock(
    select(_ADMIN.c.name).where(_ADMIN.c.disabled == 0, _ADMIN.c.role == "operator").order_by(_ADMIN.c.id)
)
_UPDATE = Statement(
    update(_ADMIN)
    .where(_HAS_NAME)
    .values({name: bindparam(name) for name in ("role", "password_hash", "totp_secret", "totp_step", "disabled")})
)
_USE_STEP = Statement(
    update(_ADMIN).where(_HAS_NAME, _ADMIN.c.totp_step < bindparam("step")).values(totp_step=bindparam("step"))
)
_COUNT_LOGIN = Statement(update(_ADMIN).where(_HAS_NAME).values(last_login=bindparam("now")))
_HAS_TOKEN = _SESSION.c.token_hash == bindparam("wanted_hash")
_INSERT_SESSION = Statement(insert_into(_SESSION, *_SESSION_COLUMNS))
_FIND_SESSION = Statement(select(*(_SESSION.c[name] for name in _SESSION_COLUMNS)).where(_HAS_TOKEN))
_FIND_LIVE = Statement(
    select(*(_SESSION.c[name] for name in _SESSION_COLUMNS))
    .where(_SESSION.c.expiry_time > bindparam("now"), _SESSION.c.seen_time > bindparam("unused_since"))
    .order_by(_SESSION.c.name, _SESSION.c.create_time)
)
_SEE = Statement(update(_SESSION).where(_HAS_TOKEN).values(seen_time=bindparam("now")))
_END = Statement(delete(_SESSION).where(_HAS_TOKEN))
_END_OF = Statement(
    delete(_SESSION).where(
        _SESSION.c.name == bindparam("of_name"),
        _SESSION.c.provider == bindparam("of_provider"),
        _SESSION.c.token_hash != bindparam("spared"),
    )
)
_DELETE_EXPIRED = ExpiryDelete(_SESSION.c.token_hash, _SESSION.c.expiry_time)


def insert_administrator(transaction: Transaction, row: AdministratorRow) -> int:
    """Insert an administrator and return the id; that of `row` is not used. Names are unique."""
    return _INSERT.run(transaction, **{name: getattr(row, name) for name in _COLUMNS[1:]})


def find_administrator(transaction: Transaction, name: str) -> AdministratorRow | None:
    """Return the administrator of this name, disabled or not, or None."""
    row = _FIND.first(transaction, wanted_name=name)
    return AdministratorRow(*row) if row else None


def lock_administrator(transaction: Transaction, name: str) -> AdministratorRow | None:
    """Return the administrator of this name, or None, and lock the row until the transaction ends."""
    row = _LOCK.first(transaction, wanted_name=name)
    return AdministratorRow(*row) if row else None


def lock_operators(transaction: Transaction) -> list[str]:
    """Return the names of the operators who are not disabled, and lock their rows until the transaction ends."""
    return [name for (name,) in _LOCK_ABLE.all(transaction)]


def find_administrators(transaction: Transaction) -> list[AdministratorRow]:
    """Return every administrator, by name."""
    return [AdministratorRow(*row) for row in _FIND_ALL.all(transaction)]


def update_administrator(transaction: Transaction, row: AdministratorRow) -> None:
    """Write role, password, one-time password and `disabled` of the administrator of this name."""
    _UPDATE.run(
        transaction,
        wanted_name=row.name,
        role=row.role,
        password_hash=row.password_hash,
        totp_secret=row.totp_secret,
        totp_step=row.totp_step,
        disabled=row.disabled,
    )


def use_totp_step(transaction: Transaction, name: str, step: int) -> bool:
    """Note that the one-time password of a time step was used; False when it, or a later one, was used before."""
    return _USE_STEP.run(transaction, wanted_name=name, step=step) == 1


def record_sign_in(transaction: Transaction, name: str, now: int) -> None:
    """Note when the administrator signed in last."""
    _COUNT_LOGIN.run(transaction, wanted_name=name, now=now)


def insert_session(transaction: Transaction, row: AdministratorSessionRow) -> None:
    """Insert a session."""
    _INSERT_SESSION.run(transaction, **{name: getattr(row, name) for name in _SESSION_COLUMNS})


def find_session(transaction: Transaction, token_hash: str) -> AdministratorSessionRow | None:
    """Return the session with this hash, expired or not, or None."""
    row = _FIND_SESSION.first(transaction, wanted_hash=token_hash)
    return AdministratorSessionRow(*row) if row else None


def find_live_sessions(transaction: Transaction, now: int, unused_since: int) -> list[AdministratorSessionRow]:
    """Return the sessions that have not expired at `now` and were used after `unused_since`, by name."""
    return [AdministratorSessionRow(*row) for row in _FIND_LIVE.all(transaction, now=now, unused_since=unused_since)]


def update_seen(transaction: Transaction, token_hash: str, now: int) -> None:
    """Note that the session was used at `now`."""
    _SEE.run(transaction, wanted_hash=token_hash, now=now)


def delete_session(transaction: Transaction, token_hash: str) -> bool:
    """Delete a session; False when it is gone already."""
    return _END.run(transaction, wanted_hash=token_hash) == 1


def delete_sessions_of(transaction: Transaction, name: str, provider: str = "", spared: str = "") -> int:
    """Delete the sessions of an administrator but for the hash `spared`, and return how many.

    `provider` is that by which the administrator signs in, empty for a local one.
    """
    return _END_OF.run(transaction, of_name=name, of_provider=provider, spared=spared)


def delete_expired(transaction: Transaction, now: int, limit: int) -> int:
    """Delete at most `limit` expired sessions and return how many."""
    return _DELETE_EXPIRED.run(transaction, now, limit)
