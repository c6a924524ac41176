"""What is long arrives: codes and tokens as long as vendors make them, on every way to us; headers without case."""

from connect_core.harness import RunningShop, Visitor
from connect_core.limits import CODE_LIMIT, TOKEN_LIMIT

from ...kit.web_shops import changed, come_back, refused

LONG_CODE = "c" * CODE_LIMIT


def test_a_long_code_reaches_the_vendor(shop: RunningShop, visitor: Visitor) -> None:
    """By redirect, by form_post and in JSON: it is the vendor who refuses it, as unknown."""
    refused(visitor.http.get(changed(come_back(visitor), auth_code=LONG_CODE)), 400, "code_invalid")
    callback = changed(come_back(visitor), auth_code="b" + LONG_CODE[1:])
    address, _, query = callback.partition("?")
    parked = visitor.http.post(
        address, content=query, headers={"content-type": "Application/X-WWW-Form-URLencoded; charset=UTF-8"}
    )
    refused(visitor.http.get(parked.headers["location"]), 400, "code_invalid")
    posted = visitor.http.post("/connect/alipay/mini/token", json={"authCode": "a" + LONG_CODE[1:]})
    refused(posted, 400, "code_invalid")
    assert len(shop.sandboxes["alipay"].calls) >= 3


def test_a_longer_code_is_refused_here(visitor: Visitor) -> None:
    """Nobody is asked about a flood."""
    posted = visitor.http.post("/connect/alipay/mini/token", json={"authCode": LONG_CODE + "c"})
    refused(posted, 400, "bad_request")


def test_a_long_token_is_read(shop: RunningShop, visitor: Visitor) -> None:
    """A body with a token of 64 KiB is taken; what stands beside a code is nobody's business."""
    body = {**visitor.client_parameters("alipay", "mini", "lihua"), "token": "t" * TOKEN_LIMIT}
    assert visitor.http.post("/connect/alipay/mini/token", json=body).status_code == 200


def test_pages_are_for_whoever_accepts_them(visitor: Visitor) -> None:
    """Media types have no case (RFC 9110 §8.3.1)."""
    page = visitor.http.get("/connect/alipay/pc/callback", headers={"accept": "Text/HTML"})
    assert page.headers["content-type"].startswith("text/html")
