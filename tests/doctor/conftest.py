"""A bench for each test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ..conftest import Require
from .bench import Bench


@pytest.fixture
def bench(tmp_path: Path, require: Require) -> Iterator[Bench]:
    """A sound shop."""
    with ExitStack() as stack:
        yield Bench(tmp_path, stack, require)
