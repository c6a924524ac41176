"""The texts of the screen *audit log*."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "nav_audit": "Audit log",
    "audit_advice": "What operators did on this page, through the API and by commands. It cannot be changed here.",
    "audit_time": "Time",
    "audit_actor": "Who",
    "audit_action": "What",
    "audit_target": "To what",
    "audit_detail": "Details",
    "audit_request": "Request",
    "audit_none": "There is no such record.",
    "audit_filter": "Filter",
    "audit_earlier": "Earlier records",
    "via_page": "Page",
    "via_api": "API",
    "via_command": "Command",
}
