"""What a service imports, and when: workers share what their main process has imported, and no more than they need."""

from pathlib import Path

import httpx
import pytest

from ..kit.web_shops import HTML, served

OF_OTHER_COMMANDS = {
    *("alembic", "httpcore", "httpx", "mako", "pygments", "pytest", "rich", "unittest"),
    *("connect_core.harness", "connect_core.importing", "connect_core.sandbox", "connect_core.testing"),
    "connect_core.store.schema.upgrade",
}
"""Modules that a service has no use for."""
LATE = {"encodings.unicode_escape"}
"""What a worker imports at its first request."""


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a service with two workers says, each import in a line, while it shows pages and begins a login."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    with (
        served(tmp_path, "--workers", "2") as service,
        httpx.Client(base_url=service.url, headers=HTML, trust_env=False, timeout=20) as browser,
    ):
        paths = ("/readyz", "/connect/login", "/connect/alipay/pc/login", "/connect/alipay/pc/callback?code=a")
        statuses = [browser.get(path).status_code for path in paths]
    assert statuses == [200, 200, 303, 400]
    return service.output.splitlines()


def test_what_a_service_imports(lines: list[str]) -> None:
    """Nothing that only other commands need, and nothing after the workers have started."""
    begun = next(number for number, line in enumerate(lines) if line.startswith("connect-login serves"))
    before, after = find_modules(lines[:begun]), find_modules(lines[begun:])
    assert after <= LATE
    assert "connect_core.web.app" in before
    assert not before & OF_OTHER_COMMANDS


def find_modules(lines: list[str]) -> set[str]:
    """The modules whose imports these lines report."""
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")} - {"imported package"}
