"""`connect-login plugin`: new packages, what is installed, and the names that these commands had before."""

import re
import tomllib
from contextlib import chdir
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connect_core.cli import app
from connect_core.cli.plugin.new import VendorProtocol, new
from connect_core.errors import PluginError

from ..kit.commands import refused, run_in


@pytest.mark.parametrize("like", ["oauth2", "oidc", "custom"])
def test_new_plugin_writes_a_package_without_a_secret(tmp_path: Path, like: str) -> None:
    """Sources that compile, a project with the entry point, and nothing that could be taken for somebody's secret."""
    done = run_in(tmp_path, "plugin", "new", "acme_pay", "--like", like, "--folder", "here")
    assert (done.returncode, done.stderr) == (0, "")
    files = [path for path in (tmp_path / "here").rglob("*") if path.is_file()]
    texts = {path.relative_to(tmp_path / "here"): path.read_text("utf-8") for path in files}
    for path, text in texts.items():
        assert "$" not in text.replace("${{ matrix.", "")
        if path.suffix == ".py":
            compile(text, str(path), "exec")
        assert not re.search(r"secret\w* *[=:] *.(?!env:|sandbox-secret)[\w-]{8,}[\"']", text, re.IGNORECASE), path
    project = tomllib.loads(texts[Path("pyproject.toml")])["project"]
    assert (project["name"], project["entry-points"]["connect_login"]) == (
        "connect-acme_pay",
        {"acme_pay": "connect_acme_pay"},
    )
    assert project["license"] == "Apache-2.0"
    assert {Path(".gitignore"), Path("CHANGELOG.md"), Path(".github/workflows/test.yml")} <= texts.keys()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Acme", "give a Python identifier in lower case, .*; for example acme$"),
        ("acme-pay", "give a Python identifier in lower case, .*; for example acme_pay$"),
        ("1acme", "give a Python identifier in lower case"),
        ("../acme", "give a Python identifier in lower case"),
        ("class", "give a Python identifier in lower case"),
        ("a" * 33, "give a Python identifier in lower case"),
        ("wechat", "a plugin of this name is installed already"),
        ("core", "a package connect_core is installed already"),
        ("taken", "exists already; nothing was written"),
        ("file", "exists already; nothing was written"),
    ],
)
def test_new_plugin_takes_no_name_that_cannot_work(tmp_path: Path, name: str, told: str) -> None:
    """The reason is told and nothing written, least of all over what is there."""
    (tmp_path / "connect-taken").mkdir()
    (tmp_path / "connect-taken" / "mine").write_text("mine")
    (tmp_path / "connect-file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with chdir(tmp_path), pytest.raises(PluginError, match=told):
        new(name, VendorProtocol.CUSTOM)
    assert sorted(tmp_path.rglob("*")) == before


def test_new_plugin_tells_a_mistake_in_one_line(tmp_path: Path) -> None:
    """Exit 2, as any mistake."""
    [line] = refused(tmp_path, "plugin", "new", "wechat")
    assert line == "connect-login: wechat: a plugin of this name is installed already"


def read(folder: Path, name: str = "connect_acme/__init__.py") -> str:
    return (folder / name).read_text("utf-8")


def test_new_plugin_writes_what_the_options_say(tmp_path: Path) -> None:
    """Addresses, titles and entrances are in the provider; the README says what to register and what is posted."""
    options = [
        *("--title", "zh=极品", "--title", "en=Acme Pay", "--clients", "pc,mini,app", "--phone"),
        *("--authorize", "https://id.acme.example/oauth/authorize", "--userinfo", "https://api.acme.example/me"),
    ]
    done = run_in(tmp_path, "plugin", "new", "acme", "--folder", ".", *options)
    assert (done.returncode, done.stderr) == (0, "")
    provider, readme = read(tmp_path), read(tmp_path, "README.md")
    for line in (
        'titles = {"zh": "极品", "en": "Acme Pay"}',
        'authorize_url = "https://id.acme.example/oauth/authorize"',
        'token_url = "https://acme.example/token"',
        'userinfo_url = "https://api.acme.example/me"',
        'code_url = "https://acme.example/code"',
        'phone_url = "https://acme.example/phone"',
    ):
        assert f"    {line}\n" in provider
    assert re.findall(r"ClientType\.(\w+): Entrance\.(\w+)", provider) == [
        ("PC", "REDIRECT"),
        ("MINI", "CLIENT_CODE"),
        ("APP", "CLIENT_CODE"),
    ]
    assert "Login with Acme Pay" in read(tmp_path, "pyproject.toml")
    assert re.findall(r"https://YOUR-SHOP/connect/(.+?)`?\n", readme) == [
        "acme/pc/callback",
        "acme/mini/token",
        "acme/app/token",
    ]
    assert '{"code": "…", "phone_code": "…"}' in readme
    assert tomllib.loads(re.findall("```toml\n(.+?)```", readme, re.DOTALL)[0])["clients"] == {
        client: ["acme"] for client in ("pc", "mini", "app")
    }


def test_new_plugin_for_an_app_of_an_openid_provider(tmp_path: Path) -> None:
    """An app posts an ID token with a ticket; the issuer is the setting's default."""
    new("acme", VendorProtocol.OIDC, tmp_path, clients="h5,app", issuer="https://login.acme.example/v2")
    assert '        "https://login.acme.example/v2",\n' in read(tmp_path)
    assert "ClientType.APP: Entrance.CREDENTIAL" in read(tmp_path)
    assert '`{"id_token": "…", "ticket": "…"}`' in read(tmp_path, "README.md")


def test_new_plugin_for_a_mini_program_alone(tmp_path: Path) -> None:
    """It has no page and no token call of a redirect: `--token` is where the client's code is redeemed."""
    new("acme", VendorProtocol.OAUTH2, tmp_path, clients="mini", token="https://api.acme.example/session")
    assert '    code_url = "https://api.acme.example/session"\n' in read(tmp_path)
    assert not re.search("authorize_url|token_url =", read(tmp_path))
    assert "callback" not in read(tmp_path, "README.md")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            "--clients pc,watch",
            "--clients: 'watch' is no client type; give some of pc, h5, app, mini, with commas between",
        ),
        ("--clients pc,", "--clients: '' is no client type; give some of pc, h5, app, mini, with commas between"),
        ("--title Acme", "--title Acme: give zh=TITLE or en=TITLE"),
        ("--title fr=Acme", "--title fr=Acme: give zh=TITLE or en=TITLE"),
        ("--title en=", "--title en=: give zh=TITLE or en=TITLE"),
        ("--title en=a --title en=b", "--title: en is given twice"),
        (f"--title zh={'极' * 33}", "--title zh: give at most 32 printable characters"),
        ("--title zh=a\u202eb", "--title zh: give at most 32 printable characters"),
        ("--token acme.example/token", "--token: give an absolute https:// address"),
        (
            "--authorize http://acme.example/a",
            "--authorize: plain http is accepted for loopback hosts only; use https://",
        ),
        (
            "--userinfo https://acme.example",
            "--userinfo: give an address with a path of letters, digits and punctuation but % and {}",
        ),
        (
            "--userinfo https://acme.example/{user}",
            "--userinfo: give an address with a path of letters, digits and punctuation but % and {}",
        ),
        (
            "--token https://a.example/oauth --userinfo https://b.example/oauth",
            "--userinfo: its path is that of token_url too, which --like custom alone can do",
        ),
        (
            "--token https://a.example/authorize",
            "--token: its path is that of authorize_url too, which --like custom alone can do",
        ),
        (f"--token https://a.example/{'a' * 300}", "--token: give at most 255 characters"),
        ("--phone", "--phone: goes with mini or app in --clients"),
        (
            "--clients mini --authorize https://a.example/a",
            "--authorize: goes with pc or h5 in --clients; mini programs and apps begin in the vendor's SDK",
        ),
        ("--issuer https://a.example", "--issuer: goes with --like oidc"),
        (
            "--like oidc --issuer https://a.example?x=1",
            "--issuer: give the issuer as its provider writes it: no query, at most 255 characters",
        ),
        (
            "--like oidc --token https://a.example/token",
            "--token: goes with --like oauth2 and custom; give --issuer, which leads to the rest",
        ),
        (
            "--like oidc --clients mini",
            "--clients: OpenID Connect has no login for mini programs; use --like oauth2 or --like custom",
        ),
        (
            "--like oidc --clients app --phone",
            "--phone: goes with --like oauth2 and custom; OpenID Connect has the number in the claim phone_number",
        ),
    ],
)
def test_new_plugin_refuses_options_in_one_line(tmp_path: Path, options: str, reason: str) -> None:
    """What is wrong with which option; nothing is written."""
    result = CliRunner().invoke(app, ["plugin", "new", "acme", "--folder", str(tmp_path / "new"), *options.split(" ")])
    assert isinstance(result.exception, PluginError)
    assert str(result.exception) == reason
    assert list(tmp_path.iterdir()) == []


