"""Ids that a vendor replaced: who has the old one has the new one afterwards, and is the same member."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.identity import Identity, IdKind, PersonId
from connect_core.importing.moved_ids import MoveOptions, MoveReport, move_ids, read_file
from connect_core.store import Database, bulk, connections, identities
from connect_core.store.schema.upgrade import upgrade_schema

from ..kit.commands import run
from ..kit.javashop_imports import SERVERS
from ..kit.old_shops import write_config

NOW = 1_800_000_000
OLD_APP, NEW_APP = "wx_old", "wx_new"
ISSUER = "https://appleid.apple.com"


class Shop:
    """A shop's database, and the files and commands of its operator."""

    def __init__(self, database: Database, url: str, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.config = write_config(folder, url)

    async def add(self, member_id: int, *ids: PersonId, union_type: str = "WECHAT") -> None:
        """Bind a person to a member."""
        identity = Identity(union_type, ids, "app")
        await self.database.write(
            lambda tx: connections.register(tx, member_id, identity, NOW, profile="null", profile_time=0)
        )

    async def move(self, *pairs: tuple[str, str], **options: Any) -> MoveReport:
        """Move ids, as a file says with a pair on each line."""
        report = MoveReport(options.get("dry_run", False))
        pairs_read = read_file(self.write("\n".join(map(",".join, pairs))), report)
        await move_ids(pairs_read, self.database, MoveOptions(NOW, **options), report)
        return report

    def write(self, text: str | bytes) -> Path:
        """Write the file."""
        path = self.folder / "ids.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    async def find(self, *ids: PersonId, union_type: str = "WECHAT") -> int | None:
        """Return the member that a login with these ids leads to."""
        identity = Identity(union_type, ids, "app")
        person = await self.database.read(lambda tx: identities.find_person(tx, identity))
        return person.member_id if person else None

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table."""
        return await self.database.read(lambda tx: bulk.find_rows(tx, table))


@pytest.fixture
def shop(databases: tuple[str, str], tmp_path: Path) -> Iterator[Shop]:
    """A shop with our tables and nobody in them."""
    with closing(Database(databases[1])) as database:
        upgrade_schema(database)
        yield Shop(database, databases[1], tmp_path)


def old_id(value: str) -> PersonId:
    """An open id of the app before it moved."""
    return PersonId.open_id(value, OLD_APP)


def new_id(value: str) -> PersonId:
    """One of the app after it moved."""
    return PersonId.open_id(value, NEW_APP)


@pytest.mark.parametrize("databases", ["sqlite", *SERVERS], indirect=True)
async def test_app_that_moved(shop: Shop) -> None:
    """Each member is found by the new id, payment gets it, and a second run moves nothing."""
    await shop.add(1, old_id("o1"))
    await shop.add(2, PersonId.union_id("u2"), old_id("o2"))
    pairs, options = [("o1", "n1"), ("o2", "n2"), ("o3", "n3")], {"app_id": NEW_APP}
    tried = await shop.move(*pairs, **options, dry_run=True)
    assert await shop.find(new_id("n1")) is None
    report = await shop.move(*pairs, **options)
    assert tried.counts == report.counts == {"read": 3, "moved": 2, "unknown": 1}
    for member_id in (1, 2):
        assert await shop.find(new_id(f"n{member_id}")) == member_id
        assert await shop.find(old_id(f"o{member_id}")) == member_id  # both apps may be in use for a while
        open_id = await shop.database.read(
            lambda tx, member_id=member_id: connections.find_open_id(tx, member_id, "WECHAT", NEW_APP)
        )
        assert open_id == f"n{member_id}"
    again = await shop.move(*pairs, **options)
    assert again.counts == {"read": 3, "already": 2, "unknown": 1}
    strongest = [(row["union_id"], row["union_scope"]) for row in await shop.rows("es_connect")]
    assert strongest == [("n1", NEW_APP), ("u2", "")]


@pytest.mark.parametrize("databases", ["sqlite", *SERVERS], indirect=True)
async def test_issuer_that_gives_everybody_another_id(shop: Shop) -> None:
    """An id of the same kind and scope takes the old one's place, as after a transfer to another Apple team."""
    await shop.add(1, PersonId.union_id("000.a", ISSUER), union_type="APPLE")
    report = await shop.move(("000.a", "000.b"), union_type="APPLE")
    assert report.counts["moved"] == 1
    assert await shop.find(PersonId.union_id("000.b", ISSUER), union_type="APPLE") == 1
    assert await shop.find(PersonId.union_id("000.a", ISSUER), union_type="APPLE") is None
    assert [row["union_id"] for row in await shop.rows("es_connect")] == ["000.b"]
    assert (await shop.move(("000.a", "000.b"))).counts == {"read": 1, "already": 1}
    await shop.move(("000.b", "000.a"))  # and back again
    assert await shop.find(PersonId.union_id("000.a", ISSUER), union_type="APPLE") == 1


async def test_vendor_that_gives_another_kind_of_id(shop: Shop) -> None:
    """Alipay's open ids in place of user ids: the stronger one stays the connection's `union_id`."""
    await shop.add(1, PersonId.user_id("2088"), union_type="ALIPAY")
    await shop.move(("2088", "074a"), app_id="2021", kind=IdKind.OPEN_ID)
    assert await shop.find(PersonId.open_id("074a", "2021"), union_type="ALIPAY") == 1
    assert await shop.find(PersonId.user_id("2088"), union_type="ALIPAY") == 1
    assert [row["union_id"] for row in await shop.rows("es_connect")] == ["2088"]


async def test_person_who_came_before_the_import(shop: Shop) -> None:
    """Whoever logged in with the new app already is another member by now: reported, and nobody is changed."""
    await shop.add(1, old_id("o1"))
    await shop.add(2, new_id("n1"))
    report = await shop.move(("o1", "n1"), app_id=NEW_APP)
    assert report.refused == {"id_taken": [1]}
    assert (await shop.find(old_id("o1")), await shop.find(new_id("n1"))) == (1, 2)


async def test_person_with_another_id_of_the_new_app(shop: Shop) -> None:
    """A connection holds one id of each kind and app."""
    await shop.add(1, old_id("o1"), new_id("n0"))
    assert (await shop.move(("o1", "n1"), app_id=NEW_APP)).refused == {"app_taken": [1]}
    assert await shop.find(new_id("n1")) is None


async def test_old_id_of_several_persons(shop: Shop) -> None:
    """The same text at two vendors or in two apps: the options say which one is meant."""
    await shop.add(1, old_id("o1"))
    await shop.add(2, PersonId.open_id("o1", "qq"), union_type="QQ")
    await shop.add(3, PersonId.open_id("o1", "wx_third"))
    assert (await shop.move(("o1", "n1"), app_id=NEW_APP)).refused == {"ambiguous": [1]}
    assert (await shop.move(("o1", "n1"), app_id=NEW_APP, union_type="WECHAT")).refused == {"ambiguous": [1]}
    assert (await shop.move(("o1", "n1"), app_id=NEW_APP, union_type="QQ")).counts["moved"] == 1
    assert (await shop.move(("o1", "n1"), app_id=NEW_APP, old_app_id=OLD_APP)).counts["moved"] == 1
    assert (await shop.find(new_id("n1")), await shop.find(new_id("n1"), union_type="QQ")) == (1, 2)
    with pytest.raises(SettingsError, match="--union-type"):
        await shop.move(("o1", "n1"), union_type="WEIBO")


async def test_row_of_another_system(shop: Shop) -> None:
    """A connection without aliases keeps none: its `union_id` becomes the new one."""
    row = {"member_id": 1, "union_type": "WECHAT", "union_id": "o1", "union_scope": OLD_APP}
    await shop.database.write(lambda tx: bulk.insert_connections(tx, [{**row, "create_time": 1, "profile_time": 1}]))
    assert (await shop.move(("o1", "n1"), app_id=NEW_APP)).counts["moved"] == 1
    assert await shop.find(new_id("n1")) == 1


async def test_connection_that_was_ended(shop: Shop) -> None:
    """Nobody is found by its ids, and they stand in nobody's way."""
    await shop.add(1, old_id("o1"))
    await shop.database.write(lambda tx: connections.end_connection(tx, 1, NOW))
    assert (await shop.move(("o1", "n1"), app_id=NEW_APP)).counts["unknown"] == 1


FILES = {
    "old,new\no1,n1\n": 1,
    "new,old\nn1,o1\n": 1,
    "ori_openid,new_openid\no1,n1\n": 1,
    "old_id;new_id;note\no1;n1;moved, at last\n": 1,
    "\ufefforiginal\tnew\r\no1\tn1\r\n\r\n": 1,
    '"o1", "n1"\n': 1,
    "o1,n1\no1,n1\n": 1,
    "o1,n1\n\n\n": 1,
    "": 0,
    "old,new\n": 0,
}
"""What vendors and spreadsheets write, with the number of pairs."""


@pytest.mark.parametrize("text", FILES)
async def test_forms_of_the_file(shop: Shop, text: str) -> None:
    """With a heading in any order or none; commas, semicolons or tabs; a byte order mark; a pair that comes twice."""
    await shop.add(1, old_id("o1"))
    report = MoveReport(dry_run=False)
    pairs = read_file(shop.write(text), report)
    assert [(pair.old, pair.new) for pair in pairs] == [("o1", "n1")] * FILES[text]
    assert report.is_complete


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("o1", "not_two_ids"),
        ("o1,", "not_two_ids"),
        (",n1", "not_two_ids"),
        ("o1,n1,n2", "not_two_ids"),
        ("o 1,n1", "id_unusable"),
        ("o1,n1 ", "id_unusable"),
        ("o1," + "n" * 256, "id_unusable"),
        ("o1,n\0", "id_unusable"),
    ],
)
async def test_lines_that_are_left_out(shop: Shop, line: str, cause: str) -> None:
    """They are named by number, and the others are taken."""
    report = MoveReport(dry_run=False)
    assert [pair.old for pair in read_file(shop.write(f"o8,n8\n{line}\no9,n9"), report)] == ["o8", "o9"]
    assert report.refused == {cause: [2]}


