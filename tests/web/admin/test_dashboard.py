"""The start page of the admin page: its numbers are those of the logins that were made, and the doctor can be run."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from connect_core import measurements
from connect_core.cli.serve import init
from connect_core.observability.metrics import Counts, SnapshotWriter, begin_counting
from connect_core.store import Database, doctor_runs

from ...kit.admin_pages import AdminShop, get_text
from ...kit.admin_people import WEBHOOK, log_in, run_people_shop


@pytest.fixture(scope="module")
def shop() -> Iterator[AdminShop]:
    """A shop with a webhook, where three members log in and one code is refused."""
    before = measurements.listen(Counts())  # of this shop alone
    with run_people_shop(webhooks={"crm": WEBHOOK}) as running:
        log_in(running, "li.1", "li.2", "wang.1")
        httpx.post(f"{running.shop.url}/connect/acme/mini/token", json={"code": "nobody.1"})
        yield running
    measurements.listen(before)


def test_the_way_of_logins_and_refusals_is_shown(shop: AdminShop) -> None:
    """Each provider and client type with its stages; refusals by code; the vendor's times; endpoints."""
    with shop.browsing("viewer") as browser:
        text = get_text(browser.get(""))
    assert "acme mini 4 4 3 3 75 %" in text
    assert "acme pc 0 0 0 0 0 %" in text
    assert "code_invalid 1" in text
    assert "acme login_callback 4 1" in text
    assert re.search("crm (Active|Failing) ", text)
    assert "The doctor has not been run" in text


def test_a_worker_says_what_its_numbers_leave_out(shop: AdminShop, tmp_path: Path) -> None:
    """With several workers and no snapshots they are its own; with snapshots they are everybody's."""
    state = shop.shop.app.state
    with shop.browsing("viewer") as browser:
        state.workers = 4
        assert "one of 4" in get_text(browser.get(""))
        SnapshotWriter(tmp_path).write(begin_counting().take())
        [written] = tmp_path.iterdir()
        shutil.copy(written, tmp_path / f"{os.getpid()}-1.json")
        state.snapshots = tmp_path
        text = get_text(browser.get(""))
        del state.workers, state.snapshots
    assert "Counted by all workers" in text
    assert "acme mini 8 8 6 6" in text


async def test_the_last_run_of_the_doctor_is_shown(shop: AdminShop) -> None:
    """What was found, with what to do, wherever it was run."""
    finding = '{"id": "redis_down", "level": "broken", "text": "Redis <b>.", "remedy": "Start it.", "subject": "redis"}'
    run = f'{{"time": 1000, "count": 9, "providers": [], "findings": [{finding}]}}'
    with closing(Database(shop.shop.database_url)) as database:
        await database.write(lambda tx: doctor_runs.store_run(tx, run, int(time.time())))
    with shop.browsing("viewer") as browser:
        page = browser.get("")
    assert "9 checks" in get_text(page)
    assert "Redis &lt;b&gt;." in page.text
    assert "Start it." in page.text


def test_without_a_configuration_file_nobody_runs_it_here(shop: AdminShop) -> None:
    """A shop that mounts the service has given us its settings, not their file: the page says what to do."""
    with shop.browsing("operator") as browser:
        assert "Run connect-login doctor on the machine" in get_text(browser.get(""))
        assert browser.post("/doctor", page="").status_code == 404


def test_the_result_of_the_doctor_is_shown(shop: AdminShop, tmp_path: Path) -> None:
    """The command runs in a process of its own, beside the service, and stores what it finds."""
    init(tmp_path)
    path = tmp_path / "connect.toml"
    text = path.read_text("utf-8").replace("sqlite:///connect.db", shop.shop.database_url)
    path.write_text(text + "\n[admin]\nenabled = true\n", "utf-8")
    shop.shop.app.state.config = path
    with shop.browsing("operator") as browser:
        before = get_text(browser.get("/doctor"))
        browser.post("/doctor", page="")
        deadline = time.monotonic() + 50
        while (text := get_text(browser.get("/doctor"))) == before:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert re.search("[0-9]+ checks", text)


def test_an_operator_runs_the_doctor(shop: AdminShop, tmp_path: Path) -> None:
    """The page loads itself again, without JavaScript, until there is a result; after its time it says what to do."""
    shop.shop.app.state.config = tmp_path / "missing.toml"  # the command ends at once, and stores nothing
    shop.clock.advance(120)  # past what other tests have stored
    with shop.browsing("operator") as browser:
        address = shop.shop.url + browser.post("/doctor", page="").headers["location"]
        waiting = browser.http.get(address)
        assert waiting.headers["refresh"] == "3"
        assert "is examining the service" in get_text(waiting)
        shop.clock.advance(61)
        late = browser.http.get(address)
    assert "refresh" not in late.headers
    assert "did not end in time" in get_text(late)
    assert [row["action"] for row in shop.shop.rows("es_admin_audit")][-1] == "doctor.run"
