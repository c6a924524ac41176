"""Many calls: slots, connections that peers close, event loops, and that nothing of a call is ever told."""

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Awaitable
from email.utils import formatdate

import pytest

from connect_core.errors import ProviderFault, ProviderRefused, ProviderTimeout, Unavailable
from connect_core.http import Answer, Http

from ..kit.canaries import CANARY, every_record, every_text
from ..kit.peers import Peer, Talk, always, http_pool, never, peer, whole


def once(server: Peer, connection: socket.socket) -> None:
    """Answer one request as if the connection were kept, then close it."""
    server.read(connection)
    connection.sendall(whole())


def second_dies(server: Peer, connection: socket.socket) -> None:
    """Answer the first request; take the second whole and hang up."""
    server.read(connection)
    connection.sendall(whole())
    server.read(connection)


async def stuck(face: Http, silent: Peer, count: int, *, sent: int) -> list[asyncio.Task[Answer]]:
    """Begin `count` calls that nobody answers; return once `sent` of them have arrived."""
    tasks = [asyncio.create_task(face.get(silent.url)) for _ in range(count)]
    await asyncio.to_thread(silent.wait_for, sent)
    return tasks


async def give_up(tasks: list[asyncio.Task[Answer]]) -> None:
    """Cancel the calls, as a visitor who leaves does."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, asyncio.CancelledError)


# slots


async def test_a_stuck_vendor_delays_no_other() -> None:
    """Fifty calls hang at one vendor; a call to another takes as long as ever."""
    with peer(never) as silent, peer(always(whole())) as busy:
        async with http_pool() as pool:
            tasks = await stuck(pool.for_provider("slow"), silent, 60, sent=50)
            before = time.monotonic()
            await pool.for_provider("fast").get(busy.url)
            took = time.monotonic() - before
            await give_up(tasks)
        assert took < 0.3
        assert len(silent.requests) == 50


async def test_the_251st_call_is_turned_away_and_cancelled_ones_make_room() -> None:
    """Fifty call and two hundred wait; one more is told at once when to come back. Who gives up frees the slot."""
    with peer(never) as silent, peer(always(whole())) as busy:
        async with http_pool(deadline=5.0) as pool:
            face = pool.for_provider("acme")
            tasks = await stuck(face, silent, 250, sent=50)
            with pytest.raises(Unavailable) as caught:
                await face.get(busy.url)
            assert caught.value.retry_after == 1
            await give_up(tasks)
            answers = await asyncio.gather(*(face.get(busy.url) for _ in range(250)))
            assert {answer.status for answer in answers} == {200}
        assert len(silent.requests) == 50


async def test_waiting_counts_against_the_deadline_and_frees_the_slot() -> None:
    """A call that never got a slot ends by the deadline like any other, and leaves nothing taken."""
    with peer(never) as silent, peer(always(whole())) as busy:
        async with http_pool(deadline=0.3, vendor_calls=1, waiting=2) as pool:
            face = pool.for_provider("acme")
            before = time.monotonic()
            results = await asyncio.gather(*(face.get(silent.url) for _ in range(3)), return_exceptions=True)
            assert [type(result) for result in results] == [ProviderTimeout] * 3
            assert time.monotonic() - before < 0.6
            assert (await face.get(busy.url)).status == 200


async def test_a_providers_client_types_share_its_slots() -> None:
    """`vendor_calls` is for a provider, however often its face of the pool is asked for."""
    with peer(never) as silent, peer(always(whole())) as busy:
        async with http_pool(vendor_calls=1, waiting=0) as pool:
            tasks = await stuck(pool.for_provider("acme"), silent, 1, sent=1)
            with pytest.raises(Unavailable):
                await pool.for_provider("acme").get(busy.url)
            assert (await pool.for_provider("other").get(busy.url)).status == 200
            await give_up(tasks)


# connections


async def test_a_kept_connection_that_the_peer_closed_is_not_used() -> None:
    """After the vendor closed an idle connection the next call works, on a fresh one."""
    with peer(once) as closing:
        async with http_pool() as pool:
            for _ in range(2):
                assert (await pool.for_provider("acme").get(closing.url)).status == 200
                await asyncio.sleep(0.05)
        assert (len(closing.connections), len(closing.requests)) == (2, 2)


@pytest.mark.parametrize("method", ["get", "post"])
async def test_a_call_is_never_sent_twice(method: str) -> None:
    """A kept connection that dies under a request may have spent the code: the call fails, nothing is repeated."""
    with peer(second_dies) as dying:
        async with http_pool() as pool:
            face = pool.for_provider("acme")
            await face.get(dying.url)
            with pytest.raises(ProviderRefused):
                await getattr(face, method)(dying.url)
            await asyncio.sleep(0.05)
        assert (len(dying.connections), len(dying.requests)) == (1, 2)


async def test_a_kept_connection_is_used_again() -> None:
    """Calls to one vendor share connections, across providers."""
    with peer(always(whole())) as kept:
        async with http_pool() as pool:
            for name in ("acme", "acme", "other"):
                await pool.for_provider(name).get(kept.url)
        assert (len(kept.connections), len(kept.requests)) == (1, 3)


async def test_a_cancelled_call_leaves_no_connection() -> None:
    """A visitor who leaves takes the half-used connection along."""
    with peer(never) as silent:
        async with http_pool() as pool:
            tasks = await stuck(pool.for_provider("acme"), silent, 1, sent=1)
            await give_up(tasks)
            assert await asyncio.to_thread(silent.closed.wait, 1)


def test_event_loops_one_after_the_other_each_have_their_pool() -> None:
    """Workers, commands and tests start loops of their own; nothing is left over from an earlier one."""

    async def get_three(url: str) -> list[int]:
        async with http_pool(vendor_calls=1) as pool:
            vendor = pool.for_provider("acme")
            return [answer.status for answer in await asyncio.gather(*(vendor.get(url) for _ in range(3)))]

    with peer(always(whole())) as busy:
        for _ in range(3):
            assert asyncio.run(get_three(busy.url)) == [200, 200, 200]


# nothing is told


def cut_short(server: Peer, connection: socket.socket) -> None:
    """Break off an answer that repeats the request."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + server.requests[-1])


