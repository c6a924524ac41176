"""The kinds of events: values of the column `es_connect_event.kind`, and of the hooks' names, `connect_<kind>`."""

REGISTERED, LOGGED_IN, BOUND, UNBOUND = "registered", "logged_in", "bound", "unbound"
CONFLICT, ERASED = "identity_conflict", "erased"
HANDED_OVER, HANDOVER_CONFLICT = "handed_over", "handover_conflict"
MERGED, MERGE_UNDONE = "merged", "merge_undone"
LOGIN_REFUSED = "login_refused"
"""Has a hook, but is never stored."""
