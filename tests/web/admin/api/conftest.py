"""What the tests of the management API share."""

from collections.abc import Iterator

import pytest

from ....kit.api_clients import close_clients


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    close_clients()
