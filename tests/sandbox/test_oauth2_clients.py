"""The sandbox of an OAuth 2.0 vendor with a mini program: its codes, phone numbers, app tokens and answer forms."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import httpx
import pytest

from connect_alipay.sandbox import AlipayOptions, AlipaySandbox
from connect_core.identity import ClientType
from connect_core.plugin import Claims, Entrance, MiniProgramSettings, OAuth2Provider
from connect_core.sandbox import PEOPLE, OAuth2Sandbox, Person, Refused, mobile_of, serving, split_mobile
from connect_core.testing import Visitor, run_shop
from connect_wechat.sandbox import WechatSandbox

from ..kit.clock import Clock
from ..kit.plain_sandbox import PlainSandbox
from ..kit.vendor_transport import Acme, Transport, make, quirky

CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
MINI = ClientType.MINI


class Mini(Acme):
    """Acme with a mini program whose codes, numbers and app tokens have addresses of their own."""

    entrances: ClassVar = {**Acme.entrances, MINI: Entrance.CLIENT_CODE, ClientType.APP: Entrance.TICKETED_CODE}
    Settings = MiniProgramSettings
    code_url = "https://acme.example/session"
    phone_url = "https://acme.example/phone"
    app_token_url = "https://acme.example/token"  # that of codes too, as RFC 6749 §4.4 has it
    code_claims = Claims(open_id="open_id")
    claims = Claims(user_id="id", nickname="name", phone="phone_number", phone_country="country_code")
    quirks = quirky(phone_method="json", phone_query={"access_token": "{app_token}"})


class Served:
    """A sandbox that is served, and calls as any client makes them."""

    def __init__(self, url: str, sandbox: OAuth2Sandbox, clock: Clock) -> None:
        self.url, self.sandbox, self.clock = url, sandbox, clock

    def post(self, path: str, **options: Any) -> dict[str, Any]:
        """Send one request and return its JSON answer."""
        return dict(httpx.post(self.url + path, trust_env=False, **options).json())

    def redeem(self, **changed: str) -> dict[str, Any]:
        """Redeem a new code of the mini program; `changed` replaces parameters."""
        code = self.sandbox.client_parameters(MINI, "lihua")
        return self.post("/session", data={"grant_type": "authorization_code", **CLIENT, **code, **changed})

    def app_token(self, **changed: str) -> dict[str, Any]:
        """Fetch the app's own token."""
        return self.post("/token", data={"grant_type": "client_credentials", **CLIENT, **changed})

    def ask_phone(self, token: str, **changed: str) -> dict[str, Any]:
        """Ask for the number of a new phone code."""
        code = self.sandbox.phone_parameters(MINI, "lihua")["phone_code"]
        return self.post("/phone", params={"access_token": token}, json={"code": code, **changed})


def serve(provider: type[OAuth2Provider], **data: Any) -> Iterator[Served]:
    """Serve a sandbox of `provider` whose class has `data` too."""
    clock = Clock(1_800_000_000)
    sandbox = type("AcmeSandbox", (OAuth2Sandbox,), {"title": "Acme", "provider": provider, **data})(now=clock)
    with serving(sandbox.app()) as url:
        yield Served(url, sandbox, clock)


def test_errors_of_one_call_are_the_vendors_own() -> None:
    """`refusals` may name the call; a code that is redeemed with the app's token is refused without it."""
    quirks = quirky(code_query={"token": "{app_token}"}, app_token_errors=("dead",))
    refusals = {"invalid_grant": "bad", "code invalid_grant": "worse", "code invalid_token": "dead"}
    provider = type("AppToken", (Mini,), {"quirks": quirks})
    for served in serve(provider, refusals=refusals, error_status=lambda *_: 200):
        token = served.app_token()["access_token"]
        data = {"grant_type": "authorization_code", **CLIENT, "code": "made-up"}
        assert served.post("/session", data=data, params={"token": "x"})["error"] == "dead"
        assert served.post("/session", data=data, params={"token": token})["error"] == "worse"
        assert served.post("/token", data={**data, "redirect_uri": "http://127.0.0.1:1/cb"})["error"] == "bad"
        code = served.sandbox.client_parameters(MINI, "lihua")
        assert "open_id" in served.post("/session", data={**data, **code}, params={"token": token})


