"""Asking a vendor through a plugin that may do anything: raise, hang, answer nonsense. It ends its own login alone."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, NoReturn, cast

import pytest

from connect_core.errors import (
    BadRequest,
    CodeInvalid,
    CodeSeen,
    ConnectError,
    ContradictingAnswer,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnsigned,
    RequestRefused,
    Unavailable,
)
from connect_core.http import TOTAL_DEADLINE
from connect_core.identity import Identity, PersonId, Profile, VerifiedPhone
from connect_core.providers import calls
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, Provider

from ..kit.acme import AcmeProvider, AcmeSettings
from ..kit.canaries import CANARY, every_text
from ..kit.strange_plugins import HTTP, LIHUA, REQUEST, RESPONSE, Answer, Stranger


class Plain(AcmeProvider):
    """A plugin whose author forgot `async`."""

    answer: Answer

    def get_login_url(self, request: AuthorizationRequest) -> Any:
        """Answer."""
        return self.answer()

    login_callback = fetch_profile = get_login_url  # type: ignore[assignment]

    def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> Any:
        """Answer."""
        return self.answer()


def provider(answer: Answer, kind: type[Provider] = Stranger) -> Provider:
    """A plugin that answers so."""
    made = kind(AcmeSettings(), HTTP)
    cast("Any", made).answer = answer
    return made


def raising(error: BaseException) -> Answer:
    """An answer that is none."""

    def fail() -> NoReturn:
        raise error

    return fail


STEPS: dict[str, Callable[[Provider, float], Awaitable[object]]] = {
    "get_login_url": lambda one, seconds: calls.get_login_url(one, REQUEST, seconds),
    "login_callback": lambda one, seconds: calls.login_callback(one, RESPONSE, seconds),
    "fetch_profile": lambda one, seconds: calls.fetch_profile(one, LIHUA, seconds),
    "fetch_phone": lambda one, seconds: calls.fetch_phone(one, RESPONSE, LIHUA, seconds),
}


WITHOUT: dict[str, object] = {"fetch_profile": LIHUA, "fetch_phone": None}
"""The steps that a login stands without, and what comes of them then."""


async def ask(step: str, answer: Answer, kind: type[Provider] = Stranger, seconds: float = 2) -> object:
    """Run one step against such a plugin."""
    return await STEPS[step](provider(answer, kind), seconds)


@pytest.fixture(params=STEPS)
def step(request: pytest.FixtureRequest) -> str:
    """Every question that a plugin is asked."""
    return str(request.param)


# a plugin that raises


def deep() -> NoReturn:
    """Recurse until Python gives up."""
    deep()


class Sulk(BaseException):
    """A plugin's own."""


RAISED = {
    "ValueError": raising(ValueError(CANARY)),
    "AttributeError": lambda: None.code,  # type: ignore[attr-defined]
    "SystemExit": raising(SystemExit(3)),
    "GeneratorExit": raising(GeneratorExit()),
    "Sulk": raising(Sulk(CANARY)),
    "CancelledError": raising(asyncio.CancelledError()),
    "RecursionError": deep,
    "StopAsyncIteration": raising(StopAsyncIteration()),
    "MemoryError": raising(MemoryError()),
    "ExceptionGroup": raising(ExceptionGroup(CANARY, [ValueError(CANARY)])),
}


@pytest.mark.parametrize("kind", [Stranger, Plain])
@pytest.mark.parametrize("name", RAISED)
async def test_whatever_a_plugin_raises_ends_its_login_alone(step: str, name: str, kind: type[Provider]) -> None:
    """502, with the kind of the error and its place for the operator, and without its text, which may hold anything.

    At the profile and the phone number the login goes on, and the log has the same.
    """
    if step in WITHOUT:
        assert await ask(step, RAISED[name], kind) == WITHOUT[step]
        return
    with pytest.raises(ProviderBadResponse, match=f"the plugin raised {name} at ") as caught:
        await ask(step, RAISED[name], kind)
    assert CANARY not in str(caught.value)


