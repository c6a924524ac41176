"""The order of a login's steps: what is checked before what, and what is written when."""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, cast

import pytest

from connect_core.errors import (
    BadRequest,
    CodeInvalid,
    CodeMissing,
    CodeSeen,
    ConnectError,
    ContradictingAnswer,
    MemberDisabled,
    ProviderDenied,
    RedirectNotAllowed,
    StateExpired,
    StateInvalid,
    StateMissing,
    Unsupported,
)
from connect_core.identity import Identity, PersonId, VerifiedPhone
from connect_core.login.values import Arrival, Delivery, SessionOpened, Visit
from connect_core.manager import ConnectManager
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse
from connect_core.sessions import PresentedTokens

from .conftest import MakeManager
from .kit.acme import (
    NOW,
    VISIT,
    Acme,
    AcmeProvider,
    begin,
    come_back,
    counts,
    hand_in,
    locked,
    outcome_of,
    provider_of,
    rows,
)
from .kit.clock import Clock

pytestmark = pytest.mark.usefixtures("database_url")

WRITTEN = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_event")


async def refused(folder: Path, login: Awaitable[object]) -> ConnectError:
    """Await a login that must be refused, and check that it wrote nobody in."""
    with pytest.raises(ConnectError) as caught:
        await login
    assert set(counts(folder, *WRITTEN).values()) == {0}
    return caught.value


# a login that goes well


async def test_a_login_is_settled_once_with_all_that_belongs_to_it(
    manager: ConnectManager, acme: Acme, tmp_path: Path
) -> None:
    """Member, connection, ids, session and events; the vendor is asked once for the person and once for the profile."""
    first = await come_back(manager, await begin(manager, return_to="/cart"))
    second = await hand_in(manager, "lihua.2", device_id="x")
    assert isinstance(first, SessionOpened)
    assert isinstance(second, SessionOpened)
    assert first.resolved is not None
    assert second.resolved is not None
    assert (first.return_to, first.delivery) == ("https://shop.example/cart", Delivery.SESSION)
    assert (second.return_to, second.delivery) == ("", Delivery.JSON)
    assert (first.resolved.is_new_member, second.resolved.is_new_member) == (True, False)
    assert first.resolved.member.id == second.resolved.member.id
    assert acme.requests == ["login lihua", "profile lihua", "login lihua"]
    assert list(counts(tmp_path, *WRITTEN).values()) == [1, 1, 2, 2, 4]
    events = [row["kind"] for row in rows(tmp_path, "SELECT kind FROM es_connect_event ORDER BY id")]
    assert events == ["registered", "bound", "logged_in", "logged_in"]


async def test_no_event_holds_an_id_a_code_or_a_state(manager: ConnectManager, tmp_path: Path) -> None:
    """Persons stand there under a keyed hash, the same at every login."""
    begun = await begin(manager)
    await come_back(manager, begun, "lihua.1")
    stored = str(rows(tmp_path, "SELECT * FROM es_connect_event"))
    assert not [value for value in ("u-lihua", "o-lihua", "lihua.1", begun[0]) if value in stored]
    assert len({row["subject_hash"] for row in rows(tmp_path, "SELECT subject_hash FROM es_connect_event")}) == 1


async def test_a_login_starts_without_the_database(manager: ConnectManager, tmp_path: Path) -> None:
    """A flow is begun while the database is locked, and leaves no trace there."""
    with locked(tmp_path):
        await asyncio.wait_for(begin(manager), 0.5)
    assert counts(tmp_path, "es_connect_used_flow") == {"es_connect_used_flow": 0}


async def test_a_login_ends_the_session_that_was_there(manager: ConnectManager) -> None:
    """A planted or old session token is worth nothing after the next login of its browser."""
    first = await come_back(manager, await begin(manager))
    assert isinstance(first, SessionOpened)
    visit = Visit("r", presented=PresentedTokens(session=first.opened.token))
    state, sealed = await begin(manager)
    parameters = {"code": "lihua.2", "state": state}
    second = await manager.login_callback("acme", "pc", parameters, sealed, visit)
    assert isinstance(second, SessionOpened)
    is_live = [
        await manager.current_member.find_member(PresentedTokens(session=login.opened.token)) is not None
        for login in (first, second)
    ]
    assert is_live == [False, True]


async def test_payment_finds_the_open_id_of_its_app(manager: ConnectManager) -> None:
    """The member's, for that app; not another app's, another vendor's or another member's."""
    await hand_in(manager, "lihua.1")
    wanted = ((1, "ACME", "acme-1"), (1, "ACME", "acme-2"), (1, "ALIPAY", "acme-1"), (2, "ACME", "acme-1"))
    assert [await manager.open_id_of(*key) for key in wanted] == ["o-lihua", None, None, None]