def test_an_error_spends_no_code() -> None:
    """The vendor refuses a dead app token before it looks at the code, which the provider may hand in again."""
    quirks = quirky(
        code_query={"token": "{app_token}"},
        app_token_errors=("dead",),
        errors={"provider_config": ("dead",), "provider_denied": ("left",)},
    )
    provider = type("AppToken", (Mini,), {"quirks": quirks})
    for served in serve(provider, error_status=lambda *_: 200):
        assert "dead" not in served.sandbox.get_outcomes()
        assert served.sandbox.get_outcomes()["left"] == "provider_denied"
        data = {"grant_type": "authorization_code", **CLIENT, **served.sandbox.client_parameters(MINI, "lihua")}
        query = {"token": served.app_token()["access_token"]}
        served.sandbox.faults.add("error", "dead", on="code")
        answers = [served.post("/session", data=data, params=query) for _ in range(3)]
        assert [answer.get("error", "") for answer in answers] == ["dead", "", "invalid_grant"]


def test_user_info_is_checked_for_more_than_the_quirks() -> None:
    """And so are headers of every call, whose settings only the provider knows."""

    def check(sandbox: OAuth2Sandbox, parameters: Mapping[str, str], headers: Mapping[str, str]) -> None:
        if parameters.get("sign") != "right":
            raise Refused("bad_sign")

    quirks = quirky(headers={"Client-Id": "{client_id}", "User-Agent": "{shop}"})
    provider = type("Signed", (Acme,), {"quirks": quirks})
    for served in serve(provider, check_userinfo=check):
        for headers, sign, word in (
            ({}, "right", "invalid_client"),
            ({"Client-Id": "sandbox-client"}, "wrong", "bad_sign"),
            ({"Client-Id": "sandbox-client"}, "right", "invalid_token"),
        ):
            answer = httpx.get(f"{served.url}/me", params={"sign": sign}, headers=headers, trust_env=False).json()
            assert answer["error"] == word


@pytest.fixture
def vendor() -> Iterator[Served]:
    """The sandbox of `Mini`."""
    yield from serve(Mini)


def test_client_code_is_redeemed_at_its_address_alone(vendor: Served) -> None:
    """Once, within its life, and not where a browser's code is redeemed; the other way round neither."""
    answer = vendor.redeem()
    assert answer["open_id"] == vendor.sandbox.open_id("lihua")
    code = vendor.sandbox.client_parameters(MINI, "lihua")["code"]
    whole = {"grant_type": "authorization_code", **CLIENT, "code": code}
    assert vendor.post("/token", data=whole)["error"] == "invalid_grant"
    assert "open_id" in vendor.redeem(code=code)
    assert vendor.redeem(code=code)["error"] == "invalid_grant"
    late = vendor.sandbox.client_parameters(MINI, "lihua")["code"]
    vendor.clock.advance(601)
    assert vendor.redeem(code=late)["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"client_secret": "other"}, "invalid_client"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"redirect_uri": "http://127.0.0.1:1/cb"}, "invalid_request"),
        ({"code_verifier": "v" * 43}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
    ],
)
def test_wrong_code_calls_are_refused(vendor: Served, changed: dict[str, str], word: str) -> None:
    """The client is held to the standard's parameters, and may not send what belongs to a redirect."""
    assert vendor.redeem(**changed)["error"] == word


def test_token_of_a_client_code_is_one(vendor: Served) -> None:
    """The access token in the answer opens user-info."""
    headers = {"authorization": f"Bearer {vendor.redeem()['access_token']}"}
    assert httpx.get(f"{vendor.url}/me", headers=headers, trust_env=False).json()["name"] == "李华"


