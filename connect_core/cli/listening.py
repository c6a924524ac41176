"""Opening the sockets of `serve`, `demo` and `sandbox`, and why one cannot be opened, in one line.

Every socket listens when it is returned, so a command that then says its address says the truth.
"""

import errno
import ipaddress
import socket
from typing import Annotated

import typer

from connect_core.errors import SettingsError

BACKLOG = 2048
"""Connections that wait until the service takes them."""
_HIGHEST_PORT = 65535
_UNPRIVILEGED = 1024
"""The lowest port that a user without rights of their own may listen on, unless the system says otherwise."""


def parse_port(text: str | int, option: str = "--port") -> int:
    """Return the port that `text` names, 0 to 65535. Raises `SettingsError`, which names `option`."""
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= _HIGHEST_PORT:
        raise SettingsError([f"{option}: give a number from 0 to {_HIGHEST_PORT}; 0 takes any free port"])
    return port


Port = Annotated[int, typer.Option(parser=parse_port, metavar="PORT", help="Port to listen on; 0: any free port.")]


def listen_on(host: str, port: int, option: str = "--port") -> socket.socket:
    """Return a socket that listens on `host` (an address or a name of this machine) and `port` (0: a free one).

    `option` is where the port was given. Of a name with addresses of both kinds the IPv4 address is taken. Raises
    `SettingsError` with one line that names the option and the remedy.
    """
    family, address = _resolve(host)
    if port > _HIGHEST_PORT:
        raise SettingsError([f"{option}: {port} is the next one, and there is none above {_HIGHEST_PORT}"])
    try:
        return socket.create_server((address, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError([explain_bind_error(error, host, port, option)]) from None


def get_address(listener: socket.socket) -> str:
    """Return the address and port of a socket as they stand in a URL, such as `127.0.0.1:8000` or `[::1]:8000`."""
    host, port = listener.getsockname()[:2]
    return f"{bracket(host)}:{port}"


def bracket(host: str) -> str:
    """Return `host` as it stands in a URL: an IPv6 address in brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]" if ":" in host else host


def find_network_address() -> str:
    """Return the IPv4 address by which other machines of the local network reach this one. Sends nothing.

    Raises `SettingsError` where there is none.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: nobody's; connecting a datagram socket only picks our address
            address = str(probe.getsockname()[0])
        except OSError:
            address = ""
    if not address or ipaddress.ip_address(address).is_loopback:
        raise SettingsError(["--host: this machine is in no network; give the address by which a phone reaches it"])
    return address


def resolve(host: str) -> str:
    """Return the IP address of `host`, an address or a name. Raises `SettingsError`."""
    return _resolve(host)[1]


def explain_bind_error(error: OSError, host: str, port: int, option: str = "--port") -> str:
    """Return why nobody can listen on `host` and `port`, which `option` gave, and what to do about it."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"{option}: something else listens on port {port} already; stop it, or give another port"
        case errno.EACCES | errno.EPERM if port < _UNPRIVILEGED:
            return (
                f"{option}: this user may not listen on port {port}; give one from {_UNPRIVILEGED} on, "
                "and let a proxy before it take the other"
            )
        case errno.EADDRNOTAVAIL:
            return f"--host: {host} is no address of this machine; 0.0.0.0 listens on all of them"
        case _:
            return f"--host: nothing can listen on {host}, port {port}: {error.strerror}"


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    try:
        if not host.strip():
            raise ValueError
        infos = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # UnicodeError, a name that cannot be one, is a ValueError
        raise SettingsError([f"--host: {host or 'an empty name'} has no address; give an address or a name"]) from None
    family, _, _, _, address = min(infos, key=lambda info: info[0] != socket.AF_INET)
    return family, str(address[0])
