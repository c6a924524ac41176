"""What every benchmark gets: the vendors."""

import sys
from collections.abc import Callable, Iterator

import pytest

from .processes import running_vendors


@pytest.fixture(scope="session")
def vendors(require: Callable[[object, str], None]) -> Iterator[str]:
    """The vendors' sandboxes; the settings that reach them."""
    require(sys.platform == "linux", "CPU time of another process is read as on Linux")
    with running_vendors() as settings:
        yield settings
