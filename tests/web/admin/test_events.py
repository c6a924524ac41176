"""The screens of events and webhooks: what is listed, and what an operator may send again."""

import re
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connect_core.sandbox import listen, serving
from connect_core.sandbox.serving import get_url

from ...kit.acme import execute
from ...kit.admin_pages import AdminShop, get_text
from ...kit.admin_people import WEBHOOK, log_in, run_people_shop


class Receiver:
    """An endpoint that answers with `status`."""

    def __init__(self) -> None:
        self.status, self.taken = 204, 0

    async def take(self, request: Request) -> Response:
        """Take an event."""
        self.taken += 1
        return Response(status_code=self.status)


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    """What the webhook leads to."""
    return Receiver()


@pytest.fixture(scope="module")
def shop(receiver: Receiver) -> Iterator[AdminShop]:
    """A shop that sends its events to the receiver, where two members have logged in."""
    app = Starlette(routes=[Route("/events", receiver.take, methods=["POST"])])
    with listen(0) as listener, serving(app, listener=listener):
        webhook = {**WEBHOOK, "url": f"{get_url(listener)}/events"}
        with run_people_shop(webhooks={"crm": webhook}) as running:
            log_in(running, "li.1", "wang.1")
            yield running


def test_events_are_filtered_by_kind_and_member(shop: AdminShop) -> None:
    """A kind or a number that does not exist filters nothing, or finds nothing; no filter is an error."""
    with shop.browsing("viewer") as browser:
        assert get_text(browser.get("/events")).count("m_") == 0
        assert browser.get("/events", kind="registered").text.count('<code class="mono">registered</code>') == 2
        one = browser.get("/events", kind="registered", member="1").text
        assert one.count('<code class="mono">registered</code>') == 1
        assert browser.get("/events", kind="' OR 1=1", member="x", before="-1").status_code == 200
        assert "no such event" in get_text(browser.get("/events", member="999"))


def test_an_operator_tests_an_endpoint(shop: AdminShop, receiver: Receiver) -> None:
    """The page says what it answered; an endpoint that is not configured does not exist."""
    with shop.browsing("operator") as browser:
        page = "/events/webhooks"
        receiver.status = 204
        assert "took the test: HTTP status 204" in get_text(browser.post(f"{page}/test", page=page, endpoint="crm"))
        receiver.status = 500
        assert "did not take the test" in get_text(answer := browser.post(f"{page}/test", page=page, endpoint="crm"))
        assert "http_500" in answer.text
        receiver.status = 204
        assert browser.post(f"{page}/test", page=page, endpoint="nobody").status_code == 404


def test_what_was_given_up_is_sent_again(shop: AdminShop) -> None:
    """One delivery, or all of an endpoint; each is in the audit log, and they wait again."""
    execute(
        shop.shop.database_url, "UPDATE es_webhook_delivery SET state = 'dead', last_error = 'timeout', end_time = 1"
    )
    page = "/events/webhooks"
    with shop.browsing("operator") as browser:
        listed = browser.get(page, endpoint="crm", state="dead").text
        numbers = re.findall('name="delivery" value="([0-9]+)"', listed)
        assert len(numbers) >= 2
        assert "timeout" in listed
        answer = browser.post(f"{page}/replay", page=f"{page}?state=dead", delivery=numbers[0])
        assert "It is sent again." in get_text(browser.get(answer.headers["location"].removeprefix("/connect/admin")))
        browser.post(f"{page}/replay-dead", page=page, endpoint="crm")
        assert 'value="dead"' not in re.sub("<option.*?</option>", "", browser.get(page, state="dead").text)
        assert browser.post(f"{page}/replay", page=page, delivery="999999").status_code == 404
    states = {row["state"] for row in shop.shop.rows("es_webhook_delivery")}
    assert "dead" not in states
    actions = [row["action"] for row in shop.shop.rows("es_admin_audit") if row["action"] == "webhook.replayed"]
    assert len(actions) == 2


def test_a_disabled_endpoint_is_enabled(shop: AdminShop) -> None:
    """The button is there for an operator alone, and only while the endpoint is disabled."""
    execute(shop.shop.database_url, "DELETE FROM es_webhook_endpoint")
    execute(
        shop.shop.database_url,
        "INSERT INTO es_webhook_endpoint (name, state, disabled_time) VALUES ('crm', 'disabled', 1)",
    )
    page, button = "/events/webhooks", "/events/webhooks/enable"
    with shop.browsing("viewer") as viewer:
        assert "Disabled" in get_text(seen := viewer.get(page))
        assert button not in seen.text
    with shop.browsing("operator") as browser:
        assert button in browser.get(page).text
        answer: httpx.Response = browser.post(button, page=page, endpoint="crm")
        after = browser.get(answer.headers["location"].removeprefix("/connect/admin"))
    assert "The endpoint is enabled" in get_text(after)
    assert button not in after.text
