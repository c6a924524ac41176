"""The examples of docs/how-to/external-members.md, with whole logins: members live in the shop's own system alone."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.identity import ClientType, Profile
from connect_core.providers.registry import Plugins
from connect_core.sandbox import serving

from ..kit.acme import Acme, AcmeSandbox, PluginOf, provider_of
from ..kit.shop_members import TOKEN, Proxy, ShopApi, proxy

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SHOP_USER = """CREATE TABLE shop_user (
    id INTEGER PRIMARY KEY, login_name VARCHAR(64) UNIQUE, nick VARCHAR(64), avatar VARCHAR(255), gender INT,
    is_locked INT NOT NULL DEFAULT 0, is_edited INT NOT NULL DEFAULT 0, connect_key CHAR(64) UNIQUE)"""


@dataclass
class Shop:
    """A running shop whose members live elsewhere, and how a test reaches into that."""

    shop: RunningShop
    acme: Acme
    count: Callable[[], int]
    disable: Callable[[int], object]
    fail: Callable[[], object]
    mend: Callable[[], object]
    proxy: Proxy | None = None

    def log_in(self, person: str = "lihua") -> httpx.Response:
        """A whole login from a mini program."""
        with Visitor(self.shop) as visitor:
            return visitor.log_in("acme", "mini", person)

    def connections(self) -> list[dict[str, Any]]:
        """The rows of `es_connect`."""
        return self.shop.rows("es_connect")

    def forget(self) -> None:
        """Lose what was written here: the shop registered, and nobody was told."""
        with closing(sqlite3.connect(self.shop.database_url.removeprefix("sqlite:///"))) as connection:
            for table in ("es_connect", "es_connect_alias"):
                connection.execute(f"DELETE FROM {table}")
            connection.commit()


def load(name: str) -> ModuleType:
    """Import an example from its folder."""
    spec = spec_from_file_location(name, EXAMPLES / name / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def running(module: ModuleType, acme: Acme) -> Iterator[RunningShop]:
    plugins = Plugins([("acme", PluginOf(acme=provider_of(acme))), ("members", module)], discover=False)
    with run_shop({"acme": AcmeSandbox()}, plugins=plugins) as running_shop:
        yield running_shop


@contextmanager
def over_http(folder: Path) -> Iterator[Shop]:
    """The shop's API behind a proxy."""
    api = ShopApi()
    with serving(api.app()) as url, proxy(url) as between:
        os.environ |= {"SHOP_MEMBERS_URL": between.url, "SHOP_MEMBERS_TOKEN": TOKEN}
        acme = Acme()
        with running(load("members_over_http"), acme) as running_shop:
            yield Shop(
                running_shop,
                acme,
                lambda: len(api.members),
                lambda member_id: api.members[member_id].update(disabled=True),
                partial(setattr, api, "is_down", True),
                partial(setattr, api, "is_down", False),
                between,
            )


@contextmanager
def over_sql(folder: Path) -> Iterator[Shop]:
    """The shop's own table; it fails when somebody has renamed it."""

    def execute(sql: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(folder / "shop.db")) as connection:
            rows = list(connection.execute(sql, values))
            connection.commit()
            return rows

    execute(SHOP_USER)
    os.environ["SHOP_DATABASE_URL"] = f"sqlite:///{folder / 'shop.db'}"
    acme = Acme()
    with running(load("members_over_sql"), acme) as running_shop:
        yield Shop(
            running_shop,
            acme,
            lambda: execute("SELECT COUNT(*) FROM shop_user")[0][0],
            partial(execute, "UPDATE shop_user SET is_locked = 1 WHERE id = ?"),
            partial(execute, "ALTER TABLE shop_user RENAME TO away"),
            partial(execute, "ALTER TABLE away RENAME TO shop_user"),
        )


@pytest.fixture(params=[over_http, over_sql])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """Each example in turn."""
    with ExitStack() as stack:
        yield stack.enter_context(request.param(tmp_path))


def test_a_first_login_registers_once_and_a_second_finds_the_member(shop: Shop) -> None:
    """The shop's system has the member, `es_connect` its id, and our own table nobody."""
    first, again, other = (shop.log_in(person).json() for person in ("lihua", "lihua", "wangfang"))
    assert (first["is_new_member"], again["is_new_member"], other["is_new_member"]) == (True, False, True)
    assert first["uid"] == again["uid"] != other["uid"]
    assert shop.count() == 2
    assert shop.shop.rows("es_member") == []
    bearer = {"authorization": f"Bearer {again['access_token']}"}
    me = httpx.get(f"{shop.shop.url}/connect/me", headers=bearer, trust_env=False).json()
    assert (me["uid"], me["nickname"], me["uname"][:5]) == (first["uid"], "lihua", "user_")


