"""Douyin: apps and mini programs have codes of their own kinds, and the union id comes with every login."""

import pytest

from connect_core.testing import Visitor, run_shop
from connect_douyin.sandbox import DouyinSandbox


@pytest.mark.parametrize(
    ("client", "calls"),
    [("pc", {"token": 1, "userinfo": 1}), ("app", {"token": 1, "userinfo": 1}), ("mini", {"code": 1})],
)
def test_a_code_is_redeemed_where_it_belongs(client: str, calls: dict[str, int]) -> None:
    """The code of an app goes where that of a website goes; a returning member costs the same calls."""
    sandbox = DouyinSandbox()
    with run_shop({"douyin": sandbox}) as shop, Visitor(shop) as visitor:
        for _ in range(2):
            sandbox.calls.clear()
            assert visitor.log_in("douyin", client).status_code in (200, 303)
            assert {
                name: sandbox.called(name) for name in ("token", "userinfo", "code") if sandbox.called(name)
            } == calls


def test_one_person_is_one_member_everywhere() -> None:
    """The union id is the same for a website, an app and a mini program of one developer account."""
    with run_shop({"douyin": DouyinSandbox()}) as shop:
        for client in ("pc", "app", "mini"):
            with Visitor(shop) as visitor:
                assert visitor.log_in("douyin", client).status_code in (200, 303)
        assert len(shop.rows("es_member")) == 1


def test_a_code_of_another_kind_logs_nobody_in() -> None:
    """A mini program's code is worth nothing in an app, and the other way round."""
    with run_shop({"douyin": DouyinSandbox()}) as shop, Visitor(shop) as visitor:
        for client, other in (("app", "mini"), ("mini", "app")):
            body = visitor.client_parameters("douyin", client)
            answer = visitor.http.post(f"/connect/douyin/{other}/token", json=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")
