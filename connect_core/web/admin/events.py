"""The screens *events and webhooks*: what happened lately, what endpoints got of it, and sending it again.

The rules of deliveries are in `events.webhooks`.
"""

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.events import kinds
from connect_core.events.webhooks import STATES, DeliveryView
from connect_core.store import event_search
from connect_core.store.event_search import EventFilter
from connect_core.store.webhooks import MOST_COUNTED
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.events import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.pages.links import with_query
from connect_core.web.requests import get_parameters

ROWS = 50
"""Events or deliveries on one page."""
_WEBHOOKS = "/events/webhooks"
KINDS = (
    kinds.REGISTERED,
    kinds.LOGGED_IN,
    kinds.BOUND,
    kinds.UNBOUND,
    kinds.CONFLICT,
    kinds.CONFLICT_KEPT,
    kinds.CONFLICT_SETTLED,
    kinds.ERASED,
    kinds.MERGED,
    kinds.MERGE_UNDONE,
    kinds.HANDED_OVER,
    kinds.HANDOVER_CONFLICT,
    kinds.DISABLED,
    kinds.ENABLED,
    kinds.SESSIONS_ENDED,
    kinds.VENDOR_NOTICE,
    kinds.LOGIN_REFUSED,
)
"""The kinds of events that are stored."""


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of these screens."""
    pages = _EventPages(admin)
    return [
        AdminRoute("GET", "/events", Role.VIEWER, pages.show_events),
        AdminRoute("GET", _WEBHOOKS, Role.VIEWER, pages.show_webhooks),
        AdminRoute("POST", f"{_WEBHOOKS}/test", Role.OPERATOR, pages.test, form_page=_WEBHOOKS),
        AdminRoute("POST", f"{_WEBHOOKS}/enable", Role.OPERATOR, pages.enable, form_page=_WEBHOOKS),
        AdminRoute("POST", f"{_WEBHOOKS}/replay-dead", Role.OPERATOR, pages.replay_dead, form_page=_WEBHOOKS),
        AdminRoute("POST", f"{_WEBHOOKS}/replay", Role.OPERATOR, pages.replay, form_page=_WEBHOOKS),
    ]


SCREEN = Screen("events", "/events", Role.VIEWER, TEXTS, make_routes)


class _EventPages:
    def __init__(self, admin: AdminContext) -> None:
        self._admin = admin

    async def show_events(self, request: Request) -> Response:
        parameters = get_parameters(request)
        kind = parameters.get("kind", "")
        wanted = EventFilter(kind if kind in KINDS else "", _parse(parameters.get("member", "")))
        before = _parse(parameters.get("before", ""))
        rows, following = await self._admin.manager.database.read(
            lambda tx: event_search.find_recent(tx, wanted, ROWS, before)
        )
        query = {"kind": wanted.kind, "member": str(wanted.member_id or ""), "before": str(following)}
        return self._admin.page(
            request,
            "events.html",
            events=rows,
            kinds=KINDS,
            wanted=wanted,
            earlier=with_query(f"{self._admin.prefix}/events", **query) if following else "",
        )

    async def show_webhooks(self, request: Request) -> Response:
        parameters = get_parameters(request)
        endpoint, state = parameters.get("endpoint", ""), parameters.get("state", "")
        before = _parse(parameters.get("before", ""))
        webhooks = self._admin.manager.webhooks
        endpoints = await webhooks.find_endpoints()
        state = state if state in STATES else ""
        rows = await webhooks.find_deliveries(endpoint, state, before, ROWS)
        return self._admin.page(
            request,
            "webhooks.html",
            endpoints=endpoints,
            deliveries=rows,
            endpoint=endpoint,
            state=state,
            states=STATES,
            most=MOST_COUNTED,
            earlier=self._link_earlier(endpoint, state, rows),
        )

    async def test(self, request: Request) -> Response:
        endpoint = self._admin.get_form(request).get("endpoint")
        sent = await self._admin.manager.webhooks.send_test(endpoint, self._admin.act(request))
        return self._admin.page(request, "webhook_test.html", endpoint=endpoint, sent=sent)

    async def enable(self, request: Request) -> Response:
        endpoint = self._admin.get_form(request).get("endpoint")
        is_new = await self._admin.manager.webhooks.enable(endpoint, self._admin.act(request))
        return self._admin.done(_WEBHOOKS, "endpoint_enabled" if is_new else "unchanged")

    async def replay_dead(self, request: Request) -> Response:
        endpoint = self._admin.get_form(request).get("endpoint")
        count = await self._admin.manager.webhooks.replay_dead(endpoint, self._admin.act(request))
        return self._admin.done(_WEBHOOKS, "replayed" if count else "unchanged")

    async def replay(self, request: Request) -> Response:
        delivery = _parse(self._admin.get_form(request).get("delivery"))
        count = await self._admin.manager.webhooks.replay([delivery], self._admin.act(request))
        return self._admin.done(_WEBHOOKS, "replayed" if count else "unchanged")

    def _link_earlier(self, endpoint: str, state: str, rows: list[DeliveryView]) -> str:
        if len(rows) < ROWS:
            return ""
        return with_query(f"{self._admin.prefix}{_WEBHOOKS}", endpoint=endpoint, state=state, before=str(rows[-1].id))


def _parse(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
