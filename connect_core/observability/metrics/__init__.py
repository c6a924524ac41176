"""Metrics: what there is to measure, the counts of each process, and how all of them become one answer for Prometheus.

Counting needs no package besides the standard library; `exposition` needs the extra `metrics`. Knows nothing of HTTP.
"""

import importlib.util

from connect_core import measurements
from connect_core.observability.metrics.counting import Counts, Sums
from connect_core.observability.metrics.snapshots import Snapshots, SnapshotWriter

__all__ = ["Counts", "SnapshotWriter", "Snapshots", "Sums", "begin_counting", "is_installed"]


def is_installed() -> bool:
    """Tell whether the extra `metrics` is installed."""
    return importlib.util.find_spec("prometheus_client") is not None


def begin_counting() -> Counts:
    """Return the counts of this process, which has all of its measurements from now on; the same ones each time."""
    if not isinstance(measurements.current, Counts):
        measurements.listen(Counts())
    assert isinstance(measurements.current, Counts)
    return measurements.current
