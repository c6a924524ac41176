"""Facebook: the proof of the secret, browsers that it refuses, and its callbacks about a person."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connect_core.harness import RunningShop, Visitor, run_shop
from connect_core.identity import ClientType, PersonId
from connect_core.plugin import NoticeKind, NoticeRequest, RequiredBrowser
from connect_facebook import FacebookProvider
from connect_facebook.notices import FacebookApp, read_callback
from connect_facebook.sandbox import APP_ID, FacebookSandbox
from connect_facebook_limited.sandbox import LimitedSandbox

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


Stage = tuple[RunningShop, FacebookSandbox, Visitor]
TABLES = ("es_connect_used_flow", "es_connect_event", "es_connect", "es_member_session")


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A shop with somebody who has logged in on the web."""
    sandbox = FacebookSandbox()
    with run_shop({"facebook": sandbox, "facebook-limited": LimitedSandbox()}) as shop, Visitor(shop) as visitor:
        assert visitor.log_in("facebook", "pc").status_code == 303
        assert is_in(visitor)
        yield shop, sandbox, visitor


def is_in(visitor: Visitor) -> bool:
    """Whether the visitor is logged in."""
    return visitor.http.get("/connect/me").status_code == 200


def tell(shop: RunningShop, notice: NoticeRequest | None, content: bytes | None = None) -> httpx.Response:
    """Send a callback as Facebook's server does, or `content` in place of its form."""
    assert notice is not None
    form = notice.content if content is None else content
    url = f"{shop.url}/connect/facebook/notify"
    return httpx.post(url, headers=dict(notice.headers), content=form, trust_env=False)


def count_rows(shop: RunningShop) -> list[int]:
    """The number of rows of every table that a notice may write to."""
    return [len(shop.rows(table)) for table in TABLES]


def test_removed_app(stage: Stage) -> None:
    """The logins end, in the native app too, the profile goes, and the answer names a page that says so."""
    shop, sandbox, visitor = stage
    with Visitor(shop) as phone, Visitor(shop) as person:
        login = phone.log_in("facebook-limited", "app")
        assert phone.who(login)
        answer = tell(shop, sandbox.make_notice(ClientType.PC, "lihua", NoticeKind.CONSENT_WITHDRAWN))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert (is_in(visitor), phone.who(login)) == (False, None)
        [row] = shop.rows("es_connect")
        assert (row["profile"], row["unbound_time"]) == ("{}", None)
        url, code = answer.json()["url"], answer.json()["confirmation_code"]
        assert url == f"{shop.url}/connect/facebook/notify?app={APP_ID}&confirmation_code={code}"
        assert code.isalnum()
        assert sandbox.open_id("lihua") not in answer.text
        page = person.http.get(url)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert page.text.startswith(f"Done. Confirmation code: {code}\n")
        assert f"已完成。确认码：{code}\n" in page.text


def test_repetition(stage: Stage) -> None:
    """Both callbacks may come, and each again: one answer, and no later login ends. A later removal is another one."""
    shop, sandbox, visitor = stage
    now = int(sandbox.now())
    notice = sandbox.make_callback("lihua", issued_at=now)
    first = tell(shop, notice)
    assert visitor.log_in("facebook", "pc").status_code == 303
    as_number = sandbox.make_callback("lihua", issued_at=str(now), user_id=int(sandbox.open_id("lihua")))
    assert [tell(shop, again).json() for again in (notice, as_number)] == [first.json()] * 2
    assert is_in(visitor)
    later = tell(shop, sandbox.make_callback("lihua", issued_at=now - 1))
    assert later.json()["confirmation_code"] != first.json()["confirmation_code"]
    assert not is_in(visitor)


