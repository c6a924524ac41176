"""Bilibili: every call with an access token is signed, and phones get a page of their own."""

import hashlib
import hmac
from typing import Any

import pytest

import connect_bilibili
from connect_bilibili.sandbox import BilibiliSandbox
from connect_core.testing import Visitor, run_shop


def test_signature_is_that_of_the_documentation() -> None:
    """The six headers in order of their names, a line each, signed with the secret."""
    headers = connect_bilibili.sign("the-key", "the-secret", "the-token")
    text = (
        "x-bili-accesskeyid:the-key\n"
        "x-bili-content-md5:d41d8cd98f00b204e9800998ecf8427e\n"
        "x-bili-signature-method:HMAC-SHA256\n"
        f"x-bili-signature-nonce:{headers['x-bili-signature-nonce']}\n"
        "x-bili-signature-version:2.0\n"
        f"x-bili-timestamp:{headers['x-bili-timestamp']}"
    )
    assert headers["authorization"] == hmac.new(b"the-secret", text.encode(), hashlib.sha256).hexdigest()
    assert headers["access-token"] == "the-token"
    again = connect_bilibili.sign("the-key", "the-secret", "the-token")
    assert again["x-bili-signature-nonce"] != headers["x-bili-signature-nonce"]


def test_a_wrong_signature_logs_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox refuses a signature by another secret."""
    sign = connect_bilibili.sign

    def sign_wrongly(client_id: str, secret: str, token: str) -> dict[str, Any]:
        return sign(client_id, f"{secret}x", token)

    monkeypatch.setattr(connect_bilibili, "sign", sign_wrongly)
    sandbox = BilibiliSandbox()
    with run_shop({"bilibili": sandbox}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("bilibili", "pc").status_code == 502
        assert [reason for reason in sandbox.refused if "signature" in reason]


@pytest.mark.parametrize(
    ("client", "page"), [("pc", "/pc/account-pc/auth/oauth?"), ("h5", "/h5/account-h5/auth/oauth?")]
)
def test_phones_get_their_page(client: str, page: str) -> None:
    """The address of the page depends on the client type."""
    with run_shop({"bilibili": BilibiliSandbox()}) as shop, Visitor(shop) as visitor:
        assert page in visitor.begin("bilibili", client)
