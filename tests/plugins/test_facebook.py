"""Facebook: the proof of the secret, and browsers that it refuses."""

import pytest

from connect_core.identity import ClientType, PersonId
from connect_core.plugin import RequiredBrowser
from connect_facebook import FacebookProvider

from ..kit.vendor_transport import Transport, log_in, make, query

TOKENS = b'{"access_token":"EAAG0123","token_type":"bearer","expires_in":5183944}'
PERSON = b'{"id":"10158912345678901","name":"Jane Smith"}'
VIEW = "Mozilla/5.0 (Linux; Android 14; K; wv) AppleWebKit/537.36 Version/4.0 Chrome/140.0 Mobile Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"


async def test_the_call_for_the_person_has_the_proof() -> None:
    """`appsecret_proof` is the HMAC of the access token, keyed with the app secret.

    https://developers.facebook.com/docs/graph-api/guides/secure-requests
    """
    transport = Transport({"/v26.0/oauth/access_token": TOKENS, "/v26.0/me": PERSON})
    identity = await log_in(make(FacebookProvider, transport))
    assert identity.ids == (PersonId.open_id("10158912345678901", identity.app_id),)
    sent = query(str(transport.requests[-1].url))
    assert sent["access_token"] == "EAAG0123"
    # printf EAAG0123 | openssl dgst -sha256 -hmac "s3cr3t of the client"
    assert sent["appsecret_proof"] == "e85ea0d7aca167fd4a98c6285a4df5f0e8ba6126240a84e461c123c18d485211"


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [(VIEW, RequiredBrowser.BROWSER), (f"{VIEW} FB_IAB/FB4A;FBAV/500.0", None), (IPHONE, None)],
)
def test_a_web_view_of_android_is_refused(user_agent: str, expected: RequiredBrowser | None) -> None:
    """Facebook's page refuses other Android apps' web views, and works inside Facebook's own app."""
    settings = FacebookProvider.Settings(client_id="c", client_secret="s")
    provider = FacebookProvider(settings, None)  # type: ignore[arg-type]
    assert provider.find_required_browser(ClientType.H5, user_agent) is expected
