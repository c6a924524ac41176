"""The sandbox's native app and mini program, over real loopback HTTP, as any client of WeChat's API sees them."""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from connect_core.plugin import ClientType
from connect_core.sandbox import PEOPLE, serving
from connect_wechat.sandbox import APPS, WechatSandbox
from connect_wechat.sandbox_mini import OVERLAP

from ..kit.clock import Clock
from ..kit.wechat_vendor import SECRET

LIHUA = PEOPLE[0]
APP, MINI = APPS[ClientType.APP], APPS[ClientType.MINI]
OWN = {"appid": MINI.app_id, "secret": MINI.secret}


class Phone:
    """A sandbox, somebody's phone, and calls as any client makes them."""

    def __init__(self, sandbox: WechatSandbox, url: str, clock: Clock) -> None:
        """Keep them together."""
        self.sandbox, self.url, self.clock = sandbox, url, clock

    def get(self, path: str, **parameters: str) -> dict[str, object]:
        """Call by GET; it is HTTP 200 and text/plain whatever happens."""
        return self._read(httpx.get(self.url + path, params=parameters, trust_env=False))

    def post(self, path: str, body: object, **query: str) -> dict[str, object]:
        """Call by POST, with JSON."""
        return self._read(httpx.post(self.url + path, params=query, json=body, trust_env=False))

    def open_session(self, code: str, **other: str) -> dict[str, object]:
        """Redeem a code of `wx.login`."""
        return self.get("/sns/jscode2session", **OWN, js_code=code, grant_type="authorization_code", **other)

    def app_token(self, *, stable: bool = True, **other: object) -> str:
        """Ask for the app's own token."""
        parameters = {**OWN, "grant_type": "client_credential"}
        if stable:
            return str(self.post("/cgi-bin/stable_token", {**parameters, **other})["access_token"])
        return str(self.get("/cgi-bin/token", **parameters)["access_token"])

    def ask_phone(self, token: str) -> object:
        """Ask for the number behind a new code; returns the errcode."""
        code = self.sandbox.mini.press_phone_button(LIHUA)["phone_code"]
        return self.post("/wxa/business/getuserphonenumber", {"code": code}, access_token=token)["errcode"]

    def _read(self, answer: httpx.Response) -> dict[str, object]:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain")
        answer: dict[str, object] = answer.json()
        return answer


@pytest.fixture
def phone() -> Iterator[Phone]:
    """LIHUA's phone, on which `wx.login` was called."""
    sandbox = WechatSandbox(now=(clock := Clock(1_760_000_000)))
    sandbox.mini.wx_login(LIHUA)
    with serving(sandbox.app()) as url:
        yield Phone(sandbox, url, clock)


def test_code_opens_a_session_once(phone: Phone) -> None:
    """Session key, openid and unionid; a second time it is used, and after five minutes over."""
    code, late = (phone.sandbox.mini.wx_login(LIHUA) for _ in range(2))
    answer = phone.open_session(code)
    assert answer.keys() == {"session_key", "openid", "unionid"}
    assert answer["openid"] == phone.sandbox.open_id("lihua", MINI.app_id)
    assert phone.open_session(code)["errcode"] == 40163
    phone.clock.advance(301)
    assert phone.open_session(late)["errcode"] == 42003


def test_codes_of_other_kinds_are_no_codes(phone: Phone) -> None:
    """A mini program's code is none at the OAuth2 call, nor an app's here, nor a phone code anywhere but there."""
    code = phone.sandbox.mini.wx_login(LIHUA)
    parameters = {**OWN, "code": code, "grant_type": "authorization_code"}
    assert phone.get("/sns/oauth2/access_token", **parameters)["errcode"] == 40029
    asked_app = urlencode({"appid": APP.app_id, "scope": "snsapi_userinfo", "state": "s"})
    app_code = phone.sandbox.client_parameters(ClientType.APP, "lihua", asked_app)["code"]
    assert phone.open_session(app_code)["errcode"] == 40029
    number = phone.sandbox.mini.press_phone_button(LIHUA)["phone_code"]
    assert phone.open_session(number)["errcode"] == 40029
    answer = phone.post("/wxa/business/getuserphonenumber", {"code": code}, access_token=phone.app_token())
    assert answer["errcode"] == 40029