async def test_stop_iteration_is_an_error_too(step: str) -> None:
    """Python makes a RuntimeError of it inside a coroutine; outside it stays what it is."""
    for kind in (Stranger, Plain):
        if step in WITHOUT:
            assert await ask(step, raising(StopIteration()), kind) == WITHOUT[step]
            continue
        with pytest.raises(ProviderBadResponse, match=r"RuntimeError|StopIteration"):
            await ask(step, raising(StopIteration()), kind)


class Waking(AcmeProvider):
    """A plugin whose link to its app is whatever `answer` does."""

    answer: Answer

    def get_deep_link(self, start_url: str, user_agent: str) -> Any:
        """Answer."""
        return self.answer()


@pytest.mark.parametrize("answer", [*RAISED.values(), *(lambda j=j: j for j in (7, b"x", "", "a\nb", "x" * 9000))])
def test_a_link_to_the_vendors_app_is_asked_for_as_carefully(answer: Answer) -> None:
    """Whatever a plugin raises or answers in its place ends this login; None says that the visitor is there."""
    with pytest.raises(ProviderBadResponse) as caught:
        calls.get_deep_link(cast("Any", provider(answer, Waking)), "https://shop.example/", "")
    assert CANARY not in every_text(caught.value)
    assert calls.get_deep_link(cast("Any", provider(lambda: None, Waking)), "https://shop.example/", "") is None


async def test_a_plugins_error_does_not_hang_on_ours() -> None:
    """What an error reporter prints of a failed login quotes no line of the plugin's own error."""
    with pytest.raises(ProviderBadResponse) as caught:
        await ask("login_callback", raising(ValueError(CANARY)))
    assert CANARY not in every_text(caught.value)


@pytest.mark.parametrize("error", [CodeInvalid, ProviderDenied, ProviderUnsigned, ProviderConfig, Unavailable])
async def test_a_plugins_own_verdict_stands(error: type[ConnectError]) -> None:
    """An error of our tree passes as it is, with what the vendor said."""
    verdict = error("as the vendor says", vendor={"errcode": "40029"})
    with pytest.raises(error) as caught:
        await ask("login_callback", raising(verdict))
    assert caught.value is verdict


# a plugin that hangs


async def test_a_plugin_that_never_returns_is_ended_by_the_deadline(step: str) -> None:
    """504 within the deadline, and what it was doing is cancelled; a profile or phone number is done without."""
    ended = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    began = time.monotonic()
    if step in WITHOUT:
        assert await ask(step, hang, seconds=0.05) == WITHOUT[step]
    else:
        with pytest.raises(ProviderTimeout):
            await ask(step, hang, seconds=0.05)
    assert time.monotonic() - began < 5
    assert ended == [True]


async def test_no_time_left_means_no_profile() -> None:
    """A login that has used up its time is not held up by its profile."""

    async def slow() -> Identity:
        await asyncio.sleep(0.01)
        return LIHUA.with_profile(Profile.of(nickname="李华"))

    assert await ask("fetch_profile", slow, seconds=-1) == LIHUA


def test_the_deadlines_are_as_written() -> None:
    """Eight seconds for the vendor, four of them for the profile."""
    assert (TOTAL_DEADLINE, calls.PROFILE_DEADLINE) == (8.0, 4.0)


async def test_a_visitor_who_leaves_ends_the_call() -> None:
    """Cancelling the request cancels the plugin, and is not taken for the plugin's doing."""
    task = asyncio.create_task(calls.login_callback(provider(lambda: asyncio.sleep(60)), RESPONSE))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# a plugin that answers nonsense

