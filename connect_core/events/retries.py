"""When a delivery that failed is tried again, when it is given up, and when an endpoint is left in peace or disabled.

Pure rules: no clock of its own, no database.
"""

import random
from dataclasses import dataclass, replace

from connect_core.store.webhooks import DEAD, DELIVERED, DISABLED, PENDING, DeliveryRow, EndpointRow

DELAYS = (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds after each failed attempt, as Standard Webhooks suggests; the last one goes on.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
"""
KEEP_TRYING_SECONDS = 3 * 24 * 3600
"""How long a delivery is tried, and how long an endpoint may fail before it is disabled."""
FAILURES_IN_A_ROW = 5
"""After so many failures in a row the endpoint counts as down: single deliveries then ask whether it is back."""
LONGEST_PAUSE = 3600
"""Most seconds between two such questions."""
JITTER = 0.2
"""Part of a delay by which it is longer or shorter at random."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an attempt: the HTTP `status`, 0 without one, and how many `seconds` it took.

    `error` is empty for success, `http_500` for a status, or a word such as `timeout`. `retry_after` is in seconds.
    """

    status: int = 0
    error: str = ""
    seconds: float = 0.0
    retry_after: int | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the endpoint took it."""
        return not self.error


def judge_delivery(delivery: DeliveryRow, sent: Sent, now: int) -> DeliveryRow:
    """Return the delivery after an attempt that ended at `now` (epoch seconds): delivered, dead, or tried again later.

    Dead is one that has failed for `KEEP_TRYING_SECONDS` and was tried as often as that takes: one that nobody could
    try for a while, because the service was down, is not.
    """
    if sent.is_delivered:
        return replace(delivery, state=DELIVERED, end_time=now, last_error="")
    failed = delivery.attempts + 1
    if failed > len(DELAYS) and now - delivery.create_time >= KEEP_TRYING_SECONDS:
        return replace(delivery, state=DEAD, end_time=now, last_error=sent.error)
    delay = _vary(DELAYS[min(failed, len(DELAYS)) - 1])
    return replace(delivery, state=PENDING, retry_time=now + max(delay, sent.retry_after or 0), last_error=sent.error)


def judge_endpoint(endpoint: EndpointRow, attempts: list[Sent], now: int) -> EndpointRow:
    """Return what is known of the endpoint after attempts that ended at `now` (epoch seconds).

    One success says that it works. It is disabled by the status 410, and after it failed for `KEEP_TRYING_SECONDS`.
    """
    if endpoint.state == DISABLED or not attempts:
        return endpoint
    if any(sent.status == GONE for sent in attempts):
        return replace(endpoint, state=DISABLED, disabled_time=now, failing_since=endpoint.failing_since or now)
    waits = [sent.retry_after for sent in attempts if not sent.is_delivered and sent.retry_after]
    wait = now + max(waits) if waits else 0
    if any(sent.is_delivered for sent in attempts):
        return replace(endpoint, failing_since=None, attempts=0, retry_time=wait)
    since, failed = endpoint.failing_since or now, endpoint.attempts + len(attempts)
    failing = replace(endpoint, failing_since=since, attempts=failed, retry_time=wait)
    if failed < FAILURES_IN_A_ROW:
        return failing
    if now - since >= KEEP_TRYING_SECONDS:
        return replace(failing, state=DISABLED, disabled_time=now)
    pause = _vary(min(max((now - since) // 4, DELAYS[0]), LONGEST_PAUSE))
    return replace(failing, retry_time=max(wait, now + pause))


def is_down(endpoint: EndpointRow) -> bool:
    """Tell whether an endpoint failed so often that it is only asked whether it is back."""
    return endpoint.attempts >= FAILURES_IN_A_ROW


def wait_for_endpoint(delivery: DeliveryRow) -> DeliveryRow:
    """Return a failed delivery that is not to blame, since its endpoint is down: it waits for that, like all others."""
    return replace(delivery, state=PENDING, end_time=None, retry_time=delivery.create_time)


def _vary(seconds: int) -> int:
    return max(1, round(seconds * random.uniform(1 - JITTER, 1 + JITTER)))  # noqa: S311 - no secret
