"""Many calls: slots, connections that peers close, event loops, and that nothing of a call is ever told."""

import asyncio
import gc
import socket
import time
from collections.abc import Awaitable

import pytest

from connect_core.errors import ProviderBadResponse, ProviderFault, ProviderTimeout, Unavailable
from connect_core.http import Answer, Http, HttpPool

from .kit.canaries import CANARY, every_record, every_text
from .kit.peers import Peer, Talk, always, never, peer, using, whole


def once(one: Peer, connection: socket.socket) -> None:
    """Answer one request as if the connection were kept, then close it."""
    one.read(connection)
    connection.sendall(whole())


def second_dies(one: Peer, connection: socket.socket) -> None:
    """Answer the first request; take the second whole and hang up."""
    one.read(connection)
    connection.sendall(whole())
    one.read(connection)


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


def test_a_stuck_vendor_delays_no_other() -> None:
    """Fifty calls hang at one vendor; a call to another takes as long as ever."""

    async def work(pool: HttpPool) -> float:
        tasks = await stuck(pool.for_provider("slow"), silent, 60, sent=50)
        before = time.monotonic()
        await pool.for_provider("fast").get(busy.url)
        took = time.monotonic() - before
        await give_up(tasks)
        return took

    with peer(never) as silent, peer(always(whole())) as busy:
        assert using(work) < 0.3
        assert len(silent.requests) == 50


def test_the_251st_call_is_turned_away_and_cancelled_ones_make_room() -> None:
    """Fifty call and two hundred wait; one more is told at once when to come back. Who gives up frees the slot."""

    async def work(pool: HttpPool) -> None:
        face = pool.for_provider("acme")
        tasks = await stuck(face, silent, 250, sent=50)
        with pytest.raises(Unavailable) as caught:
            await face.get(busy.url)
        assert caught.value.retry_after == 1
        await give_up(tasks)
        answers = await asyncio.gather(*(face.get(busy.url) for _ in range(250)))
        assert {answer.status for answer in answers} == {200}

    with peer(never) as silent, peer(always(whole())) as busy:
        using(work, deadline=5.0)
        assert len(silent.requests) == 50


