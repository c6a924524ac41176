"""An erasure reaches what others' history holds of the same person, and leaves nothing in a SQLite file."""

from pathlib import Path

import pytest

from connect_core.login.values import SessionOpened
from connect_core.manager import ConnectManager
from connect_core.sessions import OpenSession
from connect_core.store.models import Declared

from ..conftest import MakeManager
from ..kit.acme import Acme, hand_in, provider_of, rows
from ..kit.hook_shops import Erasing

pytestmark = pytest.mark.usefixtures("database_url")
IDS = ("u-lihua", "o-lihua")


async def log_in(manager: ConnectManager, code: str) -> OpenSession:
    """The session of a mini program's login."""
    login = await hand_in(manager, code)
    assert isinstance(login, SessionOpened)
    return login.opened


def end_connections(folder: Path, member_id: int) -> None:
    """Unbind all that leads to a member, as an operator may who knows another way in."""
    rows(folder, "UPDATE es_connect SET unbound_time = 5 WHERE member_id = ?", member_id)
    rows(folder, "UPDATE es_connect_alias SET unbound_time = 5 WHERE unbound_time IS NULL")


def everything(folder: Path) -> str:
    """All that stands in the database, as one text."""
    return str([rows(folder, f"SELECT * FROM {table}") for table in Declared.metadata.tables])


async def test_ended_rows_of_others_with_the_same_identity_go(manager: ConnectManager, tmp_path: Path) -> None:
    """Ids, profile and what an event could be compared by; the other member keeps the rest, and stays logged in."""
    before = await log_in(manager, "lihua.1")
    rows(tmp_path, 'UPDATE es_connect SET profile = \'{"nickname": "lihua"}\'')
    end_connections(tmp_path, 1)
    await log_in(manager, "lihua.2")
    await log_in(manager, "maria.3")
    rows(
        tmp_path,
        "INSERT INTO es_connect (member_id, union_type, union_id, union_scope, create_time, unbound_time) "
        "VALUES (3, 'ACME', 'u-lihua', '', 1, 2)",
    )
    assert [row["member_id"] for row in rows(tmp_path, "SELECT member_id FROM es_connect ORDER BY id")] == [1, 2, 3, 3]
    await manager.personal_data.erase(2, "r")
    assert [one for one in IDS if one in everything(tmp_path)] == []
    assert rows(tmp_path, "SELECT member_id, union_id FROM es_connect") == [{"member_id": 3, "union_id": "u-maria"}]
    hashes = rows(tmp_path, "SELECT member_id, subject_hash FROM es_connect_event ORDER BY id")
    assert {row["member_id"] for row in hashes if row["subject_hash"]} == {3}
    assert rows(tmp_path, "SELECT disabled FROM es_member WHERE id = 1") == [{"disabled": 0}]
    assert (await manager.current_member.refresh(before.token)).member_id == 1
    assert (await log_in(manager, "lihua.4")).row.member_id == 4


async def test_an_active_connection_of_another_member_stays(manager: ConnectManager, tmp_path: Path) -> None:
    """What the erased member once had leads to somebody now: that login stays, and older history goes."""
    for code in ("lihua.1", "lihua.2", "lihua.3"):
        member_id = (await log_in(manager, code)).row.member_id
        if member_id < 3:
            end_connections(tmp_path, member_id)
    await manager.personal_data.erase(2, "r")
    assert [row["member_id"] for row in rows(tmp_path, "SELECT member_id FROM es_connect")] == [3]
    assert (await log_in(manager, "lihua.4")).row.member_id == 3


@pytest.mark.breaks("connection_without_member", "session_without_member")  # members live elsewhere
async def test_a_directorys_former_member_is_not_led_to(make_manager: MakeManager, acme: Acme, tmp_path: Path) -> None:
    """Elsewhere the number of unbinds says who registers anew: it outlives the ids, which do not."""
    manager = make_manager(provider=provider_of(acme), extra=[("directory", Erasing())])
    first = (await log_in(manager, "lihua.1")).row.member_id
    end_connections(tmp_path, first)
    second = (await log_in(manager, "lihua.2")).row.member_id
    await manager.personal_data.erase(second, "r")
    assert [one for one in IDS if one in everything(tmp_path)] == []
    third = (await log_in(manager, "lihua.3")).row.member_id
    assert len({first, second, third}) == 3


@pytest.mark.usefixtures("sqlite_alone")
async def test_nothing_of_an_erased_person_stands_in_the_files(manager: ConnectManager, tmp_path: Path) -> None:
    """Neither in the database's freed pages nor in its log; of the others all is there."""
    people = [f"zq{number:02}zq" for number in range(40)]
    for person in people:
        await log_in(manager, f"{person}.1")
        await log_in(manager, f"{person}.2")
    for member_id in range(1, 41, 2):
        await manager.personal_data.erase(member_id, "r")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("connect.db"))
    assert [person for person in people if person.encode() in content] == people[1::2]
    assert (tmp_path / "connect.db-wal").stat().st_size == 0
