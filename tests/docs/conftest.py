"""How these tests are spread over processes: the blocks of one page in one process, and so the tests of one file."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling


class PagesApart(LoadScopeScheduling):
    """Gives each process whole pages, as the blocks of a page build on each other, and whole files of tests."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        page, _, line = test.rpartition(":")
        return page if line else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Called where tests run in several processes."""
    return PagesApart(config, log)
