"""Where events are sent: to webhooks, signed as Standard Webhooks has it, and to a stream in Redis.

A sink makes one attempt and says what became of it. It knows nothing of the database, and raises nothing.
"""

import time
from collections.abc import Callable
from typing import Protocol

from connect_core.cache import SharedCache
from connect_core.crypto import sign_webhook
from connect_core.events.messages import EventMessage
from connect_core.events.retries import Sent
from connect_core.events.subscriptions import REDIS_ENDPOINT
from connect_core.http import WebhookClient
from connect_core.settings import EventSettings, Settings, WebhookSettings


class Sink(Protocol):
    """An endpoint, as the settings of the moment describe it."""

    async def send(self, message: EventMessage) -> Sent:
        """Make one attempt to send a message."""


class WebhookSink:
    """An endpoint of `[webhooks.NAME]`."""

    def __init__(self, settings: WebhookSettings, client: WebhookClient, now: Callable[[], float]) -> None:
        """`now` returns seconds since the epoch, for `webhook-timestamp`."""
        self._settings, self._client, self._now = settings, client, now

    async def send(self, message: EventMessage) -> Sent:
        """Post a message. Delivered is one that is answered with a status of 200 to 299."""
        began_at, timestamp, body = time.monotonic(), int(self._now()), message.body
        secrets = [secret.get_secret_value() for secret in self._settings.secrets]
        headers = {
            "content-type": "application/json",
            "user-agent": "connect-login",
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign_webhook(secrets, message.id, timestamp, body),
        }
        posted = await self._client.post(self._settings.url, body, headers, allow_private=self._settings.allow_private)
        is_taken = 200 <= posted.status < 300
        error = "" if is_taken else posted.error or f"http_{posted.status}"
        seconds = time.monotonic() - began_at
        waits = posted.retry_after if posted.status in (429, 503) else None
        return Sent(posted.status, error, seconds, waits)


class StreamSink:
    """The stream `[events] redis_stream`: an entry for each event, with `id`, `type`, `timestamp` and `data`."""

    def __init__(self, settings: EventSettings, shared: SharedCache | None) -> None:
        """`shared` is Redis; without it nothing is delivered."""
        self._settings, self._shared = settings, shared

    async def send(self, message: EventMessage) -> Sent:
        """Add an entry; its field `data` is the JSON that webhooks get."""
        began_at = time.monotonic()
        fields = {
            "id": message.id,
            "type": message.type,
            "timestamp": message.timestamp,
            "data": message.data_json,
        }
        stream, length = self._settings.redis_stream, self._settings.redis_stream_length
        is_added = self._shared is not None and await self._shared.add_to_stream(stream, length, fields)
        return Sent(error="" if is_added else "redis_down", seconds=time.monotonic() - began_at)


def open_sink(
    name: str, settings: Settings, client: WebhookClient, shared: SharedCache | None, now: Callable[[], float]
) -> Sink | None:
    """Return the endpoint `name` of the settings, whether or not it is switched on; None when they have none."""
    if name == REDIS_ENDPOINT:
        return StreamSink(settings.events, shared) if settings.events.redis_stream else None
    webhook = settings.webhooks.get(name)
    return None if webhook is None else WebhookSink(webhook, client, now)