JUNK = [None, 7, True, "", b"x", [], {}, object(), "x" * 5_000_000, {"union_id": "u-1"}]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: type(junk).__name__)
@pytest.mark.parametrize("kind", [Stranger, Plain])
async def test_an_answer_of_another_type_is_none(step: str, kind: type[Provider], junk: object) -> None:
    """502 whatever is answered in place of what was asked for."""
    if step in WITHOUT:
        assert await ask(step, lambda: junk, kind) == WITHOUT[step]
        return
    with pytest.raises(ProviderBadResponse):
        await ask(step, lambda: junk, kind)


def odd(**changes: object) -> Identity:
    """An identity as no type checker lets one be made."""
    identity = replace(LIHUA)
    for name, value in changes.items():
        object.__setattr__(identity, name, value)
    return identity


def odd_id(**changes: object) -> PersonId:
    """The same for an id."""
    one = PersonId.open_id("o-1", "acme-1")
    for name, value in changes.items():
        object.__setattr__(one, name, value)
    return one


ODD_IDENTITIES = {
    "another union type": odd(union_type="ALIPAY"),
    "a list of ids": odd(ids=list(LIHUA.ids)),
    "a bare text": odd(ids=("u-1",)),
    "a text": odd(ids="u-1"),
    "a kind we do not know": odd(ids=(odd_id(kind="email"),)),
    "no scope": odd(ids=(odd_id(scope=None),)),
    "an endless scope": odd(ids=(odd_id(scope="a" * 256),)),
    "one id twice": odd(ids=LIHUA.ids[:1] * 2),
    "two ids of one kind": odd(ids=(PersonId.union_id("u-1"), PersonId.union_id("u-2"))),
    "a profile of its own": odd(profile={"nickname": "李华"}),
    "a certificate of its own": odd(profile=Profile(is_certified=cast("Any", {"T": 1}))),
}


@pytest.mark.parametrize("case", ODD_IDENTITIES)
async def test_an_identity_that_cannot_be_kept_is_refused(case: str) -> None:
    """Before a transaction begins; as a profile's it is done without, unless it contradicts the proof."""
    with pytest.raises(ProviderBadResponse):
        await ask("login_callback", lambda: ODD_IDENTITIES[case])
    if case in ("another union type", "one id twice", "two ids of one kind"):
        with pytest.raises(ContradictingAnswer):
            await ask("fetch_profile", lambda: ODD_IDENTITIES[case])
    else:
        assert await ask("fetch_profile", lambda: ODD_IDENTITIES[case]) == LIHUA


async def test_a_profile_is_cleaned_again() -> None:
    """A plugin that makes a profile by hand gets no control character, flood, number or script into the tables."""
    raw = Profile(
        nickname="李\x00华\u202e" + "x" * 10_000,
        face="javascript:alert(1)",
        sex=cast("Any", "1"),
        province=cast("Any", 7),
        city=cast("Any", None),
        mobile="1" * 500,
        is_certified=True,
    )
    told = await ask("fetch_profile", lambda: replace(LIHUA, profile=raw))
    assert isinstance(told, Identity)
    assert told.profile == Profile("李华" + "x" * 62, "", None, "", "", "1" * 32, is_certified=True)
    assert told.grant == "g-1"


async def test_a_profile_must_be_the_persons() -> None:
    """Further ids may come with a profile; one of those the login is about may neither change nor be missing."""
    profile = Profile.of(nickname="李华")
    more = (PersonId.user_id("2088"), *LIHUA.ids)
    assert await ask("fetch_profile", lambda: Identity("ACME", more, "acme-1", profile)) == Identity(
        "ACME", more, "acme-1", profile
    )
    for ids in ((PersonId.union_id("u-2"), LIHUA.ids[1]), LIHUA.ids[:1], (PersonId.user_id("2088"),)):
        with pytest.raises(ContradictingAnswer):
            await ask("fetch_profile", lambda ids=ids: Identity("ACME", ids, "acme-1", profile))  # type: ignore[misc]


