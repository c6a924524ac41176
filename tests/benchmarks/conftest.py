"""What every benchmark gets: the vendors."""

import sys
from collections.abc import Callable, Iterator

import pytest

from .stand import running_doubles


@pytest.fixture(scope="session")
def doubles(require: Callable[[object, str], None]) -> Iterator[str]:
    """The vendors' doubles; the settings that reach them."""
    require(sys.platform == "linux", "CPU time of another process is read as on Linux")
    with running_doubles() as settings:
        yield settings
