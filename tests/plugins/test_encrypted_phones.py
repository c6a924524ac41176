"""Vendors whose mini programs hand in a phone number encrypted with the session's key, over real HTTP."""

import base64
from typing import Any

import pytest

from connect_baidu.sandbox import BaiduSandbox
from connect_core.identity import ClientType
from connect_core.sandbox import OAuth2Sandbox, Person
from connect_core.testing import Visitor, run_shop
from connect_douyin.sandbox import DouyinSandbox
from connect_kuaishou.sandbox import KuaishouSandbox

VENDORS = {"douyin": DouyinSandbox, "kuaishou": KuaishouSandbox, "baidu": BaiduSandbox}
MINI = ClientType.MINI
MOBILE = "13912345678"
PEOPLE = (Person("mei", "Mei", mobile=MOBILE), Person("jun", "Jun", mobile=MOBILE))
each_vendor = pytest.mark.parametrize("name", VENDORS)


def post(visitor: Visitor, name: str, person: str, **posted: str) -> Any:
    """Log in in the mini program, with what the phone button gave."""
    body = visitor.client_parameters(name, "mini", person) | posted
    return visitor.http.post(f"/connect/{name}/mini/token", json=body)


@each_vendor
def test_the_number_becomes_the_members_and_links_nobody(name: str) -> None:
    """Two people with one number are two members; the number is taken once for one proof."""
    sandbox = VENDORS[name](people=PEOPLE)
    with run_shop({name: sandbox}) as shop, Visitor(shop) as visitor:
        pressed = sandbox.phone_parameters(MINI, "mei")
        assert post(visitor, name, "mei", **pressed).status_code == 200
        assert post(visitor, name, "mei", **pressed).status_code == 200
        assert post(visitor, name, "jun", **pressed).status_code == 200
        assert [row["mobile"] for row in shop.rows("es_member")] == [MOBILE, ""]
        assert post(visitor, name, "jun", **sandbox.phone_parameters(MINI, "jun")).status_code == 200
        assert [row["mobile"] for row in shop.rows("es_member")] == [MOBILE, MOBILE]
        assert sandbox.called("code") == 4


@each_vendor
def test_what_does_not_open_logs_in_without_a_number(name: str) -> None:
    """Another person's, another app's, cut off, without its vector: the login stands and nothing is stored."""
    sandbox = VENDORS[name](people=PEOPLE)
    good, others = sandbox.phone_parameters(MINI, "mei"), sandbox.phone_parameters(MINI, "jun")
    cut = base64.b64encode(base64.b64decode(good["encryptedData"])[:-16]).decode()
    with run_shop({name: sandbox}) as shop, Visitor(shop) as visitor:
        for posted in (others, {**good, "encryptedData": cut}, {**good, "iv": ""}, {**good, "iv": others["iv"]}):
            if name == "baidu" and posted["iv"] == others["iv"] and posted["encryptedData"] == good["encryptedData"]:
                continue  # the vector changes the random bytes at the front, which nobody reads
            assert post(visitor, name, "mei", **posted).status_code == 200
        [member] = shop.rows("es_member")
    assert not member["mobile"]


@pytest.mark.parametrize("vendor", [DouyinSandbox, BaiduSandbox])
def test_another_apps_number_does_not_count(vendor: type[OAuth2Sandbox]) -> None:
    """The app in the data is compared, even if the key of the session opens it."""
    name = vendor.provider.union_type.lower()
    other = type("Other", (vendor,), {"client_id": "another-app"})(people=PEOPLE)
    with run_shop({name: vendor(people=PEOPLE)}) as shop, Visitor(shop) as visitor:
        assert post(visitor, name, "mei", **other.phone_parameters(MINI, "mei")).status_code == 200
        [member] = shop.rows("es_member")
    assert not member["mobile"]


def test_a_number_from_abroad_keeps_its_country() -> None:
    """Douyin has the country code beside the number."""
    sandbox = DouyinSandbox(people=(Person("mei", "Mei", mobile="852-61234567"),))
    with run_shop({"douyin": sandbox}) as shop, Visitor(shop) as visitor:
        assert post(visitor, "douyin", "mei", **sandbox.phone_parameters(MINI, "mei")).status_code == 200
        [member] = shop.rows("es_member")
    assert member["mobile"] == "852-61234567"


@each_vendor
def test_no_other_client_type_has_the_button(name: str) -> None:
    """The code of an app or a website gives no key of a session."""
    sandbox = VENDORS[name](people=PEOPLE)
    assert not any(sandbox.phone_parameters(client, "mei") for client in ClientType if client is not MINI)