async def test_lines_that_contradict_each_other(shop: Shop) -> None:
    """None of them is taken: an old id with two new ones, and a new one for two persons."""
    await shop.add(1, old_id("o1"))
    report = await shop.move(("o1", "n1"), ("o1", "n2"), ("o3", "n4"), ("o5", "n4"), app_id=NEW_APP)
    assert report.refused == {"repeated": [1, 2, 3, 4]}
    assert await shop.find(new_id("n1")) is None


async def test_command(shop: Shop) -> None:
    """A dry run says what would be; exit code 1 where lines are left out, 2 for a file that is none; no id is said."""
    await shop.add(1, old_id("canary-1"))
    await shop.add(2, new_id("canary-4"))
    await shop.add(3, old_id("canary-3"))
    file = shop.write("old,new\ncanary-1,canary-2\ncanary-3,canary-4\nnobody,canary-5\n")
    report = shop.folder / "report.json"
    arguments = ("import", "ids", "--config", str(shop.config), "--from", str(file), "--app-id", NEW_APP)
    code, lines, _ = run(*arguments, "--dry-run", "--report", str(report))
    assert code == 1
    assert lines[0] == "ids: 3 read, 1 would be moved, 0 were moved before, 1 are nobody's here"
    assert lines[1].startswith("id_taken: 1 left out: ")
    assert lines[2] == "  line 3"
    assert json.loads(report.read_text())["ids"] == {"read": 3, "moved": 1, "already": 0, "unknown": 1}
    assert await shop.find(new_id("canary-2")) is None
    code, moved, errors = run(*arguments)
    assert (code, moved[0]) == (1, "ids: 3 read, 1 moved, 0 were moved before, 1 are nobody's here")
    assert await shop.find(new_id("canary-2")) == 1
    assert "canary" not in "\n".join([*lines, *moved, *errors, report.read_text()])
    shop.write("canary-1,canary-2")
    assert run(*arguments)[0] == 0
    shop.write(b"\xff\xfe\x00")
    code, lines, errors = run(*arguments)
    assert (code, lines) == (2, [])
    assert "--from" in errors[-1]