def test_parallel_first_logins_register_exactly_one_member(shop: Shop) -> None:
    """Sixteen at once: sixteen successes, one member there, one connection here."""
    shop.acme.pause = 0.3  # the vendor answers all of them at the same moment
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(shop.log_in, ["lihua"] * 16))
    assert [answer.status_code for answer in answers] == [200] * 16
    assert len({answer.json()["uid"] for answer in answers}) == 1
    assert (shop.count(), len(shop.connections())) == (1, 1)


async def test_a_look_that_came_too_early_is_made_good_by_the_unique_column(tmp_path: Path) -> None:
    """Two registrations that both find nobody: the slower one gets the member of the faster one."""
    with over_sql(tmp_path) as shop:
        known = load("members_over_sql").MembersOverSql

        class TooEarly(known):
            looks = 0

            def _find_by_key(self, key: str) -> int | None:
                self.looks += 1
                found: int | None = super()._find_by_key(key)
                return found if self.looks > 1 else None

        ids = []
        for _ in range(2):
            async with aclosing(TooEarly(os.environ["SHOP_DATABASE_URL"])) as directory:
                ids.append(await directory.register("k" * 64, Profile(), ClientType.PC))
        assert ids[0] == ids[1]
        assert shop.count() == 1


def test_a_login_that_broke_after_the_registration_finds_the_same_member(shop: Shop) -> None:
    """The key of a person stays, so the shop answers with whom it has registered already."""
    first = shop.log_in().json()
    shop.forget()
    again = shop.log_in().json()
    assert again["uid"] == first["uid"]
    assert (shop.count(), len(shop.connections())) == (1, 1)


def test_an_answer_that_was_lost_is_no_second_member(tmp_path: Path) -> None:
    """The shop registers and the connection breaks: 503, nothing written here, and the next login is that member."""
    with over_http(tmp_path) as shop:
        assert shop.proxy is not None
        shop.proxy.loses = True
        answer = shop.log_in()
        assert (answer.status_code, answer.json()["code"], shop.proxy.lost) == (503, "unavailable", 1)
        assert (shop.count(), shop.connections()) == (1, [])
        shop.proxy.loses = False
        assert shop.log_in().status_code == 200
        assert (shop.count(), len(shop.connections())) == (1, 1)


def test_an_identity_that_was_unbound_is_somebody_new(shop: Shop) -> None:
    """The key that registered the member leads back to it no more, and the new key is as lasting."""
    first = shop.log_in().json()
    with closing(sqlite3.connect(shop.shop.database_url.removeprefix("sqlite:///"))) as connection:
        for table in ("es_connect", "es_connect_alias"):
            connection.execute(f"UPDATE {table} SET unbound_time = 1")
        connection.commit()
    second = shop.log_in().json()
    assert (second["is_new_member"], second["uid"] != first["uid"]) == (True, True)
    assert shop.log_in().json()["uid"] == second["uid"]
    assert shop.count() == 2


def test_a_member_disabled_there_is_refused(shop: Shop) -> None:
    """Whether bound here or registered by a login that broke; nothing is written."""
    first = shop.log_in().json()
    shop.disable(first["uid"])
    assert shop.log_in().json()["code"] == "member_disabled"
    shop.forget()
    answer = shop.log_in()
    assert (answer.status_code, answer.json()["code"]) == (403, "member_disabled")
    assert shop.connections() == []


def test_a_directory_out_of_order_is_503_and_recovers(shop: Shop) -> None:
    """No connection, no member, `Retry-After`; once it is back the same person logs in, and tokens still refresh."""
    known = shop.log_in("wangfang").json()
    token = {"refresh_token": known["refresh_token"]}
    before = shop.connections()
    refresh = partial(httpx.post, f"{shop.shop.url}/connect/token/refresh", json=token, trust_env=False)
    shop.fail()
    for person in ("lihua", "wangfang"):
        answer = shop.log_in(person)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
    answer = refresh()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert shop.connections() == before
    shop.mend()
    assert shop.log_in("lihua").json()["is_new_member"] is True
    assert shop.log_in("wangfang").json()["uid"] == known["uid"]
    assert refresh().status_code == 200
