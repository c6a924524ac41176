"""What a plugin's error may say: the vendor's words, but no secret that the core handed to the plugin."""

from typing import Any, NoReturn, cast
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from connect_core.errors import ProviderUnsigned
from connect_core.http import HttpPool
from connect_core.identity import ClientType, Identity, PersonId, VerifiedPhone
from connect_core.providers import calls
from connect_core.providers.provider import AuthorizationResponse

from ..kit.acme import AcmeProvider, AcmeSettings

CODE, STATE, VERIFIER = "c0de-of-a-login", "st4te-of-a-login", "v3rifier of a login"
GRANT, APP_SECRET, SESSION_KEY = "gr4nt-of-a-login", "s3cret-of-the-app", "k3y-of-a-session"
IDENTITY = Identity("ACME", (PersonId.union_id("u-1"),), "acme-1", grant=GRANT, session_key=SESSION_KEY)


class SecretSettings(AcmeSettings):
    """Settings with a secret."""

    app_secret: SecretStr = SecretStr(APP_SECRET)


async def error_of(raised: ProviderUnsigned, **parameters: str) -> ProviderUnsigned:
    """Ask a plugin that raises `raised`, and return the error that the caller sees."""

    class Refusing(AcmeProvider):
        async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
            return refuse()

    def refuse() -> NoReturn:
        raise raised

    response = AuthorizationResponse.of_spent_flow(
        client_type=ClientType.PC,
        code=CODE,
        parameters={"code": CODE, "state": STATE, "lang": "zh", **parameters},
        code_verifier=VERIFIER,
    )
    with pytest.raises(ProviderUnsigned) as caught:
        await calls.fetch_phone(Refusing(SecretSettings(), HttpPool().for_provider("acme")), response, IDENTITY)
    return caught.value


@pytest.mark.parametrize("secret", [CODE, STATE, VERIFIER, GRANT, SESSION_KEY, APP_SECRET, quote(VERIFIER, safe="")])
async def test_a_secret_that_the_plugin_was_given_is_not_in_its_error(secret: str) -> None:
    """Neither in the text nor in what the vendor answered: both are logged, and given to hooks."""
    text = f"zh: the vendor refused {secret}, which it called 40029"
    error = await error_of(ProviderUnsigned(text, vendor={"message": text}))
    without = "zh: the vendor refused [removed], which it called 40029"
    assert (str(error), error.vendor) == (without, {"message": without})


async def test_the_vendor_error_code_that_came_with_the_redirect_stays_in_the_error() -> None:
    """An operator needs it, and it is no secret."""
    refused = ProviderUnsigned("access_denied: The user said no", vendor={"error": "access_denied"})
    error = await error_of(refused, error="access_denied", error_description="The user said no")
    assert (str(error), error.vendor) == ("access_denied: The user said no", {"error": "access_denied"})


@pytest.mark.parametrize("vendor", [["40029"], "40029", 40029])
async def test_vendor_details_in_a_wrong_form_do_not_change_which_error_it_is(vendor: object) -> None:
    """They are dropped; the member is told of the refusal and not of a fault of ours."""
    error = await error_of(ProviderUnsigned("no", vendor=cast("Any", vendor)))
    assert (str(error), error.vendor) == ("no", {})