def answers_no_http(server: Peer, connection: socket.socket) -> None:
    """Answer with the request itself."""
    server.read(connection)
    connection.sendall(server.requests[-1])


def answers_no_json(server: Peer, connection: socket.socket) -> None:
    """Answer whole, with the secret in bytes that are no UTF-8."""
    server.read(connection)
    connection.sendall(whole(b'{"secret": "%s", "id": "\xff"}' % CANARY.encode()))


def answers_half_json(server: Peer, connection: socket.socket) -> None:
    """Answer whole, with a JSON object that breaks off behind the secret."""
    server.read(connection)
    connection.sendall(whole(b'{"secret": "%s"' % CANARY.encode()))


def hang_up(server: Peer, connection: socket.socket) -> None:
    """Take no request at all."""


@pytest.mark.parametrize(
    "talk", [never, second_dies, hang_up, cut_short, answers_no_http, answers_no_json, answers_half_json]
)
async def test_no_call_is_told(talk: Talk) -> None:
    """No log record at DEBUG, no error and nothing that hangs on one holds a value of the call or of its answer."""
    asyncio.get_running_loop().set_debug(True)
    with every_record() as records, peer(talk) as server:
        async with http_pool(deadline=0.1) as pool:
            outcomes = await call_with_secrets(pool.for_provider("acme"), server.url)
        faults = [outcome for outcome in outcomes if outcome != {}]
        gc.collect()
    assert faults
    for fault in faults:
        assert isinstance(fault, ProviderFault)
        assert CANARY not in every_text(fault)
    assert "asyncio" in records.text
    assert CANARY not in records.text


async def call_with_secrets(vendor: Http, url: str) -> list[object]:
    """Make four calls, one after the other; returns the parsed answer or the error of each."""
    secret = {"code": CANARY, "secret": CANARY}
    header = {"authorization": CANARY}
    outcomes: list[object] = []
    for _ in range(2):
        for call in (
            vendor.get(f"{url}/{CANARY}", params=secret, headers=header),
            vendor.post(f"{url}/?code={CANARY}", form=secret, headers=header),
        ):
            outcomes += await asyncio.gather(read_json(call), return_exceptions=True)
    return outcomes


async def read_json(call: Awaitable[Answer]) -> dict[str, object]:
    """Wait for the answer and parse it."""
    return (await call).json()


async def test_a_full_default_pool_stops_no_call() -> None:
    """Whoever blocks every thread of asyncio's default pool, a shop's directory for example, stops no look-up."""
    is_released, loop = threading.Event(), asyncio.get_running_loop()
    blocked = [loop.run_in_executor(None, is_released.wait, 10) for _ in range(60)]
    try:
        with peer(always(whole(b"{}"))) as vendor:
            async with http_pool() as pool:
                answer = await pool.for_provider("acme").get(vendor.url.replace("127.0.0.1", "localhost"))
        assert answer.status == 200
    finally:
        is_released.set()
        await asyncio.gather(*blocked)


async def test_a_vendors_clock_is_told_by_its_answer() -> None:
    """By the `Date` of whatever it answers to a HEAD, to half a second; no date tells nothing, nor does a cache's."""
    now = formatdate(time.time() + 100, usegmt=True).encode()
    for date, expected in ((now, 100), (b"soon", None), (b"", None), (now + b"\r\nage: 100", None)):
        with peer(always(b"HTTP/1.1 404 Not Found\r\ndate: " + date + b"\r\ncontent-length: 9\r\n\r\n")) as server:
            async with http_pool() as pool:
                skew = await pool.find_skew(f"{server.url}/")
        assert server.requests[0].startswith(b"HEAD / HTTP/1.1\r\n")
        assert skew is None if expected is None else abs((skew or 0) - expected) < 2


async def test_a_vendor_that_does_not_answer_tells_no_time() -> None:
    """And is no error."""
    with peer(never) as server:
        async with http_pool() as pool:
            assert await pool.find_skew(f"{server.url}/") is None
            assert await pool.find_skew("http://127.0.0.1:1/") is None
            assert pool.count_calls() == (0, 0)


async def test_calls_are_counted_by_what_they_do() -> None:
    """Those under way, and those that wait for a slot of their vendor."""
    with peer(never) as server:
        async with http_pool(vendor_calls=2, deadline=1) as pool:
            calls = [asyncio.ensure_future(pool.for_provider("slow").get(server.url)) for _ in range(5)]
            await asyncio.sleep(0.2)
            assert pool.count_calls() == (2, 3)
            await asyncio.gather(*calls, return_exceptions=True)
            assert pool.count_calls() == (0, 0)