@pytest.mark.parametrize("phone", [VerifiedPhone(cast("Any", 138), "p"), VerifiedPhone("138", cast("Any", None))])
async def test_a_phone_number_is_a_text(phone: VerifiedPhone) -> None:
    """So is its proof; anything else is no number."""
    assert await ask("fetch_phone", lambda: phone) is None


@pytest.mark.parametrize("url", ["", "https://acme.example/\r\nset-cookie: a=b", "https://acme.example/é", "a\x00"])
async def test_a_login_url_is_plain_text(url: str) -> None:
    """A header or page can carry it."""
    with pytest.raises(ProviderBadResponse):
        await ask("get_login_url", lambda: url)


async def test_phone_numbers_are_asked_of_those_who_know_them() -> None:
    """A provider without the ability is not asked; one with it may have none."""
    number = VerifiedPhone("13800000001", "proof")
    assert await ask("fetch_phone", raising(ZeroDivisionError()), AcmeProvider) is None
    assert await ask("fetch_phone", lambda: number) is number
    assert LIHUA.with_phone(number).profile == Profile(mobile="13800000001")
    assert LIHUA.with_phone(None) is LIHUA
    named = replace(LIHUA, profile=Profile.of(nickname="李华"))
    assert named.with_phone(number).profile == Profile(nickname="李华", mobile="13800000001")


# which refusals leave a login standing


UNUSABLE = [ProviderRefused, ProviderConfig, ProviderBadResponse, CodeInvalid, ProviderTimeout, Unavailable]


@pytest.mark.parametrize("error", UNUSABLE)
async def test_an_unusable_profile_leaves_the_login_standing(
    error: type[ConnectError], caplog: pytest.LogCaptureFixture
) -> None:
    """No permission, busy, slow, a page: the person logs in on the ids alone, and the operator reads why."""
    assert await ask("fetch_profile", raising(error("no", vendor={"sub_code": "isv.x"}))) == LIHUA
    [record] = caplog.records
    assert (record.levelno, record.message) == (logging.WARNING, "profile_refused")
    assert (vars(record)["code"], vars(record)["reason"], vars(record)["vendor_sub_code"]) == (
        error.code,
        "no",
        "isv.x",
    )


@pytest.mark.parametrize("error", [ProviderUnsigned, ContradictingAnswer])
async def test_a_profile_that_cannot_be_trusted_fails_the_login(error: type[ConnectError]) -> None:
    """Forged, or another person's."""
    with pytest.raises(error):
        await ask("fetch_profile", raising(error("no")))


@pytest.mark.parametrize("error", [*UNUSABLE, BadRequest, ProviderDenied, CodeSeen])
async def test_an_unusable_phone_number_leaves_the_login_standing(
    error: type[ConnectError], caplog: pytest.LogCaptureFixture
) -> None:
    """The number is an extra, as the profile is; what the client sent wrong is no warning."""
    caplog.set_level(logging.INFO, "connect_login")
    assert await ask("fetch_phone", raising(error("no", vendor={"errcode": "1"}))) is None
    [record] = caplog.records
    level = logging.INFO if issubclass(error, RequestRefused) else logging.WARNING
    assert (record.levelno, record.message) == (level, "phone_refused")
    assert (vars(record)["code"], vars(record)["reason"], vars(record)["vendor_errcode"]) == (error.code, "no", "1")


@pytest.mark.parametrize("error", [ProviderUnsigned, ContradictingAnswer])
async def test_a_phone_number_that_contradicts_the_proof_fails_the_login(error: type[ConnectError]) -> None:
    """Another person's by what the vendor says, or in an answer of the vendor that is forged."""
    with pytest.raises(error):
        await ask("fetch_phone", raising(error("no")))


async def test_no_phone_number_takes_the_profiles_time() -> None:
    """A vendor that does not answer about the number leaves time to ask it for the name."""
    waited = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "PROFILE_DEADLINE", 0.05)
        assert await ask("fetch_phone", lambda: asyncio.sleep(5), seconds=8) is None
    assert time.monotonic() - waited < 3