def test_templates_are_checked() -> None:
    """Where the quirks have parameters of their own, each must come, and the client's must be right."""
    templates = {"appid": "{client_id}", "secret": "{client_secret}", "js_code": "{code}", "v": "2"}
    quirks = quirky(code_method="json", code_parameters=templates, code_names=["jsCode"])
    for vendor in serve(type("Own", (Mini,), {"quirks": quirks})):
        code = vendor.sandbox.client_parameters(MINI, "lihua")
        right = {"appid": "sandbox-client", "secret": "sandbox-secret", "js_code": code["jsCode"], "v": "2"}
        assert vendor.post("/session", json={**right, "secret": "x"})["error"] == "invalid_client"
        assert vendor.post("/session", json={**right, "v": "1"})["error"] == "invalid_request"
        assert vendor.post("/session", json={**right, "js_code": ""})["error"] == "invalid_grant"
        assert "open_id" in vendor.post("/session", json=right)


def test_client_codes_without_a_code_url() -> None:
    """The token call redeems them, without redirect_uri and verifier."""
    for vendor in serve(type("Plain", (Mini,), {"code_url": ""})):
        code = vendor.sandbox.client_parameters(MINI, "lihua")
        whole = {"grant_type": "authorization_code", **CLIENT, **code}
        assert vendor.post("/token", data={**whole, "redirect_uri": "http://x"})["error"] == "invalid_grant"
        assert "access_token" in vendor.post("/token", data=whole)


def test_native_apps_have_a_login_url(vendor: Served) -> None:
    """The SDK wants one with its own client id, and gives its state back; web pages have no client codes."""
    url = "http://x/a?client_id=sandbox-client&state=s-1"
    given = vendor.sandbox.client_parameters(ClientType.APP, "lihua", url)
    assert (given.keys(), given["state"]) == ({"code", "state"}, "s-1")
    with pytest.raises(ValueError, match="client id"):
        vendor.sandbox.client_parameters(ClientType.APP, "lihua", "http://x/a?client_id=other")
    for client in (ClientType.PC, ClientType.H5):
        with pytest.raises(LookupError):
            vendor.sandbox.client_parameters(client, "lihua")
        assert vendor.sandbox.phone_parameters(client, "lihua") == {}


def test_app_token_at_the_address_of_the_token_call(vendor: Served) -> None:
    """`grant_type` tells them apart, in the record of calls too; the client must be the registered one."""
    assert vendor.app_token()["token_type"] == "bearer"
    assert vendor.app_token(client_secret="x")["error"] == "invalid_client"
    assert [call.operation for call in vendor.sandbox.calls] == ["app_token", "app_token"]


def test_status_of_errors_is_the_calls(vendor: Served) -> None:
    """Where the client authenticates it is that of the token call (RFC 6749 §5.2), else that of a token (RFC 6750)."""
    statuses = [
        httpx.post(vendor.url + path, data=data, trust_env=False).status_code
        for path, data in (("/session", {}), ("/token", {"grant_type": "client_credentials"}), ("/phone", {}))
    ]
    assert statuses == [400, 400, 401]


def test_number_for_the_apps_token(vendor: Served) -> None:
    """A live app token and a phone code that is used once; a code of a login is none."""
    token = vendor.app_token()["access_token"]
    assert vendor.ask_phone(token) == {"phone_number": "13800000001", "country_code": "86"}
    code = vendor.sandbox.phone_parameters(MINI, "lihua")["phone_code"]
    assert "phone_number" in vendor.ask_phone(token, code=code)
    assert vendor.ask_phone(token, code=code)["error"] == "invalid_grant"
    login_code = vendor.sandbox.client_parameters(MINI, "lihua")["code"]
    assert vendor.ask_phone(token, code=login_code)["error"] == "invalid_grant"
    assert vendor.ask_phone("made-up")["error"] == "invalid_token"
    vendor.clock.advance(7201)
    assert vendor.ask_phone(token)["error"] == "invalid_token"
    token = vendor.app_token()["access_token"]
    vendor.sandbox.revoke_app_tokens()
    assert vendor.ask_phone(token)["error"] == "invalid_token"


