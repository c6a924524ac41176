"""What the lines of a request carry: its id, the client's address, the time so far, and the process."""

import asyncio
import json
import logging
import os

import pytest

from connect_core.harness import Visitor
from connect_core.observability.logs import JsonFormatter
from connect_core.observability.request_context import logging_request

from ..kit.databases import run_shop

log = logging.getLogger("connect_login")


def test_lines_of_a_request_carry_address_and_duration(caplog: pytest.LogCaptureFixture) -> None:
    """A login, its registration and its binding, and a refusal; each with the id that the client got."""
    caplog.set_level(logging.INFO, "connect_login")

    def believe_proxies(raw: dict[str, dict[str, object]]) -> None:
        raw["service"] = {"trusted_proxies": ["127.0.0.0/8"]}

    with run_shop(change=believe_proxies) as shop, Visitor(shop) as visitor:
        forwarded = {"x-forwarded-for": "203.0.113.7"}
        parameters = visitor.client_parameters("alipay", "mini")
        login = visitor.http.post("/connect/alipay/mini/token", json=parameters, headers=forwarded)
        bearer = {"authorization": f"Bearer {login.json()['access_token']}"}
        again = visitor.http.post("/connect/alipay/mini/token", json=parameters, headers=forwarded)
        assert (login.status_code, again.status_code) == (200, 400)
        assert visitor.http.get("/connect/connections", headers=bearer).status_code == 200
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records if record.name == log.name]
    by_event = {line["event"]: line for line in lines}
    assert by_event.keys() >= {"registered", "bound", "logged_in", "login_refused"}
    for event, answer in (("registered", login), ("bound", login), ("logged_in", login), ("login_refused", again)):
        line = by_event[event]
        assert (line["address"], line["pid"]) == ("203.0.113.7", os.getpid())
        assert 0 <= line["duration_ms"] < 60_000
        assert line["request_id"] == answer.headers["x-request-id"]


async def test_requests_at_the_same_time_keep_apart(caplog: pytest.LogCaptureFixture) -> None:
    """Each line carries its own request's fields; a line of no request carries none."""

    async def serve(number: int) -> None:
        with logging_request(f"r{number}", lambda: f"203.0.113.{number}"):
            await asyncio.sleep(0.001)
            log.warning("in %s", number)

    await asyncio.gather(*(asyncio.create_task(serve(number)) for number in range(20)))
    log.warning("outside")
    *inside, outside = caplog.records
    assert sorted(vars(record)["address"] for record in inside) == sorted(f"203.0.113.{n}" for n in range(20))
    assert all(record.message == f"in {vars(record)['request_id'][1:]}" for record in inside)
    assert not {"address", "request_id", "duration_ms"} & vars(outside).keys()


def test_a_lines_own_fields_stay(caplog: pytest.LogCaptureFixture) -> None:
    """What the code says itself is not replaced."""
    with logging_request("r1", lambda: "203.0.113.1"):
        log.warning("told", extra={"request_id": "another"})
    assert vars(caplog.records[0])["request_id"] == "another"
