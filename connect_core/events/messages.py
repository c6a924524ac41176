"""What endpoints are sent of an event: its id, its type, and a JSON body. Contains no id, name or token of a vendor."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connect_core.events import kinds
from connect_core.events.subscriptions import NAMES
from connect_core.store.events import EventRow

TEST_TYPE = "connect.test"
"""The type of the event that only a test sends."""
_NEW_MEMBER = "new_member"


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One event as it is sent. `id` is the same at every attempt, `timestamp` is when it happened (RFC 3339, UTC)."""

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]

    @property
    def data_json(self) -> str:
        """The field `data` as JSON."""
        return json.dumps(self.data, separators=(",", ":"))

    @property
    def body(self) -> bytes:
        """The JSON that is signed and sent: `{"type", "timestamp", "data"}`."""
        content = {"type": self.type, "timestamp": self.timestamp, "data": self.data}
        return json.dumps(content, separators=(",", ":")).encode()


def make_message(event: EventRow) -> EventMessage:
    """Return what is sent of a stored event. Fields that say nothing of this event are left out."""
    id_ = f"evt_{event.id}_{event.create_time}"  # ids may begin anew in a database that was restored
    return EventMessage(id_, NAMES[event.kind], format_time(event.create_time), _get_data(event))


def make_test(id_: str, endpoint: str, now: int) -> EventMessage:
    """Return what a test sends to an endpoint at `now` (epoch seconds)."""
    return EventMessage(id_, TEST_TYPE, format_time(now), {"endpoint": endpoint})


def format_time(seconds: int) -> str:
    """Return epoch seconds as RFC 3339 in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _get_data(event: EventRow) -> dict[str, Any]:
    about = {"provider": event.provider, "client_type": event.client_type, "union_type": event.union_type}
    if event.kind == kinds.LOGIN_REFUSED:
        fields: dict[str, Any] = {"code": event.detail, **about}
    elif event.kind in (kinds.MERGED, kinds.MERGE_UNDONE):
        fields = {"member_id": event.member_id, "merged_id": int(event.detail)}
    elif event.kind == kinds.ERASED:
        fields = {"member_id": event.member_id}
    else:
        fields = {"member_id": event.member_id, **about, "is_new_member": event.detail == _NEW_MEMBER}
    fields["request_id"] = event.request_id
    return {name: value for name, value in fields.items() if value != ""}
