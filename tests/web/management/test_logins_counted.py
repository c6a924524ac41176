"""What logins over real HTTP, with Alipay's sandbox, move on `/metrics`: in one process and in two."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connect_core.harness import Visitor

from ...kit.ports import free_port
from ...kit.scraping import Samples, get, wait_for_samples
from ...kit.web_shops import Served, served, wait_for

CODES = ("state_invalid", "provider_denied")
STAGES = ("started", "returned", "redeemed", "settled")


@contextmanager
def managed(folder: Path, workers: str) -> Iterator[tuple[Served, str]]:
    """A service with a management port; the service and the port's address."""
    port = free_port()
    management = f"http://127.0.0.1:{port}"
    with served(folder, "--management-port", str(port), "--workers", workers) as service:
        wait_for(f"{management}/healthz")
        yield service, management


def get_stages(samples: Samples) -> list[float]:
    """How many logins by Alipay on a PC got as far as each stage."""
    return [get(samples, "connect_login_total", provider="alipay", client="pc", stage=stage) for stage in STAGES]


def get_calls(samples: Samples) -> dict[tuple[str, str], float]:
    """How many calls to Alipay there were, by operation and outcome."""
    return {
        (labels["operation"], labels["outcome"]): value
        for (name, pairs), value in samples.items()
        if name == "connect_provider_call_duration_seconds_count" and (labels := dict(pairs))["provider"] == "alipay"
    }


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_login_moves_the_counters_that_it_should(tmp_path: Path, workers: str) -> None:
    """Each stage once, each call of the provider once; a second visit to the callback is refused and moves no stage."""
    with managed(tmp_path, workers) as (service, management):
        with Visitor(service) as visitor:  # type: ignore[arg-type]
            callback = visitor.consent(visitor.begin("alipay", "pc"))
            assert visitor.http.get(callback).status_code == 303
        samples = wait_for_samples(management, lambda samples: get_stages(samples)[3] == 1)
        assert get_stages(samples) == [1, 1, 1, 1]
        assert get_calls(samples) == {
            ("get_login_url", "ok"): 1,
            ("login_callback", "ok"): 1,
            ("fetch_profile", "ok"): 1,
        }
        assert get(samples, "connect_flow_age_seconds_count") == 1
        assert {name for name, _ in samples if name == "connect_refused_total"} == set()
        with Visitor(service) as stranger:  # type: ignore[arg-type]
            assert stranger.http.get(callback).status_code == 400
            login_url = stranger.begin("alipay", "pc")
            assert stranger.http.get(stranger.consent(login_url, decision="refuse")).status_code == 400
        samples = wait_for_samples(management, lambda samples: get_stages(samples)[1] == 2)
    assert get_stages(samples) == [2, 2, 1, 1]
    codes = {code: get(samples, "connect_refused_total", code=code, provider="alipay", client="pc") for code in CODES}
    assert codes == dict.fromkeys(CODES, 1)
    assert get(samples, "connect_state_refused_total", reason="no_cookie") == 1
