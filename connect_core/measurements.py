"""What the service measures while it works. Whoever measures calls a method of `current`; nobody may be listening.

The rooms that measure know nothing of who counts: `observability.metrics` puts its counters here with `listen`. Values
are names and numbers that the configuration bounds; nothing of a person, a code or an address is ever handed over.
"""


class Measurements:
    """Takes measurements, and here forgets them. A subclass counts; its methods return at once and raise nothing.

    Durations are in seconds. A method may be called from any thread.
    """

    def count_login(self, stage: str, provider: str, client_type: str) -> None:
        """A login got as far as `stage`: `started`, `returned` (to us), `redeemed` (its code), `settled`."""

    def count_refusal(self, code: str, provider: str, client_type: str) -> None:
        """A request was refused with an error code; provider and client type are empty unless they are configured."""

    def count_refused_state(self, reason: str) -> None:
        """A state was not accepted: `no_cookie`, `cookie_unopened`, `spent` or `other_provider`."""

    def observe_flow_age(self, seconds: float) -> None:
        """A flow came back so long after it had begun."""

    def observe_provider_call(self, provider: str, operation: str, outcome: str, seconds: float) -> None:
        """A method of a provider ended: `ok`, `refused`, `unsigned`, `bad`, or a `trouble` of `ProviderFault`."""

    def set_provider_circuit(self, provider: str, state: str) -> None:
        """Calls to a vendor are let through (`closed`), held back (`open`), or tried (`half_open`)."""

    def observe_database(self, kind: str, seconds: float) -> None:
        """A unit of work ended: `read`, `write`, `statement` (commits each of its statements) or `long`."""

    def count_database_retry(self, reason: str) -> None:
        """A unit of work was begun again: `race`, `lost` (connection) or `failover`."""

    def observe_notice(self, plugin: str, hook: str, seconds: float) -> None:
        """A plugin has taken an after-commit notice, or failed to."""

    def count_webhook(self, endpoint: str, outcome: str) -> None:
        """An attempt to send an event to an endpoint ended: `delivered`, `failed` (it is tried again) or `dead`."""

    def count_limited(self, rule: str) -> None:
        """A limit refused a request: `per_address`, `failures_per_address`, `per_username` or `qr_login_polls`."""

    def set_clock_skew(self, source: str, seconds: float) -> None:
        """A server's clock (a provider's vendor, `database`, `redis`) is so far ahead of ours."""

    def set_cache_up(self, is_up: bool) -> None:  # noqa: FBT001 - a gauge of 0 and 1
        """Redis answers, or not."""


current = Measurements()
"""Where the measurements of this process go: `measurements.current.count_login(…)`, looked up at each call."""


def listen(listener: Measurements) -> Measurements:
    """Let `listener` have the measurements of this process from now on; returns who had them before."""
    global current
    before, current = current, listener
    return before