async def test_login_by_unionid_takes_a_verified_identity_alone(manager: ConnectManager, tmp_path: Path) -> None:
    """A bare id is refused whatever it says."""
    arrival = Arrival(manager.registry.find("acme", "pc"), VISIT)
    with pytest.raises(TypeError):
        await manager.login_by_unionid(cast("Identity", "u-lihua"), arrival)
    assert counts(tmp_path, "es_member") == {"es_member": 0}


# what is checked before the vendor is asked


Case = tuple[type[ConnectError], dict[str, str], str, dict[str, Any]]
BACK: dict[str, Case] = {
    "no state": (StateMissing, {"state": ""}, "pc", {}),
    "another state": (StateInvalid, {"state": "a" * 32}, "pc", {}),
    "another client type": (StateInvalid, {}, "h5", {}),
    "asked for tokens": (StateInvalid, {}, "pc", {"delivers_json": True}),
    "no code": (CodeMissing, {"code": ""}, "pc", {}),
    "malformed code": (BadRequest, {"code": "a\nb"}, "pc", {}),
    "refused": (ProviderDenied, {"code": "", "error": "access_denied"}, "pc", {}),
    "yes and no": (BadRequest, {"error": "access_denied"}, "pc", {}),
}


@pytest.mark.parametrize("case", BACK)
async def test_a_response_that_is_no_answer_to_a_flow_asks_nobody(
    manager: ConnectManager, acme: Acme, tmp_path: Path, case: str
) -> None:
    """State, browser, path and code are checked first; nothing is written but that it came."""
    error, changes, client, options = BACK[case]
    state, sealed = await begin(manager)
    parameters = {"code": "lihua.1", "state": state, **changes}
    login = manager.login_callback("acme", client, parameters, sealed, VISIT, **options)
    assert type(await refused(tmp_path, login)) is error
    assert acme.requests == []


async def test_a_response_after_ten_minutes_is_expired(make_manager: MakeManager) -> None:
    """And its code is of no use to a newer flow."""
    clock = Clock(NOW)
    manager = make_manager(now=clock)
    begun = await begin(manager)
    clock.advance(600)
    assert await outcome_of(come_back(manager, begun)) == StateExpired.code
    assert await outcome_of(come_back(manager, await begin(manager))) == CodeSeen.code


async def test_a_code_that_came_astray_is_dead(manager: ConnectManager) -> None:
    """Handed in with a foreign state, or none, it is not taken from the right flow either: somebody has seen it."""
    ended = []
    for number, state in enumerate(("", "a" * 32)):
        astray = {"code": f"lihua.{number}", "state": state}
        ended.append(await outcome_of(manager.login_callback("acme", "pc", astray, None, VISIT)))
        ended.append(await outcome_of(come_back(manager, await begin(manager), f"lihua.{number}")))
    assert ended == ["state_missing", "code_seen", "state_invalid", "code_seen"]


async def test_a_flow_of_a_provider_that_is_gone_is_refused(
    manager: ConnectManager, make_manager: MakeManager, tmp_path: Path
) -> None:
    """The shop took it off while somebody was at the vendor: no accident, and nobody is logged in."""
    begun = await begin(manager)
    for clients in ({"h5": ["acme"]}, {}):
        restarted = make_manager(clients=clients)
        assert type(await refused(tmp_path, come_back(restarted, begun))) is Unsupported


class Stateless(AcmeProvider):
    """A plugin that holds state to be old-fashioned."""

    acme = Acme()

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return a page without it."""
        return "https://acme.example/login"


async def test_a_plugin_cannot_do_without_state(make_manager: MakeManager, tmp_path: Path) -> None:
    """What comes back without it is refused, and the plugin is not asked."""
    manager = make_manager(provider=Stateless)
    _, sealed = await begin(manager)
    login = manager.login_callback("acme", "pc", {"code": "lihua.1"}, sealed, VISIT)
    assert type(await refused(tmp_path, login)) is StateMissing
    assert Stateless.acme.requests == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"return_to": "https://evil.example"}, RedirectNotAllowed),
        ({"redirect_uri": "https://evil.example/page"}, RedirectNotAllowed),
        ({"redirect_uri": "/page"}, RedirectNotAllowed),
        ({"client": "mini"}, Unsupported),
        ({"client": "watch"}, Unsupported),
    ],
)
async def test_a_login_that_may_not_begin_does_not(
    manager: ConnectManager, tmp_path: Path, options: dict[str, str], error: type[ConnectError]
) -> None:
    """Targets and client types are checked at the start."""
    assert type(await refused(tmp_path, begin(manager, **options))) is error


async def test_a_way_in_is_the_entrances_own(manager: ConnectManager) -> None:
    """A redirect cannot be finished by handing in a code, nor a mini program's login without one."""
    handed = [manager.login_with_code("acme", client, {"code": "lihua.1"}, VISIT) for client in ("pc", "h5")]
    outcomes = [await outcome_of(login) for login in (*handed, hand_in(manager, ""))]
    assert outcomes == ["unsupported", "unsupported", "code_missing"]


