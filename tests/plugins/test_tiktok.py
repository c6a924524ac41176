"""TikTok: the code of a native app is redeemed with the code verifier of TikTok's SDK."""

import pytest

from connect_core.testing import Visitor, run_shop
from connect_tiktok.sandbox import TiktokSandbox


@pytest.mark.parametrize(
    ("verifier", "status"), [(None, 200), ("", 400), ("short", 400), ("x" * 129, 400), ("é" * 43, 400), ("x" * 43, 400)]
)
def test_an_app_hands_in_its_code_verifier(verifier: str | None, status: int) -> None:
    """A code without the verifier that belongs to it logs nobody in; one that is none does not reach TikTok."""
    sandbox = TiktokSandbox()
    with run_shop({"tiktok": sandbox}) as shop, Visitor(shop) as visitor:
        body = visitor.client_parameters("tiktok", "app")
        if verifier is not None:
            body["code_verifier"] = verifier
        assert visitor.http.post("/connect/tiktok/app/token", json=body).status_code == status
        assert sandbox.called("token") == (verifier is None or verifier == "x" * 43)