def test_number_for_the_persons_token() -> None:
    """The token must be the same person's as the phone code, and every parameter must come."""
    quirks = quirky(phone_header={"X-Token": "{access_token}"}, phone_parameters={"c": "{phone_code}", "v": "2"})
    for vendor in serve(type("ByToken", (Mini,), {"quirks": quirks})):
        own = {"x-token": vendor.redeem()["access_token"]}
        codes = [vendor.sandbox.phone_parameters(MINI, key)["phone_code"] for key in ("maria", "lihua")]
        answers = [vendor.post("/phone", data={"c": code, "v": "2"}, headers=own) for code in codes]
        assert [answer.get("error", "") for answer in answers] == ["invalid_grant", ""]
        code = vendor.sandbox.phone_parameters(MINI, "lihua")["phone_code"]
        assert vendor.post("/phone", data={"c": code, "v": "1"}, headers=own)["error"] == "invalid_request"
        assert vendor.post("/phone", data={"c": code, "v": "2"})["error"] == "invalid_token"


def test_answers_have_their_own_forms() -> None:
    """A table of forms holds for each call; errors are written as the answers are."""
    quirks = quirky(answer={"code": "form", "app_token": "jsonp"})
    for vendor in serve(type("Forms", (Mini,), {"quirks": quirks})):
        code = vendor.sandbox.client_parameters(MINI, "lihua")
        whole = {"grant_type": "authorization_code", **CLIENT, **code}
        told = [httpx.post(f"{vendor.url}/session", data=whole, trust_env=False).text for _ in range(2)]
        assert dict(parse_qsl(told[0]))["open_id"] == vendor.sandbox.open_id("lihua")
        assert told[1].startswith("error=invalid_grant&")
        refused = httpx.post(f"{vendor.url}/token", data={"grant_type": "client_credentials"}, trust_env=False)
        assert refused.text.startswith('callback( {"error": "invalid_client"')


def test_faults_of_the_code_call(vendor: Served) -> None:
    """Ids can be missing or somebody else's there too, at the paths of `code_claims`, and in lists."""
    for kind in ("missing_id", "swapped_id", "error"):
        vendor.sandbox.faults.add(kind, "any" if kind == "error" else "", on="code")
    own = vendor.sandbox.open_id("lihua")
    assert [vendor.redeem().get("open_id") for _ in range(3)] == [None, f"{own}x", None]
    assert vendor.sandbox.get_untrusted() == ("missing_id", "swapped_id")
    listed = {"claims": Claims(user_id=("data.0.id", "ids.0"))}
    for other in serve(
        type("Lists", (Mini,), listed), code_answer=lambda *_: {"data": [{"id": 1, "name": "x"}], "ids": [5]}
    ):
        for kind in ("missing_id", "swapped_id"):
            other.sandbox.faults.add(kind, on="code")
        answers = [other.redeem() for _ in range(2)]
        assert answers == [{"data": [{"name": "x"}]}, {"data": [{"name": "x", "id": 2}], "ids": [6]}]


def test_callback_parameters_are_wanted() -> None:
    """A vendor that gives a parameter with the code refuses a token call without it."""
    quirks = quirky(pkce="never", token_from_callback=["device_id"])
    for vendor in serve(type("Device", (Acme,), {"quirks": quirks})):
        link = {"response_type": "code", "client_id": "sandbox-client", "redirect_uri": "http://x/cb", "state": "s"}
        agreed = httpx.post(f"{vendor.url}/authorize", params=link, data={"person": "lihua"}, trust_env=False)
        assert agreed.status_code == 303
        answers = []
        for is_repeated in (False, True):
            page = httpx.post(
                f"{vendor.url}/authorize",
                params=link,
                data={"person": "lihua", "decision": "agree"},
                trust_env=False,
            )
            given = dict(parse_qsl(page.headers["location"].partition("?")[2]))
            whole = {"grant_type": "authorization_code", **CLIENT, "code": given["code"], "redirect_uri": "http://x/cb"}
            more = {"device_id": given["device_id"]} if is_repeated else {}
            answers.append(vendor.post("/token", data={**whole, **more}))
        assert [answer.get("error") for answer in answers] == ["invalid_request", None]
        assert list(vendor.sandbox.refused) == ["token: invalid_request: parameter device_id is missing"]


