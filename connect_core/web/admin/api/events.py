"""Events, webhooks and their deliveries in the management API. The rules are in `events.webhooks`."""

from typing import Annotated

from pydantic import Field

from connect_core.administrators.api_tokens import Scope
from connect_core.errors import BadRequest
from connect_core.events.webhooks import MOST_REPLAYED, STATES
from connect_core.manager import ConnectManager
from connect_core.store import event_search
from connect_core.store.event_search import EventFilter
from connect_core.web.admin.api import answers
from connect_core.web.admin.api.requests import LARGEST_ID, PAGE, ApiCall, ApiRoute, Body

_ENDPOINT = "/webhooks/endpoints/{endpoint}"


class DeliveryIds(Body):
    """DeliveryIds by their `id`."""

    ids: list[Annotated[int, Field(ge=1, le=LARGEST_ID)]] = Field(min_length=1, max_length=MOST_REPLAYED)


def event_routes(manager: ConnectManager) -> list[ApiRoute]:
    """Return the routes of this module."""
    api = _Events(manager)
    read, write = Scope.READ_EVENTS, Scope.WRITE_EVENTS
    return [
        ApiRoute("GET", "/events", read, api.list_events, "List events", query=("kind", "member_id", "before")),
        ApiRoute("GET", "/webhooks/endpoints", read, api.list_endpoints, "List endpoints of webhooks"),
        ApiRoute(
            "GET",
            "/webhooks/deliveries",
            read,
            api.list_deliveries,
            "List deliveries",
            query=("endpoint", "state", "before"),
        ),
        ApiRoute(
            "POST", "/webhooks/deliveries/replay", write, api.replay_deliveries, "Send deliveries again", DeliveryIds
        ),
        ApiRoute(
            "POST", f"{_ENDPOINT}/replay-dead", write, api.replay_dead_deliveries, "Send all dead deliveries again"
        ),
        ApiRoute("POST", f"{_ENDPOINT}/enable", write, api.enable_endpoint, "Enable an endpoint"),
        ApiRoute("POST", f"{_ENDPOINT}/test", write, api.test_endpoint, "Send a test"),
    ]


class _Events:
    def __init__(self, manager: ConnectManager) -> None:
        self._manager = manager

    async def list_events(self, call: ApiCall) -> answers.EventList:
        wanted = EventFilter(call.get("kind"), call.get_number("member_id"))
        before = call.get_number("before")
        rows, following = await self._manager.database.read(
            lambda tx: event_search.find_recent(tx, wanted, PAGE, before)
        )
        return {"events": [answers.Event(**row) for row in rows], "next_before": following}

    async def list_endpoints(self, call: ApiCall) -> answers.EndpointList:
        return {"endpoints": await self._manager.webhooks.find_endpoints()}

    async def list_deliveries(self, call: ApiCall) -> answers.DeliveryList:
        state = call.get("state")
        if state and state not in STATES:
            raise BadRequest(f"state: give one of {', '.join(STATES)}")
        listed = await self._manager.webhooks.find_deliveries(
            call.get("endpoint"), state, call.get_number("before"), PAGE
        )
        return {"deliveries": listed}

    async def replay_deliveries(self, call: ApiCall) -> answers.Replayed:
        body = await call.read(DeliveryIds)
        return {"replayed": await self._manager.webhooks.replay(body.ids, call.act())}

    async def replay_dead_deliveries(self, call: ApiCall) -> answers.Replayed:
        return {"replayed": await self._manager.webhooks.replay_dead(call.path["endpoint"], call.act())}

    async def enable_endpoint(self, call: ApiCall) -> answers.Changed:
        return {"changed": await self._manager.webhooks.enable(call.path["endpoint"], call.act())}

    async def test_endpoint(self, call: ApiCall) -> answers.TestSent:
        sent = await self._manager.webhooks.send_test(call.path["endpoint"], call.act())
        return {
            "status": sent.status,
            "error": sent.error,
            "seconds": sent.seconds,
            "retry_after": sent.retry_after,
            "is_delivered": sent.is_delivered,
        }
