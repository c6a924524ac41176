"""Nothing is lost and nothing overtakes when processes that send are killed at any moment, on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..conftest import MakeManager, Require
from ..kit.acme import NOTE
from ..kit.databases import ENGINES, fresh_database, is_answering, server_of
from ..kit.receiver import endpoint, receiving
from ..kit.senders import check_taken, send_and_be_killed


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, require: Require) -> Iterator[str]:
    """A fresh database of each engine in turn."""
    server = server_of(request.param)
    require(is_answering(server), f"{request.param} does not answer on this machine")
    with fresh_database(server, tmp_path) as url:
        (tmp_path / NOTE).write_text(url, "utf-8")
        yield url


@pytest.mark.usefixtures("database_url")
async def test_killed_senders_lose_nothing(make_manager: MakeManager, tmp_path: Path) -> None:
    """Each event is taken at least once; of each member, every one before those that came later."""
    with receiving() as receiver:
        manager = make_manager(webhooks={"shop": endpoint(receiver)})
        await send_and_be_killed(manager, tmp_path, receiver, [tmp_path])
    check_taken(tmp_path, receiver)
