"""Whoever counts in a test's process stops at the test's end."""

from collections.abc import Iterator

import pytest

from connect_core import measurements


@pytest.fixture(autouse=True)
def restored_measurements() -> Iterator[None]:
    """Give the process's measurements back to whoever had them."""
    before = measurements.listen(measurements.Measurements())
    yield
    measurements.listen(before)
