"""Whether the endpoints that are sent events take them. Logins do not depend on it. Sends nothing."""

from collections.abc import Callable, Iterator

from connect_core.doctor.kinds import Kind
from connect_core.errors import SettingsError, Unavailable
from connect_core.events.subscriptions import Subscriptions
from connect_core.findings import Finding, Level
from connect_core.settings import Settings
from connect_core.store import Database, Transaction, schema, webhooks
from connect_core.store.webhooks import DISABLED, MOST_COUNTED, Backlog, EndpointRow

SUBJECT = "webhooks"
WEBHOOK_DISABLED = Kind(
    "webhook_disabled",
    Level.WARNING,
    SUBJECT,
    "An endpoint failed for three days or answered 410 Gone: it is sent no events any more.",
    "Correct the endpoint, then run: connect-login events enable NAME, and connect-login events replay --dead",
)
WEBHOOK_LATE = Kind(
    "webhook_late",
    Level.WARNING,
    SUBJECT,
    "An endpoint has not taken events that are older than an hour; they are given up after three days.",
    "Look at the last error with: connect-login events endpoints",
)
LATE_SECONDS = 3600


async def check_webhooks(settings: Settings, now: Callable[[], float]) -> list[Finding]:
    """Look into the database how endpoints are; without endpoints, or when it does not answer, return nothing."""
    names = Subscriptions(lambda: settings).names
    if not names:
        return []

    def collect(tx: Transaction) -> list[tuple[EndpointRow, Backlog]]:
        return [(webhooks.find_endpoint(tx, name), webhooks.sum_up(tx, name)) for name in names]

    try:
        database = Database(settings.service.database_url)
    except SettingsError:  # the check of the database reports it
        return []
    try:
        is_usable = not schema.get_advice(schema.find_state(database))
        states = await database.read(collect) if is_usable else []
    except (SettingsError, Unavailable):
        return []
    finally:
        database.close()
    return [finding for state in states for finding in _judge(*state, now())]


def _judge(endpoint: EndpointRow, backlog: Backlog, now: float) -> Iterator[Finding]:
    count = f"{backlog.pending} or more" if backlog.pending >= MOST_COUNTED else str(backlog.pending)
    if endpoint.state == DISABLED:
        remedy = (
            f"Correct the endpoint, then run: connect-login events enable {endpoint.name}, "
            f"and connect-login events replay --dead --endpoint {endpoint.name}"
        )
        yield WEBHOOK_DISABLED.report(f"the endpoint {endpoint.name} is disabled; {count} events wait", remedy)
    elif backlog.oldest_time is not None and now - backlog.oldest_time > LATE_SECONDS:
        hours = (now - backlog.oldest_time) / 3600
        error = f" ({backlog.last_error})" if backlog.last_error else ""
        yield WEBHOOK_LATE.report(
            f"{count} events wait for the endpoint {endpoint.name}, the oldest for {hours:.1f} hours{error}"
        )
