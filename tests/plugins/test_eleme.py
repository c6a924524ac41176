"""Ele.me: the signature of calls."""

import time
from hashlib import md5

from connect_eleme import ElemeProvider, sign

from ..kit.vendor_transport import SECRET, make


def test_signature_is_over_action_token_and_metas() -> None:
    """Texts stand in quotation marks, the time as a number, names in their order."""
    text = 'eleme.user.getUsertokenapp_key="k"timestamp=1500000000secret'
    expected = md5(text.encode(), usedforsecurity=False).hexdigest().upper()
    assert sign("eleme.user.getUser", "token", {"timestamp": 1500000000, "app_key": "k"}, "secret") == expected


def test_call_is_signed_with_the_secret_and_has_seconds() -> None:
    """Ele.me accepts a time that is at most five minutes off."""
    provider = make(ElemeProvider)
    assert isinstance(provider, ElemeProvider)
    call = provider.make_call("token")
    metas = call["metas"]
    assert isinstance(metas, dict)
    assert abs(metas["timestamp"] - time.time()) < 5
    assert call["signature"] == sign("eleme.user.getUser", "token", metas, SECRET)
    assert SECRET not in str(call)
