"""Code that goes on after it was cancelled, in the ways that plugins do it, until a test lets it end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress


class Stubborn:
    """Each method goes on for ever; `may_end` lets all of them end, which a test does before its event loop closes."""

    def __init__(self, ending: Callable[[], object] = lambda: None) -> None:
        """`ending` is called at the end, and may raise."""
        self.may_end = asyncio.Event()
        self._ending = ending

    async def catch(self) -> object:
        """Catch every cancellation."""
        while not self.may_end.is_set():
            with suppress(asyncio.CancelledError):
                await self.may_end.wait()
        return self._ending()

    async def clean_up_slowly(self) -> object:
        """Wait in a `finally`."""
        try:
            await asyncio.sleep(60)
        finally:
            await self.may_end.wait()
        return self._ending()

    async def wait_for_a_task(self) -> object:
        """Wait for a task of its own, which catches every cancellation."""
        return await asyncio.create_task(self.catch())

    async def iterate(self) -> object:
        """Wait for an asynchronous generator that cleans up slowly."""
        async for _ in self._items():
            pass
        return self._ending()

    async def shield(self) -> object:
        """End when it is cancelled, and leave something behind that does not."""
        return await asyncio.shield(self.catch())

    async def _items(self) -> AsyncIterator[int]:
        try:
            await asyncio.sleep(60)
        finally:
            await self.may_end.wait()
        yield 1


WAYS: Mapping[str, Callable[[Stubborn], Callable[[], Awaitable[object]]]] = {
    "catches": lambda stubborn: stubborn.catch,
    "finally": lambda stubborn: stubborn.clean_up_slowly,
    "task": lambda stubborn: stubborn.wait_for_a_task,
    "generator": lambda stubborn: stubborn.iterate,
    "shield": lambda stubborn: stubborn.shield,
}


@contextmanager
def stubborn(ending: Callable[[], object] = lambda: None) -> Iterator[Stubborn]:
    """Code that may end when the block does."""
    code = Stubborn(ending)
    try:
        yield code
    finally:
        code.may_end.set()
