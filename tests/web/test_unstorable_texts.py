"""A text that no row can hold names nothing: 404 where something is asked for by it, on each engine, and never 503."""

from collections.abc import Iterator
from typing import Any

import pytest

from connect_core.errors import NotLoggedIn, Unsupported
from connect_core.harness import RunningShop, Visitor
from connect_core.store import members

from ..kit.databases import ENGINES, is_answering, run_shop, server_of
from ..kit.web_shops import legacy_refused, nothing_written, refused

NAMES = ["%00", "a%00b", "%ED%A0%80", "%FF", "%F0%9F%98%80", "x" * 3000]


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, require: Any) -> Iterator[RunningShop]:
    """A shop on each engine in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    monkeypatch.setenv("CONNECT_TEST_DATABASE", server)
    with run_shop() as running_shop:
        yield running_shop


async def test_a_name_that_no_row_can_hold_is_404(shop: RunningShop) -> None:
    """In every path that has one: sessions, connections, merges, QR codes, files, providers, and the older routes."""
    with Visitor(shop) as visitor:
        visitor.log_in("alipay", "pc")
        with nothing_written(shop):
            for name in NAMES:
                refused(visitor.http.delete(f"/connect/sessions/{name}"), 404, "unsupported")
                refused(visitor.http.post(f"/connect/sessions/{name}/end"), 404, "unsupported")
                refused(visitor.http.delete(f"/connect/connections/{name}"), 404, "unsupported")
                refused(visitor.http.post(f"/connect/account/merges/{name}/undo"), 404, "unsupported")
                refused(visitor.http.get(f"/connect/static/{name}"), 404, "unsupported")
                refused(visitor.http.get(f"/connect/{name}/pc/login"), 404, "unsupported")
                refused(visitor.http.get(f"/connect/alipay/{name}/login"), 404, "unsupported")
                refused(visitor.http.get(f"/connect/h/{name}"), 400, "state_expired")
                legacy_refused(visitor.http.post(f"/buyer/account-binder/unbind/{name}"), 404, "E134")
        refused(visitor.http.post(f"/connect/account/merges/{10**18}/undo"), 404, "unsupported")


async def test_the_database_is_not_asked(shop: RunningShop) -> None:
    """Whoever asks it for such a text or number, on whichever engine: there is no such row."""
    database, manager = shop.manager.database, shop.manager
    for text in ("\0", "a\0b", "\ud800", "x\udfff"):
        with pytest.raises(Unsupported):
            await database.read(lambda tx, text=text: members.find_password(tx, text))  # type: ignore[misc]
        with pytest.raises(NotLoggedIn):
            await manager.current_member.check_credentials({"username": text, "password": "x"})
        assert await manager.open_id_of(1, text, "app") is None
    for number in (2**63, -(2**63) - 1, 2**200):
        with pytest.raises(Unsupported):
            await database.read(lambda tx, number=number: members.find_member(tx, number))  # type: ignore[misc]
        assert await manager.open_id_of(number, "ALIPAY", "app") is None
    assert await manager.open_id_of(2**63 - 1, "ALIPAY", "app") is None
