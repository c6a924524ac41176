"""What the counts come to for somebody who looks at a page: the way of logins, refusals, and how long vendors take.

Reads sums and changes nothing. Needs no package besides the standard library.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from connect_core.observability.metrics.catalogue import METRICS, STAGES
from connect_core.observability.metrics.counting import CIRCUITS, Key, Sums

_CALL = "provider_call_duration_seconds"
_OK = "ok"


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far the logins of a provider and client type got, each stage of `STAGES` with its count."""

    provider: str
    client_type: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a provider's vendor takes, in seconds: `median` and `p95`, the value that 95 % of the calls stay below.

    `failed` of its `count` calls did not succeed. The values are estimates within the buckets of the histogram.
    """

    provider: str
    operation: str
    count: int
    failed: int
    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class Summary:
    """`refusals` are codes with their counts, the most frequent first; `circuits` those of providers, by state."""

    funnels: tuple[Funnel, ...]
    refusals: tuple[tuple[str, int], ...]
    latencies: tuple[Latency, ...]
    circuits: tuple[tuple[str, str], ...]


def summarise(sums: Sums) -> Summary:
    """Return what `sums` come to; providers and client types in alphabetical order."""
    return Summary(_sum_up_logins(sums), _sum_up_refusals(sums), _sum_up_calls(sums), _find_circuits(sums))


def estimate_quantile(bounds: Sequence[float], counts: Sequence[float], quantile: float) -> float:
    """Return the value below which that share of the observations lies, 0 without any.

    Within a bucket they count as spread evenly, as Prometheus' `histogram_quantile` has it; above the last bound it is
    that bound. `counts` has one number more than `bounds`.
    """
    rank, below = quantile * sum(counts), 0.0
    if not rank:
        return 0.0
    lower = 0.0
    for bound, count in zip(bounds, counts, strict=False):
        if count and below + count >= rank:
            return lower + (bound - lower) * (rank - below) / count
        below, lower = below + count, bound
    return bounds[-1]


def _sum_up_logins(sums: Sums) -> tuple[Funnel, ...]:
    logins: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (name, *labels), count in sums.counters.items():
        if name == "login":
            provider, client_type, stage = labels
            logins[provider, client_type][stage] = int(count)
    return tuple(
        Funnel(*login, tuple(stages.get(stage, 0) for stage in STAGES)) for login, stages in sorted(logins.items())
    )


def _sum_up_refusals(sums: Sums) -> tuple[tuple[str, int], ...]:
    codes: dict[str, int] = defaultdict(int)
    for (name, *labels), count in sums.counters.items():
        if name == "refused":
            codes[labels[0]] += int(count)
    return tuple(sorted(codes.items(), key=lambda item: (-item[1], item[0])))


def _sum_up_calls(sums: Sums) -> tuple[Latency, ...]:
    calls: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(dict)
    for (name, *labels), numbers in sums.histograms.items():
        if name == _CALL:
            provider, operation, outcome = labels
            calls[provider, operation][outcome] = numbers[1:]
    return tuple(_measure(call, outcomes) for call, outcomes in sorted(calls.items()))


def _measure(call: tuple[str, str], outcomes: dict[str, list[float]]) -> Latency:
    bounds, counts = METRICS[_CALL].bounds, [sum(bucket) for bucket in zip(*outcomes.values(), strict=True)]
    failed = sum(sum(buckets) for outcome, buckets in outcomes.items() if outcome != _OK)
    median, p95 = (estimate_quantile(bounds, counts, quantile) for quantile in (0.5, 0.95))
    return Latency(*call, int(sum(counts)), int(failed), median, p95)


def _find_circuits(sums: Sums) -> tuple[tuple[str, str], ...]:
    names = {value: name for name, value in CIRCUITS.items()}
    gauges: dict[Key, tuple[float, float]] = sums.gauges
    return tuple(
        sorted((key[1], names.get(value, "open")) for key, (value, _) in gauges.items() if key[0] == "provider_circuit")
    )
