"""Whether this machine's clock agrees with the vendor's, as the `Date` of its answers says."""

from collections.abc import Iterator

from connect_core.findings import Finding, Level
from connect_core.http import Http
from connect_core.providers.provider import Provider

WARNING_SECONDS, BROKEN_SECONDS = 60, 300
"""Differences that are noticed, and those with which vendors refuse what is signed with the time."""


def check_clock(provider: Provider) -> Iterator[Finding]:
    """Yield whether the clocks agree; nothing when no answer of the vendor has told its time."""
    http = getattr(provider, "http", None)  # a plugin's constructor may have left it out
    skew = http.clock_skew if isinstance(http, Http) else None
    if skew is None:
        return
    difference = round(abs(skew))
    if difference <= WARNING_SECONDS:
        yield Finding("clock_agrees", Level.OK, "This machine's clock agrees with the vendor's.")
        return
    is_broken = provider.diagnosis.compares_clocks and difference > BROKEN_SECONDS
    yield Finding(
        "clock_differs",
        Level.BROKEN if is_broken else Level.WARNING,
        f"This machine's clock is {difference} seconds {'behind' if skew > 0 else 'ahead of'} the vendor's.",
        "Set the clock with NTP (`timedatectl set-ntp true`, or chrony), and check it on every machine of the service.",
    )
