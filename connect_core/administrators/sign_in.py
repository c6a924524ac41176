"""How administrators prove who they are: by a password with a one-time password, or by a provider's verified claims.

An unknown name, a wrong password and a wrong one-time password get the same answer after the same work. How often
somebody may try is decided by whoever calls. Never reads or writes a member.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from connect_core.acts import OperatorAct
from connect_core.administrators.accounts import Accounts
from connect_core.administrators.roles import Role, find_strongest_role
from connect_core.administrators.sessions import AdministratorSessions, SignedIn
from connect_core.crypto import one_time_passwords, token_hash
from connect_core.errors import NotLoggedIn, RoleNeeded
from connect_core.settings import AdminSettings
from connect_core.store import Database, Transaction, administrators, audit

IsPassword = Callable[[str, str], Awaitable[bool]]
"""Tells whether a password has a stored hash, beside the event loop; an empty hash takes as long."""
_SIGNED_IN = "administrator.signed_in"


class SignIn:
    """Signs administrators in."""

    def __init__(
        self,
        database: Database,
        settings: AdminSettings,
        accounts: Accounts,
        sessions: AdministratorSessions,
        is_password: IsPassword,
        now: Callable[[], int],
    ) -> None:
        self._database, self._settings, self._now = database, settings, now
        self._accounts, self._sessions, self._is_password = accounts, sessions, is_password

    async def by_password(self, name: str, password: str, one_time_password: str, request_id: str) -> str:
        """Sign a local administrator in, and return the token of the session.

        Raises `NotLoggedIn`, with the same text whatever was wrong, also for a one-time password that was used before.
        """
        now = self._now()
        row = await self._database.read(lambda tx: administrators.find_administrator(tx, name))
        stored = "" if row is None or row.disabled or row.is_waiting else row.password_hash
        is_password = await self._is_password(password, stored)
        secret = self._accounts.open_totp_secret(row) if row else ""
        step = one_time_passwords.find_totp_step(secret, one_time_password, now)
        needs_totp = self._settings.require_totp or (row is not None and row.totp_secret is not None)
        if row is None or not is_password or (needs_totp and step is None):
            raise NotLoggedIn("name, password or one-time password is wrong")
        checked = row.password_hash

        def sign_in(tx: Transaction) -> str:
            current = administrators.lock_administrator(tx, name)
            is_same = current is not None and not current.disabled and current.password_hash == checked
            if current is None or not is_same or (step and not administrators.use_totp_step(tx, name, step)):
                raise NotLoggedIn("name, password or one-time password is wrong")
            administrators.record_sign_in(tx, name, now)
            return self._open(tx, name, Role(current.role), "", request_id)

        return await self._database.write(sign_in)

    async def by_claims(self, provider: str, claims: Mapping[str, Any], request_id: str) -> str:
        """Sign in whom a provider's verified claims name, and return the token of the session.

        The role is the strongest one that a group of theirs has. Raises `RoleNeeded` when none has one.
        """
        groups = claims.get(self._settings.groups_claim)
        names = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        role = find_strongest_role([name for name in names if isinstance(name, str)], self._settings.roles)
        if role is None:
            raise RoleNeeded("", "no group of this person has a role on the admin page")
        name = name_of(provider, claims)
        return await self._database.write(lambda tx: self._open(tx, name, role, provider, request_id))

    async def confirm(self, signed_in: SignedIn, password: str, request_id: str) -> str:
        """Replace a local administrator's session by a new one, if the password is right, and return its token.

        The new one ends when the old one would have. Raises `NotLoggedIn`.
        """
        row = await self._database.read(lambda tx: administrators.find_administrator(tx, signed_in.name))
        checked = row.password_hash if row and not signed_in.provider and not row.is_waiting else ""
        if not await self._is_password(password, checked):
            raise NotLoggedIn("the password is wrong")
        now, act = self._now(), OperatorAct(signed_in.name, "", request_id, "page")

        def replace_session(tx: Transaction) -> str:
            current = administrators.lock_administrator(tx, signed_in.name)
            is_same = current is not None and not current.disabled and current.password_hash == checked
            if not is_same or not administrators.delete_session(tx, signed_in.key):
                raise NotLoggedIn("the session has ended")
            audit.insert_record(tx, act, "administrator.confirmed", f"administrator {signed_in.name}", now)
            return self._sessions.open(tx, signed_in.name, signed_in.role, expiry_time=signed_in.expiry_time)

        return await self._database.write(replace_session)

    def _open(self, tx: Transaction, name: str, role: Role, provider: str, request_id: str) -> str:
        act = OperatorAct(name, "", request_id, "page")
        audit.insert_record(tx, act, _SIGNED_IN, f"administrator {name}", self._now(), f"role {role}")
        return self._sessions.open(tx, name, role, provider)


def name_of(provider: str, claims: Mapping[str, Any]) -> str:
    """Return what the audit log calls a person of a provider: `staff:li@shop.example (1a2b3c4d)`.

    The digits are of a hash of `sub`: a user name at the provider may be given to somebody else later (OpenID Connect
    Core §5.7), and no local administrator's name contains a colon.
    """
    shown = next((claims[name] for name in ("preferred_username", "email", "name") if claims.get(name)), "")
    mark = token_hash(str(claims.get("sub", "")))[:8]
    beginning = f"{provider}:{shown if isinstance(shown, str) and shown.isprintable() else ''}"
    return f"{beginning[:53]} ({mark})"
