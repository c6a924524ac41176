"""Nginx, Caddy and Traefik, each run with its files from `docs/operations` in front of the real service, with TLS.

Of a file only ports, folders, the host's name and the certificate are replaced.
"""

import datetime as dt
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette

from connect_core.harness import RunningShop

from ...conftest import Require
from ...kit.ports import free_port
from ...kit.web_shops import Served, served
from .operations import find_program, read_operations

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
Change = Callable[[str], str]
"""What a test changes in the file that passes requests on."""


class Ports:
    """Where a proxy listens, and where the service behind it does."""

    def __init__(self, service: int) -> None:
        self.http, self.https = free_port(), free_port()
        self.service = service


def write_nginx(folder: Path, ports: Ports, change: Change, upstream: str = "") -> list[str]:
    """Write nginx's files, have nginx check them, and return the command; `upstream` replaces the file of that name."""
    upstream = upstream or read_operations("nginx/upstream.conf", {"127.0.0.1:8000": f"127.0.0.1:{ports.service}"})
    replacements = {
        "listen 80;": f"listen 127.0.0.1:{ports.http};",
        "listen 443 ": f"listen 127.0.0.1:{ports.https} ",
        "shop.example": "localhost",
        "/etc/nginx/tls": str(folder),
        "/var/log/nginx": str(folder),
    }
    servers = change(read_operations("nginx/connect-login.conf", replacements))
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in TEMPORARY)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n{temporary}access_log off;\n{upstream}\n{servers}\n}}\n",
        "utf-8",
    )
    command = ["nginx", "-c", str(config)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=20)
    assert checked.returncode == 0, checked.stderr
    return command


def write_caddy(folder: Path, ports: Ports, change: Change) -> list[str]:
    """Write the Caddyfile and return the command."""
    options = (
        f"admin off\n\tpersist_config off\n\tskip_install_trust\n\tdefault_bind 127.0.0.1\n"
        f"\tstorage file_system {folder}/storage\n\thttp_port {ports.http}\n\thttps_port {ports.https}"
    )
    replacements = {
        "{\n\tservers {": f"{{\n\t{options}\n\tservers {{",
        "shop.example {\n": f"localhost {{\n\ttls {folder}/fullchain.pem {folder}/privkey.pem\n",
        "127.0.0.1:8000": f"127.0.0.1:{ports.service}",
        "/var/log/caddy": str(folder),
    }
    config = folder / "Caddyfile"
    config.write_text(change(read_operations("caddy/Caddyfile", replacements)), "utf-8")
    return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]


def write_traefik(folder: Path, ports: Ports, change: Change) -> list[str]:
    """Write Traefik's two files and return the command."""
    static = read_operations(
        "traefik/traefik.yml",
        {
            '":80"': f'"127.0.0.1:{ports.http}"',
            '":443"': f'"127.0.0.1:{ports.https}"',
            "/etc/traefik": str(folder),
            "/var/lib/traefik": str(folder),
            "/var/log/traefik": str(folder),
        },
    )
    dynamic = read_operations(
        "traefik/connect-login.yml",
        {
            "shop.example": "localhost",
            "127.0.0.1:8000": f"127.0.0.1:{ports.service}",
            "      tls:\n        certResolver: letsencrypt\n": "      tls: {}\n",
        },
    )
    (folder / "traefik.yml").write_text(static, "utf-8")
    certificate = (
        f"tls:\n  certificates:\n    - certFile: {folder}/fullchain.pem\n      keyFile: {folder}/privkey.pem\n"
    )
    (folder / "connect-login.yml").write_text(change(dynamic) + certificate, "utf-8")
    return ["traefik", f"--configFile={folder}/traefik.yml"]


WRITERS = {"nginx": write_nginx, "caddy": write_caddy, "traefik": write_traefik}


@contextmanager
def behind(
    proxy: str, folder: Path, require: Require, root: str = "", change: Change = str
) -> Iterator[tuple[RunningShop, Ports]]:
    """Run the service, which browsers reach below `root`, behind a proxy, and give the proxy's ports too."""
    program = find_program(proxy)
    require(program, f"{proxy} is not installed")
    folder.chmod(0o755)  # nginx's workers are another user
    write_certificate(folder)
    ports = Ports(0)
    service = {"public_url": f"https://localhost:{ports.https}", "trusted_proxies": ["127.0.0.1"], "root_path": root}
    limits = {"per_address": "40/hour"}
    with served(folder, service=service, change=add_long_login, limits=limits) as running:
        ports.service = _get_port(running)
        _, *options = WRITERS[proxy](folder, ports, change)
        with (folder / "output").open("w") as output:
            process = subprocess.Popen([str(program), *options], stdout=output, stderr=output)
        try:
            url = f"{service['public_url']}{root}"
            wait_for_tls(f"{url}/connect/login", process, folder / "output")
            yield RunningShop(url, Starlette(), running.sandboxes, f"sqlite:///{running.database}", ""), ports
        finally:
            process.terminate()
            process.wait(30)


def add_long_login(raw: dict[str, Any]) -> None:
    """Configure the provider `long`, whose page has an address of 7 KiB."""
    url = f"https://vendor.example/authorize?policy={'p' * 7000}"
    raw["providers"]["long"] = {
        "plugin": "oauth2",
        "client_id": "shop",
        "client_secret": "secret",
        "authorize_url": url,
        "token_url": "https://vendor.example/token",
        "userinfo_url": "https://vendor.example/user",
    }
    raw["clients"]["pc"].append("long")


def _get_port(running: Served) -> int:
    return int(running.url.rpartition(":")[2])


def wait_for_tls(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    """Wait until a proxy passes requests on; its certificate is nobody's."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(url, verify=False, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(output.read_text("utf-8"))


def write_certificate(folder: Path) -> None:
    """Write a certificate of `localhost` and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*pem))