def test_waiting_counts_against_the_deadline_and_frees_the_slot() -> None:
    """A call that never got a slot ends by the deadline like any other, and leaves nothing taken."""

    async def work(pool: HttpPool) -> None:
        face = pool.for_provider("acme")
        before = time.monotonic()
        results = await asyncio.gather(*(face.get(silent.url) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [ProviderTimeout] * 3
        assert time.monotonic() - before < 0.6
        assert (await face.get(busy.url)).status == 200

    with peer(never) as silent, peer(always(whole())) as busy:
        using(work, deadline=0.3, vendor_calls=1, waiting=2)


def test_a_providers_client_types_share_its_slots() -> None:
    """`vendor_calls` is for a provider, however often its face of the pool is asked for."""

    async def work(pool: HttpPool) -> None:
        tasks = await stuck(pool.for_provider("acme"), silent, 1, sent=1)
        with pytest.raises(Unavailable):
            await pool.for_provider("acme").get(busy.url)
        assert (await pool.for_provider("other").get(busy.url)).status == 200
        await give_up(tasks)

    with peer(never) as silent, peer(always(whole())) as busy:
        using(work, vendor_calls=1, waiting=0)


# connections


def test_a_kept_connection_that_the_peer_closed_is_not_used() -> None:
    """After the vendor closed an idle connection the next call works, on a fresh one."""

    async def work(pool: HttpPool) -> None:
        for _ in range(2):
            assert (await pool.for_provider("acme").get(closing.url)).status == 200
            await asyncio.sleep(0.05)

    with peer(once) as closing:
        using(work)
        assert (len(closing.connections), len(closing.requests)) == (2, 2)


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_call_is_never_sent_twice(method: str) -> None:
    """A kept connection that dies under a request may have spent the code: the call fails, nothing is repeated."""

    async def work(pool: HttpPool) -> None:
        face = pool.for_provider("acme")
        await face.get(dying.url)
        with pytest.raises(ProviderBadResponse):
            await getattr(face, method)(dying.url)
        await asyncio.sleep(0.05)

    with peer(second_dies) as dying:
        using(work)
        assert (len(dying.connections), len(dying.requests)) == (1, 2)


def test_a_kept_connection_is_used_again() -> None:
    """Calls to one vendor share connections, across providers."""

    async def work(pool: HttpPool) -> None:
        for name in ("acme", "acme", "other"):
            await pool.for_provider(name).get(kept.url)

    with peer(always(whole())) as kept:
        using(work)
        assert (len(kept.connections), len(kept.requests)) == (1, 3)


def test_a_cancelled_call_leaves_no_connection() -> None:
    """A visitor who leaves takes the half-used connection along."""

    async def work(pool: HttpPool) -> None:
        tasks = await stuck(pool.for_provider("acme"), silent, 1, sent=1)
        await give_up(tasks)
        assert await asyncio.to_thread(silent.closed.wait, 1)

    with peer(never) as silent:
        using(work)


def test_event_loops_one_after_the_other_each_have_their_pool() -> None:
    """Workers, commands and tests start loops of their own; nothing is left over from an earlier one."""

    async def work(pool: HttpPool) -> list[int]:
        face = pool.for_provider("acme")
        return [answer.status for answer in await asyncio.gather(*(face.get(busy.url) for _ in range(3)))]

    with peer(always(whole())) as busy:
        for _ in range(3):
            assert using(work, vendor_calls=1) == [200, 200, 200]


# nothing is told


def cut_short(one: Peer, connection: socket.socket) -> None:
    """Break off an answer that repeats the request."""
    one.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + one.requests[-1])


def answers_no_http(one: Peer, connection: socket.socket) -> None:
    """Answer with the request itself."""
    one.read(connection)
    connection.sendall(one.requests[-1])


def answers_no_json(one: Peer, connection: socket.socket) -> None:
    """Answer whole, with the secret in bytes that are no UTF-8."""
    one.read(connection)
    connection.sendall(whole(b'{"secret": "%s", "id": "\xff"}' % CANARY.encode()))


def answers_half_json(one: Peer, connection: socket.socket) -> None:
    """Answer whole, with a JSON object that breaks off behind the secret."""
    one.read(connection)
    connection.sendall(whole(b'{"secret": "%s"' % CANARY.encode()))


def hang_up(one: Peer, connection: socket.socket) -> None:
    """Take no request at all."""


@pytest.mark.parametrize(
    "talk", [never, second_dies, hang_up, cut_short, answers_no_http, answers_no_json, answers_half_json]
)
def test_no_call_is_told(talk: Talk) -> None:
    """No log record at DEBUG, no error and nothing that hangs on one holds a value of the call or of its answer."""
    secret = {"code": CANARY, "secret": CANARY}
    header = {"authorization": CANARY}

    async def work(pool: HttpPool) -> list[object]:
        face, outcomes = pool.for_provider("acme"), list[object]()
        for _ in range(2):
            for call in (
                face.get(f"{one.url}/{CANARY}", params=secret, headers=header),
                face.post(f"{one.url}/?code={CANARY}", form=secret, headers=header),
            ):
                outcomes += await asyncio.gather(read_json(call), return_exceptions=True)
        return outcomes

    with every_record() as records, peer(talk) as one:
        faults = [outcome for outcome in using(work, debug=True, deadline=0.1) if outcome != {}]
        gc.collect()
    assert faults
    for fault in faults:
        assert isinstance(fault, ProviderFault)
        assert CANARY not in every_text(fault)
    assert "asyncio" in records.text
    assert CANARY not in records.text


async def read_json(call: Awaitable[Answer]) -> dict[str, object]:
    """Wait for the answer and parse it."""
    return (await call).json()
