"""Reads `/metrics` as Prometheus does."""

import time
from collections.abc import Callable, Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Sample = tuple[str, tuple[tuple[str, str], ...]]
Samples = Mapping[Sample, float]


def scrape(url: str) -> Samples:
    """The samples of a management port."""
    answer = httpx.get(f"{url}/metrics", trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    return parse_samples(answer.text)


def parse_samples(text: str) -> Samples:
    """The samples of an answer: value by name and labels, the labels in alphabetical order."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def get(samples: Samples, name: str, **labels: str) -> float:
    """One value; 0 where there is none."""
    return samples.get((name, tuple(sorted(labels.items()))), 0)


def wait_for_samples(url: str, is_as_wanted: Callable[[Samples], bool]) -> Samples:
    """The samples, once they are as wanted; half a minute at most. Workers leave theirs once a second."""
    ends = time.monotonic() + 30
    while not is_as_wanted(samples := scrape(url)):
        assert time.monotonic() < ends, samples
        time.sleep(0.1)
    return samples