# a native app's ticket


async def test_an_apps_code_needs_the_ticket_of_its_login(manager: ConnectManager, acme: Acme) -> None:
    """Missing, made up, another client type's or used before: refused, and a code that came so is dead."""

    async def hand(manager: ConnectManager, code: str, ticket: str) -> str:
        return await outcome_of(manager.login_with_code("acme", "app", {"code": code, "ticket": ticket}, VISIT))

    async def ticket_for(manager: ConnectManager, client: str) -> str:
        start = await manager.get_login_url("acme", client, VISIT)
        assert start.flow is not None
        return manager.flows.seal_ticket(start.flow)

    mine, pc = await ticket_for(manager, "app"), await ticket_for(manager, "pc")
    tries = [("lihua.1", ""), ("lihua.2", "x.y"), ("lihua.3", pc), ("lihua.4", mine), ("lihua.5", mine)]
    outcomes = [await hand(manager, code, ticket) for code, ticket in tries]
    outcomes += [await hand(manager, code, await ticket_for(manager, "app")) for code in ("lihua.1", "lihua.5")]
    assert outcomes == [
        *("state_missing", "state_invalid", "state_invalid", "ok", "state_invalid", "code_seen", "code_seen")
    ]
    assert acme.requests == ["login lihua", "profile lihua"]


class Phoning(AcmeProvider):
    """A plugin that vouches for phone numbers."""

    acme = Acme()

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return the number that was handed in."""
        number = response.parameters.get("phone", "")
        return VerifiedPhone(number, f"proof of {number}") if number else None


async def test_a_phone_proof_is_taken_once(make_manager: MakeManager, tmp_path: Path) -> None:
    """The number goes to the member who brought it; whoever brings the same proof again logs in without it."""
    manager = make_manager(provider=Phoning)
    logins = [
        hand_in(manager, "lihua.1", phone="13800000001"),
        hand_in(manager, "wangfang.1", phone="13800000001"),
        hand_in(manager, "wangfang.2"),
    ]
    assert [await outcome_of(login) for login in logins] == ["ok", "ok", "ok"]
    assert [row["mobile"] for row in rows(tmp_path, "SELECT mobile FROM es_member ORDER BY id")] == ["13800000001", ""]


async def test_a_phone_number_does_not_stand_for_the_profile(make_manager: MakeManager, tmp_path: Path) -> None:
    """Somebody new who brings a number is asked for at the vendor all the same, and gets a name."""
    manager = make_manager(provider=Phoning)
    await hand_in(manager, "lihua.1", phone="13800000001")
    assert rows(tmp_path, "SELECT nickname, mobile FROM es_member") == [{"nickname": "lihua", "mobile": "13800000001"}]


# a vendor that fails


async def test_a_failed_login_cannot_be_repeated_into_one(manager: ConnectManager, acme: Acme, tmp_path: Path) -> None:
    """The vendor refuses: nothing is written, the same browser is told at once that the flow is over."""
    begun, began = await begin(manager), time.monotonic()
    ended = [await outcome_of(come_back(manager, begun, "nobody.1")) for _ in range(2)]
    took = time.monotonic() - began
    assert ended == [CodeInvalid.code, StateInvalid.code]
    assert took < 1
    assert acme.requests == ["login nobody"]
    assert set(counts(tmp_path, *WRITTEN).values()) == {0}


class Swapping(AcmeProvider):
    """A vendor whose profile is another person's."""

    acme = Acme()

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return somebody else."""
        return Identity("ACME", (PersonId.union_id("u-other"),), "acme-1")


async def test_a_profile_of_another_person_fails_a_first_login(make_manager: MakeManager, tmp_path: Path) -> None:
    """Nobody is registered by half."""
    manager = make_manager(provider=Swapping)
    assert type(await refused(tmp_path, hand_in(manager, "lihua.1"))) is ContradictingAnswer


async def test_a_disabled_member_is_not_asked_about(make_manager: MakeManager, tmp_path: Path) -> None:
    """Refused after the first vendor call, with no session and no event."""
    acme = Acme()
    manager = make_manager(provider=provider_of(acme), providers={"acme": {"profile_max_age": 0}})
    await hand_in(manager, "lihua.1")
    rows(tmp_path, "UPDATE es_member SET disabled = 1")
    before = counts(tmp_path, *WRITTEN)
    with pytest.raises(MemberDisabled):
        await hand_in(manager, "lihua.2")
    assert counts(tmp_path, *WRITTEN) == before
    assert acme.requests == ["login lihua", "profile lihua", "login lihua"]
