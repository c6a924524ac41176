"""Reads `/metrics` as Prometheus does."""

import time
from collections.abc import Callable, Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Sample = tuple[str, tuple[tuple[str, str], ...]]
Samples = Mapping[Sample, float]


def scrape(url: str) -> dict[Sample, float]:
    """The samples of a management port: value by name and labels, the labels in alphabetical order."""
    answer = httpx.get(f"{url}/metrics", trust_env=False)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def get(samples: Samples, name: str, **labels: str) -> float:
    """One value; 0 where there is none."""
    return samples.get((name, tuple(sorted(labels.items()))), 0)


def total(samples: Samples, name: str) -> float:
    """The sum over all labels."""
    return sum(value for (sample, _), value in samples.items() if sample == name)


def wait_for_samples(url: str, is_as_wanted: Callable[[Samples], bool]) -> Samples:
    """The samples, once they are as wanted; ten seconds at most, as workers leave theirs once a second."""
    ends = time.monotonic() + 10
    while not is_as_wanted(samples := scrape(url)):
        assert time.monotonic() < ends, samples
        time.sleep(0.1)
    return samples
