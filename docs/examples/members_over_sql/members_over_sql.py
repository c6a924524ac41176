"""A member directory over the shop's own table, here `shop_user`.

The table needs a unique column for the key of a registration:

    ALTER TABLE shop_user ADD COLUMN connect_key CHAR(64) NULL UNIQUE

Configured by the environment variable `SHOP_DATABASE_URL`, an SQLAlchemy URL.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from connect_core.plugin import ClientType, MemberDirectory, Profile, hookimpl

FIND = text("SELECT login_name, nick, avatar, gender, is_locked FROM shop_user WHERE id = :id")
FIND_BY_KEY = text("SELECT id FROM shop_user WHERE connect_key = :key")
REGISTER = text(
    "INSERT INTO shop_user (login_name, nick, avatar, gender, is_locked, connect_key)"
    " VALUES (:login_name, :nick, :avatar, :gender, 0, :key)"
)
UPDATE = text("UPDATE shop_user SET nick = :nick, avatar = :avatar WHERE id = :id AND is_edited = 0")


class MembersOverSql:
    """Finds, registers and updates members in a table. Each method runs its statements in a thread."""

    def __init__(self, url: str) -> None:
        """`url` is an SQLAlchemy URL of a synchronous driver."""
        self._engine = create_engine(url, pool_pre_ping=True, pool_timeout=2)

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return the member's public data, or None for an unknown id."""
        row = await asyncio.to_thread(self._find, member_id)
        if row is None:
            return None
        return {"uname": row.login_name, "nickname": row.nick, "face": row.avatar, "sex": row.gender}

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Return the id of a new member, or of the member whom an earlier call registered with the same key."""
        return await asyncio.to_thread(self._register, key, profile)

    async def is_disabled(self, member_id: int) -> bool:
        """Return True for a member who may not log in, and for an unknown id."""
        row = await asyncio.to_thread(self._find, member_id)
        return row is None or row.is_locked != 0

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Write the vendor's nickname and picture, unless the member has edited them."""
        values = {"id": member_id, "nick": profile.nickname, "avatar": profile.face}
        await asyncio.to_thread(self._write, UPDATE, values)

    async def aclose(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def _find(self, member_id: int) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(FIND, {"id": member_id}).first()

    def _register(self, key: str, profile: Profile) -> int:
        if (known := self._find_by_key(key)) is not None:
            return known
        values = {
            "login_name": f"user_{key[:12]}",
            "nick": profile.nickname,
            "avatar": profile.face,
            "gender": profile.sex,
            "key": key,
        }
        with suppress(IntegrityError):  # another login of this person inserted its row first
            self._write(REGISTER, values)
        registered = self._find_by_key(key)
        if registered is None:
            raise LookupError("another user has the login name")
        return registered

    def _find_by_key(self, key: str) -> int | None:
        with self._engine.connect() as connection:
            return connection.execute(FIND_BY_KEY, {"key": key}).scalar()

    def _write(self, statement: Any, values: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(statement, values)


@hookimpl
def connect_member_directory(settings: Any) -> MemberDirectory:
    """Use the members in the table `shop_user` of `SHOP_DATABASE_URL`."""
    return MembersOverSql(os.environ["SHOP_DATABASE_URL"])
