"""Odnoklassniki's signatures: the provider's, and those that its sandbox checks."""

import pytest

from connect_core.plugin import ProviderConfig
from connect_odnoklassniki import OdnoklassnikiProvider
from connect_odnoklassniki.sandbox import sign

from ..kit.vendor_transport import Transport, log_in, make

CALL = {
    "access_token": "secret-access-token",
    "application_key": "publicsecret",
    "format": "json",
    "method": "users.getCurrentUser",
}
# the signature of this call, from the tests of aspnet-contrib/AspNet.Security.OAuth.Providers
SIGN = "3cf98d2df29c82be6964f3dfe56c188b"
SETTINGS = {"application_key": "publicsecret", "client_secret": "my-client-secret"}
ME = b'{"uid":"123456","name":"Vasya Ivanov"}'


def answering(me: bytes = ME) -> Transport:
    """Return an Odnoklassniki that answers user-info with `me`."""
    return Transport({"/oauth/token.do": b'{"access_token":"secret-access-token"}', "/fb.do": me})


def test_sandbox_knows_a_signature_of_others() -> None:
    """The sandbox computes what an independent library computes."""
    assert sign(CALL, "my-client-secret") == SIGN


async def test_signature_is_that_of_others() -> None:
    """The provider signs as an independent library does; the token is no part of the signed text."""
    transport = answering()
    await log_in(make(OdnoklassnikiProvider, transport, SETTINGS))
    assert dict(transport.requests[-1].url.params) == {**CALL, "sig": SIGN}


@pytest.mark.parametrize("code", [10, 101, 104])
async def test_errors_of_the_app_are_its_configuration(code: int) -> None:
    """A missing right, a wrong public key and a wrong signature are for the operator to repair."""
    transport = answering(f'{{"error_code":{code},"error_msg":"PARAM_SIGNATURE","error_data":null}}'.encode())
    with pytest.raises(ProviderConfig) as raised:
        await log_in(make(OdnoklassnikiProvider, transport, SETTINGS))
    assert raised.value.vendor["error"] == str(code)
