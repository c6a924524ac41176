"""After an import a member of the old shop logs in at the vendor, and is the same member."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.identity import ClientType
from connect_core.importing.report import ImportReport
from connect_core.importing.run import ImportOptions, import_javashop
from connect_core.importing.settings_toml import ConvertedSettings
from connect_core.store import Database
from connect_core.store.javashop import Javashop

from ..kit.old_shops import OldShop, old_shop


@pytest.fixture
def running_shop() -> Iterator[RunningShop]:
    """The new shop, running, with both vendors."""
    with run_shop() as shop:
        yield shop


@pytest.fixture
def old(tmp_path: Path) -> Iterator[OldShop]:
    """The old shop."""
    (tmp_path / "old.db").touch()
    with old_shop(f"sqlite:///{tmp_path / 'old.db'}") as shop:
        yield shop


def bring_over(old: OldShop, running_shop: RunningShop, **app_ids: str) -> ImportReport:
    """Import into the shop that is running."""
    target = running_shop.database_url
    with Javashop(old.url, target) as shop, closing(Database(target)) as database:
        return import_javashop(shop, database, ImportOptions(ConvertedSettings(), 1_700_000_000, app_ids))


def log_in(running_shop: RunningShop, provider: str, client: str, person: str) -> object:
    """Log in and return what `/connect/me` says."""
    with Visitor(running_shop) as visitor:
        return visitor.who(visitor.log_in(provider, client, person))


def test_an_alipay_member_is_the_same_member_everywhere(old: OldShop, running_shop: RunningShop) -> None:
    """By the user id, in every client type; nobody is registered, the name stays, a newcomer is somebody else."""
    old.member(7, "lihua-of-old", nickname="老李", login_count=3)
    old.connect(1, 7, "ALIPAY", running_shop.sandboxes["alipay"].user_id("lihua"))
    assert (bring_over(old, running_shop)).is_complete
    for client in ("pc", "mini", "app"):
        who = log_in(running_shop, "alipay", client, "lihua")
        assert isinstance(who, dict)
        assert (who["uid"], who["uname"], who["nickname"], who["connections"]) == (
            7,
            "lihua-of-old",
            "老李",
            ["ALIPAY"],
        )
    other = log_in(running_shop, "alipay", "pc", "wangfang")
    assert isinstance(other, dict)
    assert other["uid"] > 7
    [lihua, _] = running_shop.rows("es_member")
    assert lihua["login_count"] == 6
    assert len(running_shop.rows("es_connect")) == 2
    assert (bring_over(old, running_shop)).connections["already"] == 1


def test_a_wechat_member_is_known_by_the_union_id_and_keeps_openids(old: OldShop, running_shop: RunningShop) -> None:
    """The union id leads to the member; the openid of the official account is there for payment."""
    wechat = running_shop.sandboxes["wechat"]
    app_id = wechat.settings("http://127.0.0.1", ClientType.H5)["app_id"]
    old.member(8, "wangfang-of-old")
    old.connect(1, 8, "WECHAT", wechat.union_id("wangfang"))
    old.connect(2, 8, "WECHAT_OPENID", wechat.open_id("wangfang", app_id))
    assert (bring_over(old, running_shop, WECHAT_OPENID=app_id)).is_complete
    before = len(running_shop.rows("es_connect_alias"))
    for client in ("h5", "pc"):
        who = log_in(running_shop, "wechat", client, "wangfang")
        assert isinstance(who, dict)
        assert (who["uid"], who["uname"]) == (8, "wangfang-of-old")
    assert (before, len(running_shop.rows("es_connect_alias"))) == (2, 3)
    assert [event["kind"] for event in running_shop.rows("es_connect_event")] == ["logged_in", "logged_in"]


def test_a_member_that_the_old_shop_disabled_stays_out(old: OldShop, running_shop: RunningShop) -> None:
    """-1 is Javashop's bin: the login is refused, and nobody new is registered."""
    old.member(7, "lihua-of-old", disabled=-1)
    old.connect(1, 7, "ALIPAY", running_shop.sandboxes["alipay"].user_id("lihua"))
    bring_over(old, running_shop)
    with Visitor(running_shop) as visitor:
        assert visitor.log_in("alipay", "pc", "lihua").status_code == 403
    assert len(running_shop.rows("es_member")) == 1
