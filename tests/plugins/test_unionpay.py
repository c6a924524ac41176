"""UnionPay: the signature and the life of the backend token."""

from hashlib import sha256

import pytest

from connect_core.plugin import IdKind, ProviderRefused
from connect_unionpay import UnionpayProvider, sign

from ..kit.vendor_transport import Transport, log_in, make

TOKEN = "/open/access/1.0/token"
BACKEND_TOKEN = "/open/access/1.0/backendToken"


def test_signature_is_over_parameters_and_secret_in_order() -> None:
    """The secret takes its place among the names."""
    expected = sha256(b"appId=a&nonceStr=n&secret=s&timestamp=1").hexdigest()
    assert sign({"timestamp": "1", "appId": "a", "nonceStr": "n"}, "s") == expected


async def test_a_dead_backend_token_is_replaced_but_not_at_will() -> None:
    """A refused code is not sent again; the next login has a new token, and the one after it the same."""
    token = b'{"resp":"00","params":{"backendToken":"T==","expiresIn":7200}}'
    vendor = Transport({BACKEND_TOKEN: token, TOKEN: b'{"resp":"99","msg":"refused","params":{}}'})
    provider = make(UnionpayProvider, vendor)
    for _ in range(3):
        with pytest.raises(ProviderRefused):
            await log_in(provider)
    assert vendor.paths == [BACKEND_TOKEN, TOKEN, BACKEND_TOKEN, TOKEN, TOKEN]


@pytest.mark.parametrize(
    ("union_id", "kinds"),
    [
        (b',"unionId":"u1"', [IdKind.UNION_ID, IdKind.OPEN_ID]),
        (b',"unionId":""', [IdKind.OPEN_ID]),
        (b"", [IdKind.OPEN_ID]),
    ],
)
async def test_the_union_id_is_read_where_it_comes(union_id: bytes, kinds: list[IdKind]) -> None:
    """It is the same in every application; the guide for pages does not list it."""
    backend_token = b'{"resp":"00","params":{"backendToken":"T==","expiresIn":7200}}'
    token = b'{"resp":"00","params":{"accessToken":"A==","openId":"o1"' + union_id + b"}}"
    identity = await log_in(make(UnionpayProvider, Transport({BACKEND_TOKEN: backend_token, TOKEN: token})))
    assert [person_id.kind for person_id in identity.ids] == kinds
