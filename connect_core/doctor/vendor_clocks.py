"""Whether this machine's clock agrees with the vendor's, as the `Date` of its answers says."""

from collections.abc import Iterator
from dataclasses import replace

from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT
from connect_core.findings import Finding, Level
from connect_core.http import Http
from connect_core.providers.provider import Provider

AGREES = Kind("clock_agrees", Level.OK, SUBJECT, "This machine's clock and the vendor's differ by at most a minute.")
DIFFERS = Kind(
    "clock_differs",
    Level.WARNING,
    SUBJECT,
    "This machine's clock and the vendor's differ by more than a minute. Above five minutes the level is `broken` for "
    "vendors that refuse a request with a wrong time, or whose answers carry one that is checked.",
    "Set the clock with NTP (`timedatectl set-ntp true`, or chrony) on every machine of the service.",
)
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
        yield AGREES.report("this machine's clock agrees with the vendor's")
        return
    side = "behind" if skew > 0 else "ahead of"
    finding = DIFFERS.report(f"this machine's clock is {difference} seconds {side} the vendor's")
    is_broken = provider.diagnosis.compares_clocks and difference > BROKEN_SECONDS
    yield replace(finding, level=Level.BROKEN) if is_broken else finding
