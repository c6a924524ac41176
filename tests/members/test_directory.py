"""The guard before the shop's directory: deadlines, clean codes, answers of the right form, and a key that stays."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connect_core.errors import ConnectError, MemberDisabled, Unavailable
from connect_core.identity import ClientType, Identity, IdKind, PersonId, Profile
from connect_core.members.external_directory import ExternalDirectory, get_registration_key

from ..kit.stubborn import stubborn

CALLS: dict[str, Callable[[ExternalDirectory], Awaitable[object]]] = {
    "find": lambda guarded: guarded.find(1),
    "register": lambda guarded: guarded.register("key", Profile(), ClientType.PC),
    "is_disabled": lambda guarded: guarded.is_disabled(1),
    "update_profile": lambda guarded: guarded.update_profile(1, Profile()),
}
every_call = pytest.mark.parametrize("name", CALLS)


class Directory:
    """Answers every question alike."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer
        self.is_closed = False

    async def find(self, member_id: int) -> Any:
        return await self._tell()

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> Any:
        return await self._tell()

    async def is_disabled(self, member_id: int) -> Any:
        return await self._tell()

    async def update_profile(self, member_id: int, profile: Profile) -> Any:
        return await self._tell()

    async def aclose(self) -> None:
        self.is_closed = True
        await self._tell()

    async def _tell(self) -> Any:
        answer = self._answer()
        return await answer if asyncio.iscoroutine(answer) else answer


async def ask(name: str, answer: Callable[[], Any]) -> object:
    """Put one question to a directory with this answer."""
    return await CALLS[name](ExternalDirectory(Directory(answer), deadline=0.1))


def fail(error: BaseException) -> Any:
    raise error


@every_call
async def test_a_directory_that_hangs_is_unavailable(name: str) -> None:
    """Each call has its own deadline."""
    with pytest.raises(Unavailable) as caught:
        await ask(name, lambda: asyncio.sleep(60))
    assert caught.value.retry_after


@every_call
async def test_a_directory_that_ignores_its_cancellation_is_unavailable(name: str) -> None:
    """As any plugin it cannot hold the visitor, who does not wait until it ends."""
    with stubborn() as code:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="TimeoutError"):
            await ask(name, code.catch)
        assert time.monotonic() - began < 10
    await asyncio.sleep(0.01)


@every_call
@pytest.mark.parametrize("kind", [SystemExit, asyncio.CancelledError])
async def test_a_directory_cannot_stop_the_service(name: str, kind: type[BaseException]) -> None:
    """What would end the event loop or the request is unavailable too."""
    with pytest.raises(Unavailable, match=kind.__name__):
        await ask(name, lambda: fail(kind()))


@every_call
@pytest.mark.parametrize(
    "error", [RuntimeError("secret"), KeyError("secret"), OSError("secret"), TimeoutError("secret")]
)
async def test_whatever_a_directory_raises_is_unavailable_without_its_text(name: str, error: Exception) -> None:
    """Its kind is told, for the log; neither text nor cause hangs on what we raise."""
    with pytest.raises(Unavailable) as caught:
        await ask(name, lambda: fail(error))
    assert "secret" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@every_call
async def test_a_refusal_in_our_own_words_passes(name: str) -> None:
    """A directory may say for itself that a member is disabled."""
    error: ConnectError = MemberDisabled("locked")
    with pytest.raises(MemberDisabled):
        await ask(name, lambda: fail(error))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("register", None),
        ("register", 0),
        ("register", -1),
        ("register", True),
        ("register", "1"),
        ("register", 2**63),
        ("is_disabled", None),
        ("is_disabled", 0),
        ("is_disabled", "no"),
        ("find", "a name"),
        ("find", 1),
    ],
)
async def test_an_answer_of_another_form_is_unavailable(name: str, answer: object) -> None:
    """Above all, no answer is not the answer that a member is welcome."""
    with pytest.raises(Unavailable):
        await ask(name, lambda: answer)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("register", 1),
        ("register", 2**63 - 1),
        ("is_disabled", True),
        ("is_disabled", False),
        ("find", None),
        ("find", {}),
    ],
)
async def test_answers_of_the_right_form_pass(name: str, answer: object) -> None:
    """Unchanged."""
    assert await ask(name, lambda: answer) == answer


@pytest.mark.parametrize("answer", [lambda: None, lambda: fail(OSError())])
async def test_a_directory_is_closed_whatever_it_says(answer: Callable[[], Any]) -> None:
    """It may fail at that; the service ends all the same."""
    directory = Directory(answer)
    await ExternalDirectory(directory).aclose()
    assert directory.is_closed


def person(*ids: PersonId, union_type: str = "WECHAT") -> Identity:
    return Identity(union_type, ids, "wx1")


def test_the_registration_key_is_what_the_docs_say() -> None:
    """A shop can compute it for members it has already; it changes with no key of ours."""
    text = "connect-login registration\0WECHAT\0union_id\0\0oUnion"
    key = get_registration_key(person(PersonId.union_id("oUnion"), PersonId.open_id("o", "wx1")))
    assert key == hashlib.sha256(text.encode()).hexdigest()
    assert (
        get_registration_key(person(PersonId.union_id("oUnion")), 2)
        == hashlib.sha256(f"{text}\0{2}".encode()).hexdigest()
    )


def test_every_part_of_an_id_is_in_the_registration_key() -> None:
    """The same text at another vendor, of another kind or for another app is another person."""
    keys = {
        get_registration_key(one)
        for one in (
            person(PersonId.open_id("o", "wx1")),
            person(PersonId.open_id("o", "wx2")),
            person(PersonId.union_id("o")),
            person(PersonId(IdKind.UNION_ID, "o", "wx1")),
            person(PersonId.open_id("o", "wx1"), union_type="QQ"),
            person(PersonId.open_id("p", "wx1")),
        )
    }
    assert len(keys) == 6
