"""The receiver of docs/how-to/webhooks.md, with real logins."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from ..conftest import MakeManager
from ..kit.acme import hand_in, rows
from ..kit.receiver import OTHER_SECRET, SECRET

EXAMPLE = Path(__file__).parents[2] / "docs/examples/webhook_receiver/webhook_receiver.py"


def load() -> ModuleType:
    """Import the example."""
    spec = spec_from_file_location("webhook_receiver", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def running(path: Path, secret: str) -> Iterator[str]:
    """Run the example; yields its address."""
    server = load().make_server(0, str(path), [secret])
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.usefixtures("database_url")
async def test_the_example_takes_each_event_once(make_manager: MakeManager, tmp_path: Path) -> None:
    """Signed with the first or the second secret; what is sent again is known; another secret is refused."""
    path = tmp_path / "taken.db"
    with running(path, OTHER_SECRET) as url, running(tmp_path / "none.db", "whsec_" + "Q0ND" * 8) as stranger:
        section = {"secrets": [SECRET, OTHER_SECRET], "allow_private": True}
        manager = make_manager(webhooks={"shop": {"url": url, **section}, "stranger": {"url": stranger, **section}})
        await hand_in(manager, "lihua.1")
        assert await manager.webhooks.deliveries.deliver_due() == 3
        rows(tmp_path, "UPDATE es_webhook_delivery SET state = 'pending' WHERE endpoint = 'shop'")
        assert await manager.webhooks.deliveries.deliver_due() == 3
        errors = {view.name: view.last_error for view in await manager.webhooks.find_endpoints()}
    with closing(sqlite3.connect(path)) as database:
        taken = database.execute("SELECT type FROM event ORDER BY rowid").fetchall()
    assert taken == [("member.registered",), ("identity.linked",), ("member.logged_in",)]
    assert errors == {"shop": "", "stranger": "http_401"}