def test_secret_is_checked(phone: Phone) -> None:
    """Of the session, and of both tokens; the website's registration gets no app token of the mini program's."""
    wrong = {"appid": MINI.app_id, "secret": SECRET}
    parameters = {"js_code": "any", "grant_type": "authorization_code"}
    assert phone.get("/sns/jscode2session", **wrong, **parameters)["errcode"] == 40125
    assert phone.get("/cgi-bin/token", **wrong, grant_type="client_credential")["errcode"] == 40125
    assert phone.post("/cgi-bin/stable_token", {**wrong, "grant_type": "client_credential"})["errcode"] == 40125
    assert phone.post("/cgi-bin/stable_token", {**OWN, "grant_type": "x"})["errcode"] == 40002
    assert phone.post("/cgi-bin/stable_token", [1])["errcode"] == 41002


def test_stable_token_stays_until_shortly_before_its_end(phone: Phone) -> None:
    """Asked again it is the same one, with less left; five minutes before its end another, and both work a while."""
    first = phone.app_token()
    assert len(first) > 128
    phone.clock.advance(7200 - OVERLAP)
    assert phone.app_token() == first
    phone.clock.advance(1)
    second = phone.app_token()
    assert second != first
    assert (phone.ask_phone(first), phone.ask_phone(second)) == (0, 0)
    phone.clock.advance(OVERLAP)
    assert (phone.ask_phone(first), phone.ask_phone(second)) == (42001, 0)
    assert phone.app_token(force_refresh=True) != second


def test_plain_token_replaces_the_last_and_not_the_stable_one(phone: Phone) -> None:
    """Whoever fetches one lets the other end in five minutes; the stable one is apart."""
    stable, first, second = phone.app_token(), phone.app_token(stable=False), phone.app_token(stable=False)
    assert len({stable, first, second}) == 3
    phone.clock.advance(OVERLAP + 1)
    assert [phone.ask_phone(token) for token in (stable, first, second)] == [0, 42001, 0]
    phone.sandbox.mini.revoke_app_tokens()
    assert [phone.ask_phone(token) for token in (stable, second, "")] == [40001, 40001, 41001]


def test_phone_number_has_its_watermark(phone: Phone) -> None:
    """Whose, and when; the code works once."""
    token, code = phone.app_token(), phone.sandbox.mini.press_phone_button(LIHUA)["phone_code"]
    answer = phone.post("/wxa/business/getuserphonenumber", {"code": code}, access_token=token)
    assert answer == {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": LIHUA.mobile,
            "purePhoneNumber": LIHUA.mobile,
            "countryCode": "86",
            "watermark": {"timestamp": 1_760_000_000, "appid": MINI.app_id},
        },
    }
    again = phone.post("/wxa/business/getuserphonenumber", {"code": code}, access_token=token)
    assert again["errcode"] == 40029
    assert phone.post("/wxa/business/getuserphonenumber", {}, access_token=token)["errcode"] == 47001


@pytest.mark.parametrize("changed", [{"appid": MINI.app_id}, {"scope": "snsapi_login"}, {"state": ""}])
def test_sdk_takes_its_own_question_alone(phone: Phone, changed: dict[str, str]) -> None:
    """The mobile app's id, a scope it has, and a state, which comes back with the code."""
    parameters = {"appid": APP.app_id, "scope": "snsapi_userinfo", "state": "s"}
    code_answer = phone.sandbox.client_parameters(ClientType.APP, "lihua", urlencode(parameters))
    assert code_answer["state"] == "s"
    with pytest.raises(ValueError, match="appid"):
        phone.sandbox.client_parameters(ClientType.APP, "lihua", urlencode(parameters | changed))


def test_people_are_redirected_on_web_pages() -> None:
    """There a browser comes back, and hands over nothing."""
    for client_type in (ClientType.PC, ClientType.H5):
        with pytest.raises(LookupError):
            WechatSandbox().client_parameters(client_type, "lihua")


def test_embedded_page_sends_the_whole_window_on(phone: Phone) -> None:
    """Where the link says so, and on no other page."""
    app = APPS[ClientType.PC]
    link = {
        "appid": app.app_id,
        "redirect_uri": "https://shop.example/",
        "response_type": "code",
        "scope": "snsapi_login",
        "state": "s",
    }
    page = httpx.get(f"{phone.url}/connect/qrconnect", params=link, trust_env=False).text
    assert "_top" not in page
    framed = httpx.get(f"{phone.url}/connect/qrconnect", params=link | {"self_redirect": "false"}, trust_env=False).text
    assert framed.replace(' target="_top"', "") == page