def test_the_client_may_have_another_name_for_its_code(vendor: Served) -> None:
    """The mini program hands in its own name of the code, and the provider reads it."""
    quirks = quirky(code_names=("auth_code",), client_code_name="js_code")
    for other in serve(type("Named", (Mini,), {"quirks": quirks})):
        assert list(other.sandbox.client_parameters(MINI, "lihua")) == ["js_code"]
        assert make(Mini, Transport({}), quirks=quirks).code_names == ("auth_code", "js_code")
    assert list(vendor.sandbox.client_parameters(MINI, "lihua")) == ["code"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"client_secret": "x"}, "code: invalid_client: the client secret is missing or wrong"),
        ({"code": "x"}, "code: invalid_grant: the client code is unknown"),
        ({"code": ""}, "code: invalid_grant: the client code is missing"),
    ],
)
def test_refusals_say_what_is_wrong(vendor: Served, changed: dict[str, str], reason: str) -> None:
    """In the sandbox's own words, beside the vendor's error."""
    vendor.redeem(**changed)
    assert list(vendor.sandbox.refused) == [reason]


@pytest.mark.parametrize(
    ("mobile", "parts"), [("13800000001", ("86", "13800000001")), ("852-61234567", ("852", "61234567"))]
)
def test_numbers_have_a_country(mobile: str, parts: tuple[str, str]) -> None:
    """One without a country code is of mainland China."""
    assert split_mobile(mobile) == parts


def test_settings_have_every_address(vendor: Served) -> None:
    """Those of the mini program too."""
    settings = vendor.sandbox.settings("http://127.0.0.1:1/acme", MINI)
    paths = {name: settings[name].partition("/acme/")[2] for name in ("code_url", "phone_url", "app_token_url")}
    assert paths == {"code_url": "session", "phone_url": "phone", "app_token_url": "token"}


def test_new_people_have_a_made_up_number() -> None:
    """The same one at every call, and another for another person."""
    numbers = {mobile_of(Person(key, key)) for key in ("a", "b", "a")}
    assert len(numbers) == 2
    assert all(number.startswith("139") and len(number) == 11 for number in numbers)
    assert mobile_of(PEOPLE[0]) == "13800000001"


def test_a_vendor_without_a_phone_button_gives_nothing() -> None:
    """That is the default of every sandbox."""
    assert PlainSandbox().phone_parameters(MINI, "lihua") == {}
    assert AlipaySandbox(AlipayOptions(aes=True)).phone_parameters(ClientType.APP, "lihua") == {}
    assert AlipaySandbox().phone_parameters(MINI, "lihua") == {}  # without an AES key there are no numbers
    assert WechatSandbox().phone_parameters(ClientType.APP, "lihua") == {}


@pytest.mark.parametrize("name", ["alipay", "wechat"])
def test_phone_buttons_of_our_own_mini_programs(name: str) -> None:
    """What the sandbox gives is what `/token` takes, also of people whom the sandbox did not know before."""
    sandbox = AlipaySandbox(AlipayOptions(aes=True)) if name == "alipay" else WechatSandbox()
    with run_shop({name: sandbox}) as shop, Visitor(shop) as visitor:
        for person in ("lihua", "somebody-new"):
            body = visitor.client_parameters(name, "mini", person) | sandbox.phone_parameters(MINI, person)
            assert visitor.http.post(f"/connect/{name}/mini/token", json=body).status_code == 200
        numbers = [row["mobile"] for row in shop.rows("es_member")]
    assert numbers == [mobile_of(sandbox.find_person(person)) for person in ("lihua", "somebody-new")]
