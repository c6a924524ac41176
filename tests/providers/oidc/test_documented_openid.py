"""Harbor, the OpenID provider of `docs/examples/connect-harbor`: the example of an ID token is compared too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HARBOR = Path(__file__).parents[3] / "docs/examples/connect-harbor"
WRONG = """
from connect_core.plugin import Profile
from connect_core.testing import ProviderContract

class TestWrong(ProviderContract):
    plugin = "harbor"
    documented_profile = Profile.of(nickname="John Doe", face="https://img.harbor.example/jane.jpg")
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which Harbor is an installed distribution."""
    info = tmp_path / "connect_harbor-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: connect-harbor\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[connect_login]\nharbor = connect_harbor\n")
    path = os.pathsep.join(filter(None, (str(tmp_path), str(HARBOR), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as the plugin's author does."""
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_the_example_of_an_id_token_names_the_person(environment: dict[str, str]) -> None:
    """Its claims are signed for the login, for PC and for H5, whose keys are in the cache; no rule is left out."""
    done = run(environment, str(HARBOR / "tests"), "-k", "documented")
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout
    assert "skipped" not in done.stdout


def test_another_profile_than_the_documented_one_is_found(environment: dict[str, str], tmp_path: Path) -> None:
    """So the example is read, and not the sandbox's own answer."""
    suite = tmp_path / "test_wrong.py"
    suite.write_text(WRONG, "utf-8")
    done = run(environment, str(suite), "-k", "documented_person")
    assert done.returncode == 1
    assert "nickname is 'Jane Doe', not 'John Doe'" in done.stdout
