"""Huawei: the finer number of an error decides, and user-info tells a dead token in words."""

import json

import pytest

from connect_core.plugin import CodeInvalid, ConnectError, ProviderConfig, ProviderRefused
from connect_huawei import HuaweiProvider

from ..kit.vendor_transport import TOKENS, Said, Transport, log_in, make


def refused(sub_error: int) -> Said:
    """An answer of the token call."""
    return 400, json.dumps({"error": 1101, "sub_error": sub_error, "error_description": "x"}).encode()


@pytest.mark.parametrize(
    ("token", "person", "error"),
    [
        (refused(20156), b"", CodeInvalid),
        (refused(12304), b"", ProviderConfig),
        (refused(99999), b"", ProviderRefused),
        (TOKENS, b'{"error":"session timeout"}', CodeInvalid),
        (TOKENS, b'{"NSP_STATUS":6}', CodeInvalid),
        (TOKENS, b'{"error":"something else"}', ProviderRefused),
    ],
)
async def test_errors(token: Said, person: bytes, error: type[ConnectError]) -> None:
    """Both numbers are told to the operator; the finer one says what it is to the visitor."""
    transport = Transport({"/oauth2/v3/token": token, "/rest.php": person})
    with pytest.raises(error):
        await log_in(make(HuaweiProvider, transport))


async def test_user_info_is_a_form_behind_a_query() -> None:
    """The name of the service stands in the address, the token in the form."""
    person = b'{"openID":"o1","unionID":"u1","displayName":"a","displayNameFlag":0}'
    transport = Transport({"/oauth2/v3/token": TOKENS, "/rest.php": person})
    identity = await log_in(make(HuaweiProvider, transport))
    assert [person_id.value for person_id in identity.ids] == ["u1", "o1"]
    assert transport.requests[1].url.query == b"nsp_svc=GOpen.User.getInfo"
    assert b"access_token=" in transport.requests[1].content
