"""Asking a plugin that ignores its cancellation: the visitor is answered in time, and the other logins go on."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from connect_core import deadlines
from connect_core.errors import ProviderBadResponse, ProviderTimeout, Unavailable
from connect_core.http import HttpPool
from connect_core.identity import Identity
from connect_core.providers import calls

from ..kit.acme import AcmeSettings
from ..kit.canaries import CANARY, every_text
from ..kit.strange_plugins import HTTP, LIHUA, REQUEST, RESPONSE, Stranger
from ..kit.stubborn import WAYS, Stubborn, stubborn

STEPS: dict[str, Callable[["Revoking", float], Awaitable[object]]] = {
    "get_login_url": lambda plugin, seconds: calls.get_login_url(plugin, REQUEST, seconds),
    "login_callback": lambda plugin, seconds: calls.login_callback(plugin, RESPONSE, seconds),
    "fetch_profile": lambda plugin, seconds: calls.fetch_profile(plugin, LIHUA, seconds),
    "fetch_phone": lambda plugin, seconds: calls.fetch_phone(plugin, RESPONSE, LIHUA, seconds),
    "revoke": lambda plugin, seconds: calls.revoke(plugin, LIHUA, seconds),
}
DONE_WITHOUT = {"fetch_profile": LIHUA, "fetch_phone": None, "revoke": False}
"""What a login goes on with when the plugin fails; the other steps raise."""


class Revoking(Stranger):
    """A plugin whose every method does what `answer` does."""

    async def revoke(self, identity: Identity) -> None:
        """Answer."""
        await cast("Any", self.answer())


def plugin(answer: Callable[[], object]) -> Revoking:
    """A plugin that answers so."""
    made = Revoking(AcmeSettings(), HTTP)
    made.answer = answer
    return made


def fail() -> None:
    """End with a text that may be in no log."""
    raise ValueError(CANARY)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("way", WAYS)
async def test_the_visitor_is_answered_in_time(step: str, way: str, caplog: pytest.LogCaptureFixture) -> None:
    """504 at the deadline and a short grace; a profile or a revocation is done without. The log names the provider."""
    with stubborn(fail if way != "shield" else lambda: None) as code:
        began = time.monotonic()
        if step in DONE_WITHOUT:
            assert await STEPS[step](plugin(WAYS[way](code)), 0.05) == DONE_WITHOUT[step]
        else:
            with pytest.raises(ProviderTimeout) as caught:
                await STEPS[step](plugin(WAYS[way](code)), 0.05)
            assert CANARY not in every_text(caught.value)
        assert time.monotonic() - began < 5
    await asyncio.sleep(0.05)
    told = [vars(record) for record in caplog.records if record.message == "plugin_ignores_cancellation"]
    expected = [] if way == "shield" else [(logging.WARNING, "acme", 0.05)]
    assert [(line["levelno"], line["provider"], line["seconds"]) for line in told] == expected
    assert CANARY not in caplog.text


@pytest.mark.parametrize("way", WAYS)
async def test_a_visitor_who_leaves_is_not_kept(way: str) -> None:
    """The request ends as cancelled, although the plugin does not."""
    with stubborn() as code:
        task = asyncio.create_task(calls.login_callback(plugin(WAYS[way](code)), RESPONSE))
        await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 5
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("step", STEPS)
async def test_logins_are_refused_while_too_many_calls_hang(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 at once and with a time to come back, so that a plugin that hangs for an hour does not fill the memory."""
    monkeypatch.setattr(deadlines, "ABANDONED_LIMIT", 0)
    with stubborn() as code:
        with pytest.raises(ProviderTimeout):
            await calls.login_callback(plugin(code.catch), RESPONSE, 0)
        if step in DONE_WITHOUT:
            assert await STEPS[step](plugin(fail), 1) == DONE_WITHOUT[step]
        else:
            with pytest.raises(Unavailable) as caught:
                await STEPS[step](plugin(fail), 1)
            assert caught.value.retry_after
    await asyncio.sleep(0.05)


async def test_a_provider_without_a_client_is_named_by_its_class(caplog: pytest.LogCaptureFixture) -> None:
    """A plugin's constructor need not keep the client that it was given."""
    with stubborn() as code:
        without = plugin(code.catch)
        del without.http
        with pytest.raises(ProviderTimeout):
            await calls.login_callback(without, RESPONSE, 0)
    await asyncio.sleep(0.05)
    assert vars(caplog.records[0])["provider"] == f"{__name__}.Revoking"


@pytest.mark.parametrize("way", WAYS)
async def test_a_shared_value_that_hangs_is_fetched_again(way: str) -> None:
    """All who wait for it get 504 at the deadline, and the next login asks anew."""
    http = HttpPool(deadline=0.05).for_provider("acme")

    async def hang(code: Stubborn) -> tuple[str, float]:
        await WAYS[way](code)()
        return "late", 60

    async def fetch() -> tuple[str, float]:
        return "fresh", 60

    with stubborn() as code:
        began = time.monotonic()
        waiting = [http.cached("token", lambda: hang(code)) for _ in range(3)]
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in ended] == [ProviderTimeout] * 3
        assert time.monotonic() - began < 5
        assert await http.cached("token", fetch) == "fresh"
    await asyncio.sleep(0.05)
    assert await http.cached("token", fetch) == "fresh"


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, asyncio.CancelledError])
async def test_fetching_a_shared_value_cannot_stop_the_service(kind: type[BaseException]) -> None:
    """502 to all who wait for it: it runs in a task, out of which a SystemExit would stop the event loop."""

    async def fetch() -> tuple[str, float]:
        raise kind(CANARY)

    with pytest.raises(ProviderBadResponse, match=f"raised {kind.__name__}"):
        await HttpPool().for_provider("acme").cached("token", fetch)
