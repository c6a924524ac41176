"""Members who live in a table of the shop's own, here `shop_user`.

The one thing that the table needs is a unique column for the key of a registration:

    ALTER TABLE shop_user ADD COLUMN connect_key CHAR(64) NULL UNIQUE

Configured by the environment: `SHOP_DATABASE_URL`, an SQLAlchemy URL.
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
    """The four questions, asked of a table. Each is one thread hop and one transaction."""

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's form."""
        self._engine = create_engine(url, pool_pre_ping=True, pool_timeout=2)

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return what the shop shows of a member, or None."""
        row = await asyncio.to_thread(self._find, member_id)
        if row is None:
            return None
        return {"uname": row.login_name, "nickname": row.nick, "face": row.avatar, "sex": row.gender}

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Register a member; of logins at the same time the unique column lets one through."""
        return await asyncio.to_thread(self._register, key, profile)

    async def is_disabled(self, member_id: int) -> bool:
        """Tell whether the shop refuses this member, or has none of that id."""
        row = await asyncio.to_thread(self._find, member_id)
        return row is None or row.is_locked != 0

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Take over nickname and picture, unless the member has edited them."""
        values = {"id": member_id, "nick": profile.nickname, "avatar": profile.face}
        await asyncio.to_thread(self._write, UPDATE, values)

    async def aclose(self) -> None:
        """Close the connections."""
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
        with suppress(IntegrityError):  # another login of this person was faster: its row is the one
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
    """Members live in `shop_user` of `SHOP_DATABASE_URL`."""
    return MembersOverSql(os.environ["SHOP_DATABASE_URL"])
