"""What remains of what an operator does to a member: an event, and a record of the audit log.

Both are written in the transaction of the act, so that there is neither without the act, nor the act without them.
Decides nothing.
"""

from connect_core.acts import OperatorAct
from connect_core.identity import ClientType
from connect_core.members.services import Services
from connect_core.providers.hookspecs import LoginEvent
from connect_core.store import Transaction, audit
from connect_core.store.connections import BoundConnection


def get_target(member_id: int) -> str:
    """Return what the audit log calls a member, such as `member 17`."""
    return f"member {member_id}"


def record(tx: Transaction, act: OperatorAct, action: str, member_id: int, now: int, said: str = "") -> None:
    """Record the act in the audit log as `member.ACTION`; `said` comes before the reason, such as a union type."""
    detail = ": ".join(filter(None, (said, act.reason)))
    audit.insert_record(tx, act, f"member.{action}", get_target(member_id), now, detail)


def make_event(services: Services, kind: str, member_id: int, act: OperatorAct, union_type: str = "") -> LoginEvent:
    """Return the event that an operator did this; its `detail` is that of the act."""
    return LoginEvent(
        kind=kind,
        member_id=member_id,
        provider="",
        client_type=ClientType.PC,
        union_type=union_type,
        is_new_member=False,
        request_id=act.request_id,
        time=services.now(),
        detail=act.detail,
    )


def write_event(
    services: Services,
    tx: Transaction,
    kind: str,
    member_id: int,
    act: OperatorAct,
    connection: BoundConnection | None = None,
) -> list[LoginEvent]:
    """Write such an event, about `connection` if there is one; pass what it returns to `dispatch` afterwards."""
    if connection is None:
        return services.dispatcher.write(tx, [make_event(services, kind, member_id, act)], 0, "")
    event = make_event(services, kind, member_id, act, connection.union_type)
    subject = services.hash_subject(connection.union_type, connection.union_id)
    return services.dispatcher.write(tx, [event], connection.connect_id, subject)