def test_person_whom_nobody_knows(stage: Stage) -> None:
    """Answered like a known one: nothing tells who is a member. Nothing is written but the key."""
    shop, sandbox, visitor = stage
    flows, *others = count_rows(shop)
    answer = tell(shop, sandbox.make_callback("nobody"))
    assert answer.is_success
    assert httpx.get(answer.json()["url"], trust_env=False).text.startswith("Done.")
    assert (count_rows(shop), is_in(visitor)) == ([flows + 1, *others], True)


def test_forged_and_wrong_callbacks(stage: Stage) -> None:
    """Without the signature of the app secret 403, another algorithm or a stale one 400; nothing is written."""
    shop, sandbox, visitor = stage
    before, now, right = count_rows(shop), int(sandbox.now()), sandbox.make_callback("lihua")
    signature, _, payload = right.text.removeprefix("signed_request=").partition(".")
    other = sandbox.make_callback("wangfang").text.partition(".")[2]
    forged = [f"{signature}.{other}", f".{payload}", payload, f"{signature}x.{payload}", f"\u00e9.{payload}", ""]
    answers = [tell(shop, right, f"signed_request={text}".encode()) for text in forged]
    answers += [tell(shop, right, b""), tell(shop, sandbox.make_callback("lihua", "another secret"))]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * 8
    wrong = {
        "another algorithm": sandbox.make_callback("lihua", algorithm="HMAC-SHA1"),
        "no algorithm": sandbox.make_callback("lihua", algorithm=None),
        "stale": sandbox.make_callback("lihua", issued_at=now - 100_000),
        "to come": sandbox.make_callback("lihua", issued_at=now + 670),
        "undated": sandbox.make_callback("lihua", issued_at=None),
        "nobody": sandbox.make_callback("lihua", user_id=None),
    }
    for name, notice in wrong.items():
        answer = tell(shop, notice)
        assert (name, answer.status_code, answer.json()["code"]) == (name, 400, "bad_request")
    assert (count_rows(shop), is_in(visitor)) == (before, True)


def test_page_of_a_code(stage: Stage) -> None:
    """A code that nobody was given is unknown; without one, or with another app's, there is no page."""
    shop, sandbox, _ = stage
    url = urlsplit(tell(shop, sandbox.make_callback("lihua")).json()["url"])
    right = dict(parse_qsl(url.query))
    code = right["confirmation_code"]
    before = count_rows(shop)

    def get(**parameters: str) -> httpx.Response:
        return httpx.get(f"{shop.url}{url.path}", params=parameters, trust_env=False)

    assert get(confirmation_code=code).text == get(**right).text
    for wrong in (f"{code[:-1]}x", code[:-1], f"{code}0", "0" * 40, "<b>", "\u4f60"):
        page = get(**{**right, "confirmation_code": wrong})
        assert (page.status_code, page.text[:8]) == (200, "Unknown.")
        assert "未知。" in page.text
        assert wrong not in page.text
    assert [get().status_code, get(confirmation_code="").status_code, get(**right | {"app": "1"}).status_code] == [
        400
    ] * 3
    assert count_rows(shop) == before


def test_example_of_a_signed_request() -> None:
    """A request that was signed by another program, with the payload of Facebook's example."""
    # the payload by basenc --base64url, without "="; the signature of that by openssl dgst -sha256 -hmac s3cr3t -binary
    signature = b"R1MirnXjbjVdXt2wwFr2oJRV1Z4hux2_QJE7yf8g3v0"
    payload = (
        b"eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImV4cGlyZXMiOjEyOTE4NDA0MDAsImlzc3"
        b"VlZF9hdCI6MTI5MTgzNjgwMCwidXNlcl9pZCI6IjIxODQ3MSJ9"
    )
    form = b"signed_request=" + signature + b"." + payload
    request = NoticeRequest("POST", {}, {}, form, "https://shop.example/connect/facebook/notify")
    [notice] = read_callback(request, FacebookApp(APP_ID, b"s3cr3t"), 1291836810.0).notices
    assert notice.person == PersonId.open_id("218471", APP_ID)
    assert notice.kind is NoticeKind.CONSENT_WITHDRAWN
