"""Watching a provider during logins: what it raises, reads and returns, and how long it holds the event loop."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from connect_core.identity import Identity, VerifiedPhone
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, Provider

WATCHED = ("get_login_url", "login_callback", "fetch_profile", "fetch_phone", "revoke")
"""The methods of a provider that the core awaits."""


class ReadParameters(Mapping[str, str]):
    """The parameters of a response, which note the names that a provider looks up."""

    def __init__(self, parameters: Mapping[str, str], names: set[str]) -> None:
        self._parameters, self._names = parameters, names

    def __getitem__(self, name: str) -> str:
        """Note the name and return its value. Raises `KeyError` as any mapping does."""
        self._names.add(name)
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        """Note every name: whoever goes through all of them may use any."""
        self._names |= self._parameters.keys()
        return iter(self._parameters)

    def __len__(self) -> int:
        """Return the number of parameters."""
        return len(self._parameters)


@dataclass
class Watch:
    """What was seen of a provider.

    - `raised`: the exceptions of its methods; `raised_texts`: what they said before the core masked it.
    - `identities`: what `login_callback` and `fetch_profile` returned; `phones`: what `fetch_phone` returned.
    - `read`: the names of parameters that it looked up in responses.
    - `values`: values of the logins by name: `code`, `state`, `nonce`, `redirect_uri`, and what a client handed in.
    - `steps`: for each call of a method, the longest time in seconds for which it held the event loop.
    - `loop`: the event loop of the shop; `running`: the tasks in which a call is under way.
    """

    raised: list[BaseException] = field(default_factory=list)
    raised_texts: list[str] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    phones: list[VerifiedPhone] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    steps: list[float] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None
    running: list["asyncio.Task[Any] | None"] = field(default_factory=list)

    def cancel(self) -> None:
        """Cancel the calls that are under way, from another thread than the shop's."""
        for task in self.running:
            if task and self.loop:
                self.loop.call_soon_threadsafe(task.cancel)

    def note(self, given: object) -> object:
        """Note the values of an argument, and return what the provider receives in its place."""
        names: tuple[str, ...] = ()
        if isinstance(given, AuthorizationRequest):
            names = ("redirect_uri", "state", "nonce", "code_challenge")
        elif isinstance(given, AuthorizationResponse):
            names = ("redirect_uri", "nonce", "code_verifier")
            self.values |= {**given.parameters, "code": given.code}
        self.values |= {name: value for name in names if (value := getattr(given, name))}
        if not isinstance(given, AuthorizationResponse):
            return given
        return AuthorizationResponse.of_spent_flow(
            client_type=given.client_type,
            code=given.code,
            parameters=ReadParameters(given.parameters, self.read),
            redirect_uri=given.redirect_uri,
            nonce=given.nonce,
            code_verifier=given.code_verifier,
        )

    def watched(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Return `method` of a provider with everything noted that this class has attributes for."""

        async def call(*arguments: object) -> Any:
            self.loop, task = asyncio.get_running_loop(), asyncio.current_task()
            self.running.append(task)
            step = _TimedSteps(method(*map(self.note, arguments)))
            try:
                result = await step
            except BaseException as error:
                self.raised.append(error)
                self.raised_texts += _texts(error)
                raise
            finally:
                self.running.remove(task)
                self.steps.append(step.longest)
            if isinstance(result, Identity):
                self.identities.append(result)
            elif isinstance(result, VerifiedPhone):
                self.phones.append(result)
            return result

        return call


def _texts(error: BaseException | None) -> Iterator[str]:
    """Yield the texts of an exception and of its causes, with their traceback."""
    if error is None:
        return
    yield "".join(traceback.format_exception(error))
    yield from (str(error), repr(error), repr(getattr(error, "__dict__", "")))
    yield from _texts(error.__cause__)
    yield from _texts(error.__context__ if error.__context__ is not error.__cause__ else None)


class _TimedSteps:
    """An awaitable that measures for how long another one runs between two waits."""

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._awaitable = awaitable
        self.longest = 0.0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps: Any = self._awaitable.__await__()
        proceed, argument = steps.send, None
        while True:
            begun = perf_counter()
            try:
                waited_for = proceed(argument)
            except StopIteration as end:
                return end.value
            finally:
                self.longest = max(self.longest, perf_counter() - begun)
            try:
                proceed, argument = steps.send, (yield waited_for)
            except BaseException as error:  # noqa: BLE001 - a cancellation, which the awaitable must see
                proceed, argument = steps.throw, error


@contextmanager
def watching(provider: Provider) -> Iterator[Watch]:
    """Watch the methods of `provider` until the block ends; yields what was seen so far."""
    watch = Watch()
    names = [name for name in WATCHED if hasattr(provider, name)]
    for name in names:
        setattr(provider, name, watch.watched(getattr(provider, name)))
    try:
        yield watch
    finally:
        for name in names:
            delattr(provider, name)
