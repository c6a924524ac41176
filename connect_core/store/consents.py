"""Queries about what members agreed to when they registered (`es_member_consent`). Rows are never changed."""

from connect_core.store.engine.statement import Statement, Transaction, insert_into
from connect_core.store.models import MemberConsent, table_of

_INSERT = Statement(insert_into(table_of(MemberConsent), "member_id", "terms_version", "create_time"))


def insert_consent(transaction: Transaction, member_id: int, terms_version: str, now: int) -> None:
    """Record that the member agreed to this version of the shop's terms at `now` (epoch seconds)."""
    _INSERT.put_off(transaction, member_id=member_id, terms_version=terms_version, create_time=now)
