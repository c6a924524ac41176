"""The tables, declared with SQLModel. Queries are in the other modules of `store`. Times are epoch seconds, UTC."""

from connect_core.store.models.declared import BIG, Declared, exact_text, table_of
from connect_core.store.models.logins import (
    Alias,
    ConnectEvent,
    Connection,
    Handover,
    Member,
    MemberConsent,
    MemberMerge,
    MemberSession,
    UsedFlow,
    VendorSessionLink,
)
from connect_core.store.models.operators import (
    Administrator,
    AdministratorSession,
    AdministratorToken,
    OperatorRecord,
    Setting,
    SettingChange,
    WebhookDelivery,
    WebhookEndpoint,
)

__all__ = [
    "BIG",
    "Administrator",
    "AdministratorSession",
    "AdministratorToken",
    "Alias",
    "ConnectEvent",
    "Connection",
    "Declared",
    "Handover",
    "Member",
    "MemberConsent",
    "MemberMerge",
    "MemberSession",
    "OperatorRecord",
    "Setting",
    "SettingChange",
    "UsedFlow",
    "VendorSessionLink",
    "WebhookDelivery",
    "WebhookEndpoint",
    "exact_text",
    "table_of",
]
