"""What every test gets: an environment of its own, and one rule for what a machine may lack."""

import os
from collections.abc import Callable, Iterator

import pytest

_FOREIGN = ("CONNECT_CONFIG", "CONNECT_SECRET_KEY", "SSLKEYLOGFILE", "SSL_CERT_DIR", "SSL_CERT_FILE")
_FOREIGN_ENDS = ("_proxy", "_PROXY")

Require = Callable[[object, str], None]


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """Hide the machine's proxies, certificates and the developer's own configuration from every test."""
    kept = dict(os.environ)
    for name in kept:
        if name in _FOREIGN or name.endswith(_FOREIGN_ENDS):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(autouse=True)
def own_environment(clean_environment: None) -> Iterator[None]:
    """Give back the environment as the test found it."""
    kept = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(scope="session")
def require() -> Require:
    """`require(condition, reason)`: without the condition a test is skipped, in CI (`CI=true`) it fails."""

    def demand(condition: object, reason: str) -> None:
        if condition:
            return
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"missing in CI: {reason}")
        pytest.skip(reason)

    return demand
