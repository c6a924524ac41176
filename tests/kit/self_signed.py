"""A certificate that nobody trusts, made with the command `openssl`, and TLS with it."""

import ssl
import subprocess
from pathlib import Path


def make_self_signed(folder: Path) -> tuple[Path, Path]:
    """Return a new key and its own certificate for 127.0.0.1, as PEM files in `folder`."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    return key, cert


def make_tls(folder: Path) -> ssl.SSLContext:
    """Return the TLS of a server with such a certificate."""
    key, cert = make_self_signed(folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    return server
