"""Hosts and ports that cannot be used: one line, exit 2, and nothing said before."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connect_core.cli import app, listening
from connect_core.cli.serve import init
from connect_core.errors import SettingsError
from connect_core.harness import make_settings, run_shop
from connect_core.settings import check_endpoint
from connect_core.settings.values import allow_plain_http

from ..kit.commands import refused

CORE = Path(listening.__file__).parents[1]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield int(listener.getsockname()[1])


def complain(*arguments: str) -> str:
    """The only line of a command that cannot start; it has said nothing before."""
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, SettingsError)
    assert result.output == ""
    [line] = result.exception.mistakes
    return line


@pytest.mark.parametrize("command", ["demo", "serve", "sandbox"])
@pytest.mark.parametrize("port", ["65536", "-1", "http", "8000.5", ""])
def test_a_port_that_is_none(command: str, port: str) -> None:
    """Before anything else is done."""
    assert complain(command, "--port", port) == "--port: give a number from 0 to 65535; 0 takes any free port"


@pytest.mark.parametrize("options", [["serve"], ["serve", "--workers", "2"], ["demo"], ["sandbox"]])
def test_a_port_in_use(tmp_path: Path, taken: int, options: list[str]) -> None:
    """In a process of its own: the line is all that is said."""
    init(tmp_path)
    [line] = refused(tmp_path, *options, "--port", str(taken))
    assert (
        line == f"connect-login: --port: something else listens on port {taken} already; stop it, or give another port"
    )


def test_the_sandboxes_of_the_demo_need_the_next_port() -> None:
    """There is none after the last; the shop has not begun to listen then."""
    assert complain("demo", "--port", "65535") == "--port: 65536 is the next one, and there is none above 65535"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("nowhere.invalid", "nowhere.invalid has no address"),
        ("", "an empty name has no address"),
        ("a" * 70 + ".example", "has no address"),
        ("203.0.113.7", "203.0.113.7 is no address of this machine"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_host_that_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, host: str, reason: str
) -> None:
    """A name without an address, or another machine's."""
    init(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.echo", lambda *_, **__: pytest.fail("said something before it listens"))
        result = CliRunner().invoke(app, [command, "--host", host, "--port", "0"])
    assert isinstance(result.exception, SettingsError)
    assert reason in str(result.exception)
    assert str(result.exception).startswith("--host: ")


def test_a_port_below_1024_names_its_remedy() -> None:
    """For a user without the right; the system's other refusals are told as they are."""
    refusal = PermissionError(errno.EACCES, "Permission denied")
    assert "this user may not listen on port 443; give one from 1024 on" in listening.explain_bind_error(
        refusal, "0.0.0.0", 443
    )
    assert listening.explain_bind_error(OSError(errno.ENOBUFS, "No buffer space"), "::1", 8000) == (
        "--host: nothing can listen on ::1, port 8000: No buffer space"
    )


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1")])
def test_a_socket_listens_before_its_address_is_said(host: str, address: str) -> None:
    """Of a name the IPv4 address; whoever connects is not refused."""
    with closing(listening.listen_on(host, 0)) as listener:
        said = listening.get_address(listener)
        assert said.startswith(f"{address}:")
        socket.create_connection(listener.getsockname()[:2], timeout=2).close()


def test_an_ipv6_address_stands_in_brackets() -> None:
    """In what is said; it may be given with or without them."""
    for host in ("::1", "[::1]"):
        with closing(listening.listen_on(host, 0)) as listener:
            assert listening.get_address(listener).startswith("[::1]:")


def test_the_demo_is_not_served_to_the_internet() -> None:
    """Everybody may log in as anybody there."""
    assert "8.8.8.8 is a public address" in complain("demo", "--host", "8.8.8.8")


def test_plain_http_outside_loopback_is_the_demos_alone() -> None:
    """Refused as ever before, beside and after it; no other module can switch it on."""
    address = "http://192.168.7.7:8000"
    with pytest.raises(ValueError, match="plain http"):
        check_endpoint(address)
    with allow_plain_http("192.168.7.7"):
        assert check_endpoint(address) == address
        with pytest.raises(ValueError, match="plain http"):
            check_endpoint("http://192.168.7.8:8000")
    with pytest.raises(ValueError, match="plain http"):
        check_endpoint(address)
    users = [path for path in CORE.rglob("*.py") if "allow_plain_http" in path.read_text("utf-8")]
    assert sorted(str(path.relative_to(CORE)) for path in users) == ["cli/demo.py", "settings/values.py"]


def test_a_shop_on_sockets_of_its_own_is_known_by_their_address(tmp_path: Path) -> None:
    """Its public URL and the vendors' addresses are those of the sockets, so that a phone can follow them."""
    listeners = listening.listen_on("127.0.0.2", 0), listening.listen_on("127.0.0.2", 0)
    with run_shop({}, ports=listeners) as shop:
        assert shop.url == f"http://{listening.get_address(listeners[0])}"
        assert shop.sandbox_url == f"http://{listening.get_address(listeners[1])}"
    assert make_settings("http://127.0.0.2:1", tmp_path / "connect.db").service.is_plain_loopback


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the kernel choose an address for what leaves this machine."""

    class Probe(socket.socket):
        chosen = ""

        def connect(self, address: object) -> None:
            if not self.chosen:
                raise OSError(errno.ENETUNREACH, "Network is unreachable")

        def getsockname(self) -> tuple[str, int]:
            return self.chosen, 1

    def choose(address: str) -> None:
        Probe.chosen = address
        monkeypatch.setattr(listening.socket, "socket", Probe)

    return choose


def test_the_address_in_the_network_is_found(pretend: Callable[[str], None]) -> None:
    """The one by which others reach this machine; without a network it is told."""
    pretend("192.168.7.7")
    assert listening.find_network_address() == "192.168.7.7"
    for nothing in ("", "127.0.0.1"):
        pretend(nothing)
        with pytest.raises(SettingsError, match="in no network"):
            listening.find_network_address()
