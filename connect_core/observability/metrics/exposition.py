"""Shows sums as Prometheus reads them. The only module that imports prometheus_client, which is the extra `metrics`."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from connect_core.observability.metrics import catalogue
from connect_core.observability.metrics.catalogue import METRICS, PREFIX, MetricType
from connect_core.observability.metrics.counting import Key, Sums

T = TypeVar("T")


def write_metrics(sums: Sums, accept: str) -> tuple[bytes, str]:
    """Return the body of `/metrics` and its content type, in the format that the header `Accept` asks for."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sums(sums))
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        encode, content_type = choose_encoder("")
    return encode(registry), content_type


class _Sums(Collector):
    """Yields every metric of the catalogue, also those without a value yet."""

    def __init__(self, sums: Sums) -> None:
        self._sums = sums

    def collect(self) -> Iterable[Metric]:
        return map(self._make, METRICS.values())

    def _make(self, metric: catalogue.Metric) -> Metric:
        name, labels = f"{PREFIX}{metric.name}", metric.labels
        match metric.kind:
            case MetricType.COUNTER:
                counter = CounterMetricFamily(name, metric.meaning, labels=labels)
                for key, count in _find(metric, self._sums.counters):
                    counter.add_metric(key, count)
                return counter
            case MetricType.GAUGE:
                gauge = GaugeMetricFamily(name, metric.meaning, labels=labels)
                for key, (value, _) in _find(metric, self._sums.gauges):
                    gauge.add_metric(key, value)
                return gauge
            case MetricType.HISTOGRAM:
                histogram = HistogramMetricFamily(name, metric.meaning, labels=labels)
                for key, (total, *counts) in _find(metric, self._sums.histograms):
                    bounds = [*map(str, metric.bounds), "+Inf"]
                    histogram.add_metric(key, list(zip(bounds, accumulate(counts), strict=True)), total)
                return histogram


def _find(metric: catalogue.Metric, part: Mapping[Key, T]) -> Iterator[tuple[list[str], T]]:
    """Yield what there is of a metric, with the values of its labels."""
    for key in sorted(key for key in part if key[0] == metric.name):
        yield list(key[1:]), part[key]
