"""The tables of members and connections, and logins into them without a vendor."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connect_core.identity import ClientType, Identity, PersonId, Profile
from connect_core.members.directory import BuiltInMembers
from connect_core.members.resolution import login_by_unionid
from connect_core.members.values import LoginAttempt, Resolution, ResolvedMember
from connect_core.store import Database, schema

from .acme import DAY, NOW, rows, url_of

USER = PersonId.user_id("2088102150477652")

UNION = PersonId.union_id("u-77")

OPEN = PersonId.open_id("o-77", "app-1")

LIHUA = Profile.of(nickname="李华", face="https://img.example/1.png", sex=1, province="浙江省", city="杭州市")

PEOPLE = ("es_member", "es_connect", "es_connect_alias")


class Shop:
    """The tables in a file, and logins into them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(url_of(folder))
        schema.prepare(self.database)

    async def ask(
        self,
        *ids: PersonId,
        union_type: str = "ALIPAY",
        profile: Profile | None = None,
        now: int = NOW,
        was_asked: bool = True,
    ) -> Resolution:
        """Log in as the manager does, or tell what is missing for it."""
        identity = Identity(union_type, ids, "app-1", profile)
        attempt = LoginAttempt(identity, identity, ClientType.PC, now, 30 * DAY, was_asked=was_asked)
        members = BuiltInMembers(self.database)
        return await self.database.write(lambda tx: login_by_unionid(tx, attempt, members))

    async def log_in(self, *ids: PersonId, **options: Any) -> ResolvedMember:
        """Log in; the profile was asked for unless `was_asked` says otherwise."""
        resolved = await self.ask(*ids, **options)
        assert isinstance(resolved, ResolvedMember)
        return resolved

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Run raw SQL."""
        return rows(self.folder, sql, *values)

    def adopt(self, id_: int, member_id: int, union_type: str, union_id: str, union_scope: str = "") -> None:
        """Write a connection as another system does: no aliases, no profile."""
        self.rows(
            "INSERT INTO es_connect (id, member_id, union_type, union_id, union_scope, create_time)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *(id_, member_id, union_type, union_id, union_scope, NOW),
        )

    def add_member(self, id_: int, **columns: object) -> None:
        """Write a member as another system does."""
        names, marks = ", ".join(columns), ", ?" * len(columns)
        sql = f"INSERT INTO es_member (id, uname{', ' * bool(columns)}{names}) VALUES (?, ?{marks})"
        self.rows(sql, id_, f"old-{id_}", *columns.values())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """An empty shop."""
    tables = Shop(tmp_path)
    yield tables
    tables.database.close()
