"""A state that was on its way to a database which did not answer: the browser may try again, and only once."""

import pytest

from connect_core.errors import StateInvalid, Unavailable
from connect_core.login import callback
from connect_core.login.values import CallbackRepeated, SessionOpened
from connect_core.manager import ConnectManager

from ..kit.acme import Acme, begin, come_back


def lose_answer(manager: ConnectManager, monkeypatch: pytest.MonkeyPatch, *, arrives: bool) -> None:
    """Have the next write answered with 503, whether it `arrives` at the database or not."""
    write = manager.database.write

    async def lose(work: object, **options: object) -> object:
        monkeypatch.undo()
        if arrives:
            await write(work, **options)  # type: ignore[arg-type]
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(manager.database, "write", lose)


@pytest.mark.parametrize("arrives", [False, True])
async def test_the_same_address_works_afterwards_and_a_repeat_of_that_is_one(
    manager: ConnectManager, acme: Acme, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
) -> None:
    """Whether the state was spent or not. What follows is a repeat: the vendor is called once."""
    begun = await begin(manager)
    lose_answer(manager, monkeypatch, arrives=arrives)
    with pytest.raises(Unavailable):
        await come_back(manager, begun)
    assert acme.requests == []
    assert isinstance(await come_back(manager, begun), SessionOpened)
    called = len(acme.requests)
    assert isinstance(await come_back(manager, begun), CallbackRepeated)
    assert len(acme.requests) == called


async def test_who_was_answered_is_not_first_again(
    manager: ConnectManager, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that ended in another process stays ended."""
    begun = await begin(manager)
    lose_answer(manager, monkeypatch, arrives=False)
    with pytest.raises(Unavailable):
        await come_back(manager, begun)
    other = manager.callbacks._unanswered
    manager.callbacks._unanswered = type(other)()
    assert isinstance(await come_back(manager, begun), SessionOpened)
    called = len(acme.requests)
    manager.callbacks._unanswered = other
    assert isinstance(await come_back(manager, begun), CallbackRepeated)
    assert len(acme.requests) == called


async def test_another_code_does_not_go_on(
    manager: ConnectManager, acme: Acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not answered is the state together with its code."""
    begun = await begin(manager)
    lose_answer(manager, monkeypatch, arrives=True)
    with pytest.raises(Unavailable):
        await come_back(manager, begun)
    monkeypatch.setattr(callback, "TOTAL_DEADLINE", 0.1)  # how long it is waited for whoever was first
    with pytest.raises(StateInvalid):
        await come_back(manager, begun, "another.1")
    assert acme.requests == []
