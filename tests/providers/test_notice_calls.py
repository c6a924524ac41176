"""Reading a vendor's notice through a plugin that may answer anything."""

import asyncio
from typing import Any

import pytest

from connect_core.errors import ProviderBadResponse, ProviderTimeout, ProviderUnsigned, Unsupported
from connect_core.identity import PersonId
from connect_core.providers import calls
from connect_core.providers.abilities import (
    NOTICE_AGE,
    NOTICE_SKEW,
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    VendorNotice,
    get_notice_expiry,
)

from ..kit.acme import AcmeProvider, AcmeSettings
from ..kit.strange_plugins import HTTP, Answer

SECRET = "a-signed-text-of-the-vendor"
REQUEST = NoticeRequest("POST", {"signature": SECRET}, {}, b"")
RIGHT = VendorNotice(NoticeKind.ACCOUNT_CLOSED, PersonId.union_id("u-1"), "key", 1)


class Listener(AcmeProvider):
    """A plugin that reads a notice as `answer` does."""

    answer: Answer

    async def read_notice(self, request: NoticeRequest) -> Any:
        """Answer."""
        answer = self.answer()
        return await answer if asyncio.iscoroutine(answer) else answer


async def read(answer: Answer, seconds: float = 2) -> NoticeAnswer:
    """Read a notice through such a plugin."""
    listener = Listener(AcmeSettings(), HTTP)
    listener.answer = answer
    return await calls.read_notice(listener, REQUEST, seconds)


def changed(**members: object) -> VendorNotice:
    """A notice as no type checker lets one be made."""
    notice = VendorNotice(RIGHT.kind, RIGHT.person, RIGHT.key, RIGHT.expiry_time)
    for name, value in members.items():
        object.__setattr__(notice, name, value)
    return notice


@pytest.mark.parametrize(
    "answer",
    [
        None,
        RIGHT,
        (RIGHT,),
        NoticeAnswer([RIGHT]),  # type: ignore[arg-type]
        NoticeAnswer((None,)),  # type: ignore[arg-type]
        NoticeAnswer((), b"success"),  # type: ignore[arg-type]
        NoticeAnswer((), "", None),  # type: ignore[arg-type]
        NoticeAnswer(status=302),
        NoticeAnswer(status=500),
        NoticeAnswer((changed(kind="account_closed"),)),
        NoticeAnswer((changed(person="u-1"),)),
        NoticeAnswer((changed(key=""),)),
        NoticeAnswer((changed(key=7),)),
        NoticeAnswer((changed(expiry_time=1.5),)),
    ],
)
async def test_nonsense(answer: object) -> None:
    """What is no notice is no answer of the vendor's."""
    with pytest.raises(ProviderBadResponse):
        await read(lambda: answer)


async def test_sound_answers() -> None:
    """With a notice, and without."""
    for answer in (NoticeAnswer(), NoticeAnswer((RIGHT, RIGHT), "ok", "text/html", 202)):
        assert await read(lambda answer=answer: answer) is answer  # type: ignore[misc]


async def test_plugin_that_fails() -> None:
    """Its errors are ours, without what the vendor signed; one that hangs is left behind."""

    def fail() -> object:
        raise ProviderUnsigned(f"wrong: {SECRET}")

    with pytest.raises(ProviderUnsigned) as caught:
        await read(fail)
    assert SECRET not in str(caught.value)
    with pytest.raises(ProviderBadResponse):
        await read(lambda: 1 / 0)
    with pytest.raises(ProviderTimeout):
        await read(lambda: asyncio.sleep(60), 0.05)


async def test_provider_without_the_ability() -> None:
    """It is not called."""
    with pytest.raises(Unsupported):
        await calls.read_notice(AcmeProvider(AcmeSettings(), HTTP), REQUEST)


def test_age() -> None:
    """Ten minutes, and the difference of two clocks to either side."""
    now = 1_000_000.0
    oldest = now - NOTICE_AGE - NOTICE_SKEW
    assert get_notice_expiry(oldest, now) == now + 1
    assert get_notice_expiry(now + NOTICE_SKEW, now) > now
    for sent in (oldest - 1, now + NOTICE_SKEW + 1):
        with pytest.raises(ProviderBadResponse):
            get_notice_expiry(sent, now)


def test_nothing_secret_is_shown() -> None:
    """Neither what came nor whom it names."""
    assert SECRET not in repr(REQUEST)
    assert not {"u-1", "key'"} & set(repr(RIGHT).split("'"))
