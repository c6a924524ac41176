"""Local administrators: created, changed, disabled, and set up with a password and a one-time password.

Every change is one transaction with its record in the audit log; what takes a right away ends the administrator's
sessions in it. Never hashes a password: that blocks, and whoever calls decides where. A new password has passed
`members.passwords.check_password`.
"""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from connect_core.acts import OperatorAct
from connect_core.administrators.roles import Role
from connect_core.administrators.secrets_at_rest import PURPOSE, get_associated
from connect_core.crypto import Sealer, SealError, one_time_passwords, token_hash
from connect_core.crypto.sealing import derive_key
from connect_core.errors import BadRequest, ChangedMeanwhile, NotThere
from connect_core.store import Database, Transaction, administrators, audit
from connect_core.store.administrators import WAITING, AdministratorRow

log = logging.getLogger("connect_login")
SET_UP_SECONDS = 24 * 3600
"""Seconds for which a set-up code is accepted."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,47}")


class AdministratorRefused(BadRequest):
    """A change of an administrator is refused. `reason` is a word, `field` the name of the field that it is about."""

    def __init__(self, field: str, reason: str, text: str) -> None:
        super().__init__(text)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class AdministratorView:
    """An administrator as lists show it; times are epoch seconds, `last_login` 0 for never.

    `state` is `active`, `disabled`, or `waiting` until the administrator has used the set-up code.
    """

    name: str
    role: Role
    state: str
    has_totp: bool
    create_time: int
    last_login: int


class Accounts:
    """The local administrators of one service."""

    def __init__(
        self, database: Database, keys: Sequence[bytes], now: Callable[[], int], *, has_provider: bool = False
    ) -> None:
        """`keys` are `secret_keys`; `now` answers epoch seconds. `has_provider`: operators also sign in by a provider.

        Without a provider the last operator can be neither disabled nor given another role.
        """
        self._database, self._now, self._has_provider = database, now, has_provider
        self._sealer = Sealer(keys, PURPOSE)
        self._seeds = [derive_key(key, "administrators' set-up codes") for key in keys]

    async def find_all(self) -> list[AdministratorView]:
        """Return every local administrator, by name."""
        return [_view(row) for row in await self._database.read(administrators.find_administrators)]

    async def create(
        self, name: str, role: Role, act: OperatorAct, *, password_hash: str = "", totp_secret: str = ""
    ) -> str:
        """Create an administrator and return the set-up code; empty where a password is given.

        Raises `AdministratorRefused` for a name that is taken or not of letters, digits, `.`, `_`, `@`, `-`.
        """
        check_name(name)
        now, code = self._now(), "" if password_hash else _new_code()
        row = AdministratorRow(
            id=0,
            name=name,
            role=role,
            password_hash=password_hash or _wait_for(code, now),
            totp_secret=self._seal(name, totp_secret) if totp_secret else None,
            totp_step=0,
            disabled=0,
            create_time=now,
            last_login=0,
        )

        def insert(tx: Transaction) -> None:
            if administrators.find_administrator(tx, name) is not None:
                raise AdministratorRefused("name", "name_taken", "there is an administrator of this name")
            administrators.insert_administrator(tx, row)
            audit.insert_record(tx, act, "administrator.created", _target(name), now, f"role {role}")

        await self._database.write(insert)
        return code

    async def set_role(self, name: str, role: Role, act: OperatorAct, *, former: Role | None = None) -> bool:
        """Give an administrator another role; False when they have it already.

        `former` is the role that whoever decides has seen. Raises `NotThere`, `AdministratorRefused` for the last
        operator, and `ChangedMeanwhile` for one who has neither role.
        """

        def change(row: AdministratorRow) -> AdministratorRow:
            if former is not None and row.role not in (former, role):
                raise ChangedMeanwhile(f"somebody else gave this administrator the role {row.role} meanwhile")
            return replace(row, role=role)

        return await self._change(name, act, "administrator.role_changed", change, detail=f"role {role}")

    async def disable(self, name: str, act: OperatorAct) -> bool:
        """Refuse an administrator from now on, and end the sessions; False when it is so already.

        Raises `NotThere`, and `AdministratorRefused` for the last operator.
        """
        return await self._change(name, act, "administrator.disabled", lambda row: replace(row, disabled=1))

    async def enable(self, name: str, act: OperatorAct) -> bool:
        """Let an administrator sign in again; False when it is so already. Raises `NotThere`."""
        return await self._change(name, act, "administrator.enabled", lambda row: replace(row, disabled=0))

    async def set_password(self, name: str, password_hash: str, act: OperatorAct) -> None:
        """Give an administrator another password, and end the sessions. Raises `NotThere`."""
        await self._change(
            name, act, "administrator.password_set", lambda row: replace(row, password_hash=password_hash)
        )

    async def reset_totp(self, name: str, act: OperatorAct) -> str:
        """Give an administrator a new secret for one-time passwords, return it, and end the sessions.

        Raises `NotThere`.
        """
        secret = one_time_passwords.new_totp_secret()
        sealed = self._seal(name, secret)
        await self._change(
            name, act, "administrator.totp_reset", lambda row: replace(row, totp_secret=sealed, totp_step=0)
        )
        return secret

    async def reset(self, name: str, act: OperatorAct) -> str:
        """Take password and one-time password away, end the sessions, and return a set-up code for new ones.

        Raises `NotThere`.
        """
        code = _new_code()
        waiting = _wait_for(code, self._now())
        await self._change(
            name,
            act,
            "administrator.reset",
            lambda row: replace(row, password_hash=waiting, totp_secret=None, totp_step=0),
        )
        return code

    async def find_set_up(self, name: str, code: str) -> str:
        """Return the secret for one-time passwords that setting up with this code gives, always the same one.

        Raises `AdministratorRefused` for a wrong or expired code, and for one that was used.
        """
        row = await self._database.read(lambda tx: administrators.find_administrator(tx, name))
        _check_code(row, code, self._now())
        return self._make_secret(name, code)

    async def set_up(self, name: str, code: str, password_hash: str, one_time_password: str, act: OperatorAct) -> None:
        """Set the password, and the secret of `find_set_up`, whose one-time password proves that it was taken over.

        Raises as `find_set_up`, and `AdministratorRefused` for a wrong one-time password.
        """
        now, secret = self._now(), self._make_secret(name, code)
        step = one_time_passwords.find_totp_step(secret, one_time_password, now)
        sealed = self._seal(name, secret)

        def store(tx: Transaction) -> None:
            row = _check_code(administrators.lock_administrator(tx, name), code, now)
            if step is None:
                raise AdministratorRefused("totp", "totp_wrong", "the one-time password is wrong")
            changed = replace(row, password_hash=password_hash, totp_secret=sealed, totp_step=step)
            administrators.update_administrator(tx, changed)
            audit.insert_record(tx, act, "administrator.set_up", _target(name), now)

        await self._database.write(store)

    def open_totp_secret(self, row: AdministratorRow) -> str:
        """Return the secret for one-time passwords; empty without one, and for one that no key of ours opens."""
        if row.totp_secret is None:
            return ""
        try:
            return self._sealer.open(row.totp_secret, get_associated(row.name)).decode()
        except SealError:
            log.warning("administrator_secret_unopened", extra={"administrator": row.name})
            return ""

    async def _change(
        self,
        name: str,
        act: OperatorAct,
        action: str,
        change: Callable[[AdministratorRow], AdministratorRow],
        *,
        detail: str = "",
    ) -> bool:
        now = self._now()

        def store(tx: Transaction) -> bool:
            operators = administrators.lock_operators(tx)
            row = administrators.lock_administrator(tx, name)
            if row is None:
                raise NotThere("there is no administrator of this name")
            changed = change(row)
            if changed == row:
                return False
            is_operator = changed.role == Role.OPERATOR and not changed.disabled
            if operators == [name] and not is_operator and not self._has_provider:
                raise AdministratorRefused(
                    "name", "last_operator", "nobody else is an operator; make somebody one first"
                )
            administrators.update_administrator(tx, changed)
            if changed.disabled or (changed.password_hash, changed.totp_secret) != (row.password_hash, row.totp_secret):
                administrators.delete_sessions_of(tx, name)
            audit.insert_record(tx, act, action, _target(name), now, detail)
            return True

        return await self._database.write(store)

    def _seal(self, name: str, secret: str) -> str:
        return self._sealer.seal(secret.encode(), get_associated(name))

    def _make_secret(self, name: str, code: str) -> str:
        seed = hmac.digest(self._seeds[0], f"{name}\0{code}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        return one_time_passwords.make_totp_secret(seed)


def check_name(name: str) -> None:
    """Raise `AdministratorRefused` unless an administrator can be called `name`."""
    if not _NAME.fullmatch(name):
        text = "a name has at most 48 letters, digits and signs of . _ @ - and begins with a letter or digit"
        raise AdministratorRefused("name", "name_form", text)


def _new_code() -> str:
    return secrets.token_urlsafe(24)


def _wait_for(code: str, now: int) -> str:
    return f"{WAITING} {now + SET_UP_SECONDS} {token_hash(code)}"


def _check_code(row: AdministratorRow | None, code: str, now: int) -> AdministratorRow:
    if row is not None and row.is_waiting and not row.disabled:
        _, expiry_time, expected = row.password_hash.split()
        if int(expiry_time) > now and hmac.compare_digest(expected, token_hash(code)):
            return row
    text = "the set-up code is wrong, was used, or has expired; ask an operator for a new one"
    raise AdministratorRefused("code", "code_wrong", text)


def _view(row: AdministratorRow) -> AdministratorView:
    state = "disabled" if row.disabled else "waiting" if row.is_waiting else "active"
    return AdministratorView(
        row.name, Role(row.role), state, row.totp_secret is not None, row.create_time, row.last_login
    )


def _target(name: str) -> str:
    return f"administrator {name}"
