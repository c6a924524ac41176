"""`connect-login plugin wire`: the requests of a login, with the vendor's addresses and without secrets."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote_plus

import pytest

from connect_core.cli.plugin.described_login import DescribedLogin, DescribedRequest, describe_login
from connect_core.cli.plugin.file import load_plugin_file
from connect_core.cli.plugin.masking import MASK, Masks
from connect_core.cli.plugin.recording import Recording, record_login
from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins
from connect_core.testing.recorder import is_secret

from ..kit.commands import refused, run_in
from ..kit.plugin_file import ACME_FILE
from ..kit.wrapped import WrappedPlugins

PLUGINS = Plugins()
EVERY_LOGIN = [(name, client) for name, plugin in PLUGINS.available.items() for client in plugin.provider.entrances]

pytestmark = pytest.mark.usefixtures("restored_imports")


def record(name: str, client: str, plugins: Plugins = PLUGINS) -> Recording:
    return record_login(plugins, plugins.available[name], ClientType(client))


def wire_of_acme(folder: Path, text: str) -> DescribedLogin:
    """Log in on a PC through a plugin with this text."""
    (folder / "acme.py").write_text(text, "utf-8")
    return describe_login(record("acme", "pc", Plugins([load_plugin_file(folder / "acme.py")], discover=False)))


def find(login: DescribedLogin, operation: str) -> DescribedRequest:
    [request] = [request for request in login.requests if request.operation == operation]
    return request


def find_secrets(recording: Recording) -> Iterator[str]:
    """Yield what must not be shown: secret settings, and what was sent under the name of a secret."""
    yield from recording.secrets.values()
    yield from recording.posted.values()
    for exchange in recording.exchanges:
        url, body = exchange.request.url, (exchange.request.content or b"").decode()
        for name, value in [*parse_qsl(url.raw_query_string), *parse_qsl(body)]:
            if is_secret(name, value):
                yield value
        kind, _, credentials = exchange.request.headers.get("authorization", "").partition(" ")
        if kind == "Basic":
            yield unquote_plus(base64.b64decode(credentials).decode().partition(":")[2])
        yield credentials


@pytest.mark.parametrize(("name", "client"), EVERY_LOGIN)
def test_wire_of_every_plugin_shows_no_secret(name: str, client: str) -> None:
    """Every installed plugin is logged in through, and no code, token, signature or secret is in what is shown."""
    recording = record(name, client)
    login = describe_login(recording)
    assert login.error == ""
    shown = str(login)
    secrets = {secret for secret in find_secrets(recording) if len(secret) >= 8}
    assert secrets
    assert [secret for secret in secrets if secret in shown] == []


def test_wire_names_each_value(tmp_path: Path) -> None:
    """A reader sees the vendor's addresses, in order, and which value goes where."""
    login = wire_of_acme(tmp_path, ACME_FILE)
    assert [(request.sender, request.operation) for request in login.requests] == [
        ("browser", "authorize"),
        ("browser", "callback"),
        ("shop", "token"),
        ("shop", "userinfo"),
    ]
    authorize, callback, token, userinfo = login.requests
    assert (authorize.method, authorize.url) == ("GET", "https://acme.example/oauth/authorize")
    redirect_uri = authorize.query["redirect_uri"]
    assert authorize.query == {
        "response_type": "code",
        "client_id": "sandbox-client",
        "redirect_uri": redirect_uri,
        "state": "{state}",
        "code_challenge": "{code_challenge}",
        "code_challenge_method": "S256",
    }
    assert (callback.url, callback.query) == (redirect_uri, {"state": "{state}", "code": "{code}"})
    assert (token.method, token.url, token.status) == ("POST", "https://api.acme.example/token", 200)
    assert token.headers == {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    assert (token.body_kind, token.body) == (
        "form",
        {
            "grant_type": "authorization_code",
            "code": "{code}",
            "redirect_uri": redirect_uri,
            "code_verifier": "{code_verifier}",
            "client_id": "sandbox-client",
            "client_secret": "{client_secret}",
        },
    )
    assert token.answer == ("access_token", "token_type", "expires_in", "scope")
    assert (userinfo.method, userinfo.url, userinfo.answer) == ("GET", "https://api.acme.example/me", ("id", "name"))
    assert userinfo.headers["authorization"] == "Bearer {access_token}"


@pytest.mark.parametrize(
    ("name", "client", "urls"),
    [
        (
            "wechat",
            "mini",
            [
                "https://api.weixin.qq.com/sns/jscode2session",
                "https://api.weixin.qq.com/cgi-bin/stable_token",
                "https://api.weixin.qq.com/wxa/business/getuserphonenumber",
            ],
        ),
        ("alipay", "mini", ["https://openapi.alipay.com/gateway.do"] * 2),
        ("github", "pc", ["https://github.com/login/oauth/access_token", "https://api.github.com/user"]),
    ],
)
def test_wire_shows_the_vendors_addresses(name: str, client: str, urls: list[str]) -> None:
    """Whether they are in the class, defaults of the settings, or chosen by the provider."""
    login = describe_login(record(name, client))
    assert [request.url for request in login.requests if request.sender == "shop"] == urls


def test_wire_shows_the_addresses_of_a_documented_discovery() -> None:
    """Of an OpenID provider the vendor's own discovery document tells them."""
    login = describe_login(record("google", "pc"))
    assert find(login, "discovery").url == "https://accounts.google.com/.well-known/openid-configuration"
    assert find(login, "authorize").url == "https://accounts.google.com/o/oauth2/v2/auth"
    assert find(login, "token").url == "https://oauth2.googleapis.com/token"
    assert find(login, "jwks").url == "https://www.googleapis.com/oauth2/v3/certs"
    assert find(login, "token").headers["authorization"] == "Basic base64(sandbox-client:{client_secret})"


def test_wire_shows_a_callback_that_is_a_form() -> None:
    """With `form_post` the browser posts the response to our callback."""
    callback = find(describe_login(record("apple", "pc")), "callback")
    assert (callback.method, callback.body_kind) == ("POST", "form")
    assert callback.body == {"state": "{state}", "code": "{code}", "user": "{user}"}


def test_wire_shows_what_an_app_posts() -> None:
    """First the string for its SDK, then what it posts to us, then our calls."""
    login = describe_login(record("wechat", "app"))
    assert [request.operation for request in login.requests] == ["login-url", "post", "token", "userinfo"]
    start, post, token, userinfo = login.requests
    assert start.body == {"appid": "wx5a7db0c0000000a3", "scope": "snsapi_userinfo", "state": "{state}"}
    assert (post.sender, post.body) == ("client", {"code": "{code}", "state": "{state}", "ticket": "{ticket}"})
    assert post.url.endswith("/connect/wechat/app/token")
    assert token.query["secret"] == "{app_secret}"
    assert userinfo.query["openid"] == "{openid}"


WRONG_CLAIMS = ACME_FILE.replace('user_id="id"', 'user_id="uid"')
BUG = ACME_FILE.replace(
    "class AcmeSandbox", "    def read_profile(self, answer):\n        return answer['nobody']\n\n\nclass AcmeSandbox"
)
REFUSING = f"""{ACME_FILE}
AcmeSandbox.client_secret = "another-secret"
AcmeSandbox.settings = lambda self, url, client: {{
    **OAuth2Sandbox.settings(self, url, client), "client_secret": "s3cr3t-s3cr3t"
}}
"""


LACKS_UID = "provider_bad_response: the answer has nothing at uid (user_id); it has id, name"


@pytest.mark.parametrize(
    ("text", "operations", "status", "error"),
    [
        (WRONG_CLAIMS, ["authorize", "callback", "token", "userinfo"], 200, LACKS_UID),
        (BUG, ["authorize", "callback", "token", "userinfo"], 200, "KeyError in read_profile, acme.py line 17"),
        (
            REFUSING,
            ["authorize", "callback", "token"],
            400,
            "provider_config: the vendor answered with an error (the vendor: error invalid_client)",
        ),
    ],
)
def test_wire_shows_a_login_that_fails(
    tmp_path: Path, text: str, operations: list[str], status: int, error: str
) -> None:
    """Every request up to there, and why: what the provider raised, without a secret."""
    login = wire_of_acme(tmp_path, text)
    assert [request.operation for request in login.requests] == operations
    assert login.requests[-1].status == status
    assert login.error.startswith(error)
    assert "s3cr3t" not in str(login)


def test_wire_shows_a_login_that_the_sandbox_refuses(tmp_path: Path) -> None:
    """The consent page answers an error: the authorization request is shown, and what the sandbox said."""
    login = wire_of_acme(tmp_path, REFUSING.replace("client_secret", "client_id"))
    assert [request.operation for request in login.requests] == ["authorize"]
    assert "400 unauthorized_client" in login.error


def test_wire_says_that_a_login_lost_its_profile() -> None:
    """The login stands on the id, so nothing else shows that user-info could not be read."""
    plugins = Plugins([("wrapped", WrappedPlugins())], discover=False)
    login = describe_login(record_login(plugins, plugins.available["unopened"], ClientType.PC))
    assert login.error == ""
    assert login.lost.startswith("a profile: provider_bad_response: the answer has nothing at gid (user_id)")


def test_masks_hide_what_is_not_known() -> None:
    """By the name of a parameter, by the form of a token, and in a header whose scheme is nobody's."""
    masks = Masks(frozenset({"public-value"}))
    masks.learn({"client_secret": "s+cret/value"})
    assert masks.apply({"sign": "c2lnbmF0dXJl", "token": "public-value", "scope": "a b", "grant": 1}) == {
        "sign": MASK,
        "token": "public-value",
        "scope": "a b",
        "grant": 1,
    }
    assert masks.apply("x s+cret/value") == "x {client_secret}"
    assert masks.apply_to_text("https://x.example/?a=s%2Bcret%2Fvalue") == "https://x.example/?a={client_secret}"
    assert masks.apply("eyJhbGciOiJI.eyJzdWIi.c2ln") == MASK
    assert masks.apply_to_header("Authorization", "KakaoAK 0123456789") == f"KakaoAK {MASK}"
    pair = base64.b64encode(b"me:s%2Bcret%2Fvalue").decode()
    assert masks.apply_to_header("authorization", f"Basic {pair}") == "Basic base64(me:{client_secret})"
    assert masks.apply_to_header("authorization", "Basic bWU6eA==") == f"Basic base64(me:{MASK})"


# the command


def test_plugin_wire_prints_every_client_type(tmp_path: Path) -> None:
    """A heading for each, then the requests with their numbers; exit 0."""
    done = run_in(tmp_path, "plugin", "wire", "wechat")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# wechat, pc (redirect)",
        "# wechat, h5 (redirect)",
        "# wechat, app (ticketed_code)",
        "# wechat, mini (client_code)",
    ]
    start = lines.index("1. post (the app, mini program or page)", lines.index("# wechat, mini (client_code)"))
    assert lines[start + 2 : start + 16] == [
        "   json    code = {code}",
        "           nickname = 李华",
        "           phone_code = {phone_code}",
        "           encryptedData = {encryptedData}",
        "           iv = {iv}",
        "",
        "2. jscode2session",
        "   GET https://api.weixin.qq.com/sns/jscode2session",
        "   query   appid = wx5a7db0c0000000a4",
        "           secret = {app_secret}",
        "           js_code = {code}",
        "           grant_type = authorization_code",
        "   answer  HTTP 200: session_key, openid, unionid",
        "",
    ]
    assert lines[-1] == "the person is logged in"
    assert list(tmp_path.iterdir()) == []