def test_new_plugin_with_a_bad_option_exits_with_2(tmp_path: Path) -> None:
    """As any mistake."""
    assert refused(tmp_path, "plugin", "new", "acme", "--phone") == [
        "connect-login: --phone: goes with mini or app in --clients"
    ]


@pytest.mark.parametrize(
    ("old", "new_name", "code"),
    [
        (["new-plugin", "acme", "--folder", "there"], "plugin new", 0),
        (["contract", "nowhere"], "plugin check", 2),
        (["providers", "--installed"], "plugin list", 0),
    ],
)
def test_old_names_of_commands_work_and_say_the_new_one(
    tmp_path: Path, old: list[str], new_name: str, code: int
) -> None:
    """For one release; the warning is on standard error, and `--help` shows the new names alone."""
    done = run_in(tmp_path, *old)
    assert done.returncode == code
    assert f"is now called {new_name};" in done.stderr.splitlines()[0]
    assert f"  {old[0]} " not in run_in(tmp_path, "--help").stdout or old[0] == "providers"


def test_plugin_list_shows_what_is_installed(tmp_path: Path) -> None:
    """A line for each plugin with its union type and client types; no configuration is read."""
    done = run_in(tmp_path, "plugin", "list")
    assert (done.returncode, done.stderr) == (0, "")
    assert ["alipay", "ALIPAY", "pc", "h5", "mini", "app"] in [line.split() for line in done.stdout.splitlines()]
