"""What logins over real HTTP move on `/metrics`, in one process and in two."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from connect_core.harness import Visitor

from ...kit.commands import free_port
from ...kit.scraping import get, scrape, total, wait_for_samples
from ...kit.web_shops import Served, served, wait_for

STAGES = ("started", "returned", "redeemed", "settled")


@contextmanager
def managed(folder: Path, *options: str) -> Iterator[tuple[Served, str]]:
    """A service with a management port; the service and the port's address."""
    port = free_port()
    management = f"http://127.0.0.1:{port}"
    with served(folder, "--management-port", str(port), *options) as service:
        wait_for(f"{management}/healthz")
        yield service, management


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_login_moves_the_counters_that_it_should(tmp_path: Path, workers: str) -> None:
    """Each stage once, each call of the provider once, and nothing is refused."""
    with managed(tmp_path, "--workers", workers) as (service, management):
        with Visitor(service) as visitor:  # type: ignore[arg-type]
            assert visitor.http.get(visitor.consent(visitor.begin("alipay", "pc"))).status_code == 303
        samples = wait_for_samples(
            management,
            lambda samples: get(samples, "connect_login_total", provider="alipay", client="pc", stage="settled") == 1,
        )
    print("\n".join(map(str, samples.items())))