def test_plugin_wire_prints_json(tmp_path: Path) -> None:
    """The same as data, for one client type."""
    done = run_in(tmp_path, "plugin", "wire", "github", "--client", "h5", "--json")
    [login] = json.loads(done.stdout)
    assert (done.returncode, login["plugin"], login["client"], login["entrance"]) == (0, "github", "h5", "redirect")
    assert [request["operation"] for request in login["requests"]] == ["authorize", "callback", "token", "userinfo"]
    assert login["requests"][2]["body"]["client_secret"] == "{client_secret}"
    assert (login["requests"][3]["status"], login["error"]) == (200, "")


def test_plugin_wire_of_a_login_that_fails_exits_with_1(tmp_path: Path) -> None:
    """With the requests and the reason, in both formats."""
    (tmp_path / "acme.py").write_text(WRONG_CLAIMS, "utf-8")
    info = tmp_path / "acme-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[connect_login]\nacme = acme\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    for options in ([], ["--json"]):
        done = run_in(tmp_path, "plugin", "wire", "acme", "--client", "pc", *options, PYTHONPATH=path)
        assert (done.returncode, done.stderr) == (1, "")
        assert "provider_bad_response: the answer has nothing at " in done.stdout
        assert "https://api.acme.example/me" in done.stdout


NOT_INSTALLED = "there is no plugin githu: did you `pip install -e` your package? The nearest names: github, gitee"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["githu"], NOT_INSTALLED),
        (["github", "--client", "mini"], "plugin github does not serve mini; it serves pc, h5"),
    ],
)
def test_plugin_wire_refuses_in_one_line(tmp_path: Path, arguments: list[str], reason: str) -> None:
    """Exit 2 for what does not exist."""
    assert refused(tmp_path, "plugin", "wire", *arguments) == [f"connect-login: {reason}"]
