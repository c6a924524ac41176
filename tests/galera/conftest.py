"""What the tests of a Galera cluster get: three nodes for the whole run, and a database of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connect_core.manager import ConnectManager

from ..conftest import MakeManager, Require
from ..kit.acme import NOTE
from ..kit.databases import check, new_database
from ..kit.galera import GaleraNode, running_galera
from ..kit.merges import make_shop

__all__ = ["make_shop"]


@pytest.fixture(scope="session")
def nodes(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[GaleraNode]]:
    """The nodes, all running; a test that kills one starts it again."""
    with running_galera(require, tmp_path_factory.mktemp("galera")) as nodes:
        yield nodes


@pytest.fixture
def database_url(request: pytest.FixtureRequest, nodes: list[GaleraNode], tmp_path: Path) -> Iterator[str]:
    """A fresh database of the cluster on its first node, looked through when the test is over."""
    with new_database(nodes[0].url, tmp_path) as url:
        (tmp_path / NOTE).write_text(url, "utf-8")
        yield url
        marks = request.node.iter_markers("breaks")
        check(url, *(rule for mark in marks for rule in mark.args))


@pytest.fixture
def urls(nodes: list[GaleraNode], database_url: str) -> list[str]:
    """The addresses of that database on each node."""
    url = make_url(database_url)
    return [url.set(port=node.port).render_as_string(hide_password=False) for node in nodes]


@pytest.fixture
def managers(make_shop: MakeManager, urls: list[str]) -> list[ConnectManager]:
    """Replicas of a shop with the vendors Acme, Beta and Gamma, each on a node of its own."""
    return [make_shop(service={"database_url": url}) for url in urls]
