"""The order of a login's steps: what is checked before what, and what is written when."""

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import pytest

from connect_core.errors import (
    BadRequest,
    CodeInvalid,
    CodeMissing,
    CodeSeen,
    ConnectError,
    MemberDisabled,
    ProviderBadResponse,
    ProviderDenied,
    RedirectNotAllowed,
    StateExpired,
    StateInvalid,
    StateMissing,
    Unsupported,
)
from connect_core.identity import Identity, PersonId, VerifiedPhone
from connect_core.login.values import Arrival, Delivery, Outcome, SessionOpened, Visit
from connect_core.manager import ConnectManager
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, Provider

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
    using,
)
from .kit.clock import Clock

pytestmark = pytest.mark.usefixtures("database_url")

WRITTEN = ("es_member", "es_connect", "es_connect_alias", "es_member_session", "es_connect_event")


def refused(folder: Path, work: Any, *, provider: type[Provider] | None = None, **options: Any) -> ConnectError:
    """Run `work`, which must be refused, and check that it wrote nobody in."""
    with pytest.raises(ConnectError) as caught:
        using(folder, work, provider=provider, **options)
    assert set(counts(folder, *WRITTEN).values()) == {0}
    return caught.value


# a login that goes well


def test_a_login_is_settled_once_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    """Member, connection, ids, session and events; the vendor is asked once for the person and once for the profile."""
    acme = Acme()

    async def work(manager: ConnectManager) -> tuple[Outcome, Outcome]:
        first = await come_back(manager, await begin(manager, return_to="/cart"))
        return first, await hand_in(manager, "lihua.2", device_id="x")

    first, second = using(tmp_path, work, provider=provider_of(acme))
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


def test_no_event_holds_an_id_a_code_or_a_state(tmp_path: Path) -> None:
    """Persons stand there under a keyed hash, the same at every login."""
    state = ""

    async def work(manager: ConnectManager) -> None:
        nonlocal state
        begun = await begin(manager)
        state = begun[0]
        await come_back(manager, begun, "lihua.1")

    using(tmp_path, work)
    kept = str(rows(tmp_path, "SELECT * FROM es_connect_event"))
    assert not [value for value in ("u-lihua", "o-lihua", "lihua.1", state) if value in kept]
    assert len({row["subject_hash"] for row in rows(tmp_path, "SELECT subject_hash FROM es_connect_event")}) == 1


def test_a_login_starts_without_the_database(tmp_path: Path) -> None:
    """A flow is begun while the database is locked, and leaves no trace there."""

    async def work(manager: ConnectManager) -> tuple[str, str]:
        with locked(tmp_path):
            return await asyncio.wait_for(begin(manager), 0.5)

    using(tmp_path, work)
    assert counts(tmp_path, "es_connect_used_flow") == {"es_connect_used_flow": 0}


def test_a_login_ends_the_session_that_was_there(tmp_path: Path) -> None:
    """A planted or old session token is worth nothing after the next login of its browser."""

    async def work(manager: ConnectManager) -> list[bool]:
        first = await come_back(manager, await begin(manager))
        assert isinstance(first, SessionOpened)
        visit = Visit("r", session_token=first.opened.token)
        state, sealed = await begin(manager)
        parameters = {"code": "lihua.2", "state": state}
        second = await manager.login_callback("acme", "pc", parameters, sealed, visit)
        assert isinstance(second, SessionOpened)
        tokens = (first.opened.token, second.opened.token)
        return [await manager.current_member.find_member(session_token=token) is not None for token in tokens]

    assert using(tmp_path, work) == [False, True]


def test_payment_finds_the_open_id_of_its_app(tmp_path: Path) -> None:
    """The member's, for that app; not another app's, another vendor's or another member's."""

    async def work(manager: ConnectManager) -> list[str | None]:
        await hand_in(manager, "lihua.1")
        wanted = ((1, "ACME", "acme-1"), (1, "ACME", "acme-2"), (1, "ALIPAY", "acme-1"), (2, "ACME", "acme-1"))
        return [await manager.open_id_of(*one) for one in wanted]

    assert using(tmp_path, work) == ["o-lihua", None, None, None]


def test_login_by_unionid_takes_a_verified_identity_alone(tmp_path: Path) -> None:
    """A bare id is refused whatever it says."""

    async def work(manager: ConnectManager) -> None:
        arrival = Arrival(manager.registry.find("acme", "pc"), VISIT)
        await manager.login_by_unionid(cast("Identity", "u-lihua"), arrival)

    with pytest.raises(TypeError):
        using(tmp_path, work)
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
def test_a_response_that_is_no_answer_to_a_flow_asks_nobody(tmp_path: Path, case: str) -> None:
    """State, browser, path and code are checked first; nothing is written but that it came."""
    acme = Acme()
    error, changes, client, options = BACK[case]

    async def work(manager: ConnectManager) -> None:
        state, sealed = await begin(manager)
        parameters = {"code": "lihua.1", "state": state, **changes}
        await manager.login_callback("acme", client, parameters, sealed, VISIT, **options)

    assert type(refused(tmp_path, work, provider=provider_of(acme))) is error
    assert acme.requests == []


def test_a_response_after_ten_minutes_is_expired(tmp_path: Path) -> None:
    """And its code is of no use to a newer flow."""
    clock = Clock(NOW)

    async def work(manager: ConnectManager) -> list[str]:
        begun = await begin(manager)
        clock.advance(600)
        late = await outcome_of(come_back(manager, begun))
        return [late, await outcome_of(come_back(manager, await begin(manager)))]

    assert using(tmp_path, work, now=clock) == [StateExpired.code, CodeSeen.code]


def test_a_code_that_came_astray_is_dead(tmp_path: Path) -> None:
    """Handed in with a foreign state, or none, it is not taken from the right flow either: somebody has seen it."""

    async def work(manager: ConnectManager) -> list[str]:
        ended = []
        for number, state in enumerate(("", "a" * 32)):
            astray = {"code": f"lihua.{number}", "state": state}
            ended.append(await outcome_of(manager.login_callback("acme", "pc", astray, None, VISIT)))
            ended.append(await outcome_of(come_back(manager, await begin(manager), f"lihua.{number}")))
        return ended

    assert using(tmp_path, work) == ["state_missing", "code_seen", "state_invalid", "code_seen"]


def test_a_flow_of_a_provider_that_is_gone_is_refused(tmp_path: Path) -> None:
    """The shop took it off while somebody was at the vendor: no accident, and nobody is logged in."""
    begun = using(tmp_path, begin)

    async def work(manager: ConnectManager) -> None:
        await come_back(manager, begun)

    assert type(refused(tmp_path, work, clients={"h5": ["acme"]})) is Unsupported
    assert type(refused(tmp_path, work, clients={})) is Unsupported


class Stateless(AcmeProvider):
    """A plugin that holds state to be old-fashioned."""

    acme = Acme()

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return a page without it."""
        return "https://acme.example/login"


def test_a_plugin_cannot_do_without_state(tmp_path: Path) -> None:
    """What comes back without it is refused, and the plugin is not asked."""

    async def work(manager: ConnectManager) -> None:
        _, sealed = await begin(manager)
        await manager.login_callback("acme", "pc", {"code": "lihua.1"}, sealed, VISIT)

    assert type(refused(tmp_path, work, provider=Stateless)) is StateMissing
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
def test_a_login_that_may_not_begin_does_not(
    tmp_path: Path, options: dict[str, str], error: type[ConnectError]
) -> None:
    """Targets and client types are checked at the start."""

    async def work(manager: ConnectManager) -> None:
        await begin(manager, **options)

    assert type(refused(tmp_path, work)) is error


def test_a_way_in_is_the_entrances_own(tmp_path: Path) -> None:
    """A redirect cannot be finished by handing in a code, nor a mini program's login without one."""

    async def work(manager: ConnectManager) -> list[str]:
        handed = [manager.login_with_code("acme", client, {"code": "lihua.1"}, VISIT) for client in ("pc", "h5")]
        return [await outcome_of(one) for one in (*handed, hand_in(manager, ""))]

    assert using(tmp_path, work) == ["unsupported", "unsupported", "code_missing"]


# a native app's ticket


def test_an_apps_code_needs_the_ticket_of_its_login(tmp_path: Path) -> None:
    """Missing, made up, another client type's or used before: refused, and a code that came so is dead."""
    acme = Acme()

    async def hand(manager: ConnectManager, code: str, ticket: str) -> str:
        return await outcome_of(manager.login_with_code("acme", "app", {"code": code, "ticket": ticket}, VISIT))

    async def ticket_for(manager: ConnectManager, client: str) -> str:
        start = await manager.get_login_url("acme", client, VISIT)
        assert start.flow is not None
        return manager.flows.seal_ticket(start.flow)

    async def work(manager: ConnectManager) -> list[str]:
        mine, pc = await ticket_for(manager, "app"), await ticket_for(manager, "pc")
        tries = [("lihua.1", ""), ("lihua.2", "x.y"), ("lihua.3", pc), ("lihua.4", mine), ("lihua.5", mine)]
        ended = [await hand(manager, *one) for one in tries]
        return [
            *ended,
            *[await hand(manager, code, await ticket_for(manager, "app")) for code in ("lihua.1", "lihua.5")],
        ]

    assert using(tmp_path, work, provider=provider_of(acme)) == [
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


def test_a_phone_proof_is_taken_once(tmp_path: Path) -> None:
    """The number goes to the member who brought it; whoever brings the same proof again is refused whole."""

    async def work(manager: ConnectManager) -> list[str]:
        logins = [
            hand_in(manager, "lihua.1", phone="13800000001"),
            hand_in(manager, "wangfang.1", phone="13800000001"),
            hand_in(manager, "wangfang.2"),
        ]
        return [await outcome_of(login) for login in logins]

    assert using(tmp_path, work, provider=Phoning) == ["ok", "code_seen", "ok"]
    assert [row["mobile"] for row in rows(tmp_path, "SELECT mobile FROM es_member ORDER BY id")] == ["13800000001", ""]


def test_a_phone_number_does_not_stand_for_the_profile(tmp_path: Path) -> None:
    """Somebody new who brings a number is asked for at the vendor all the same, and gets a name."""

    async def work(manager: ConnectManager) -> None:
        await hand_in(manager, "lihua.1", phone="13800000001")

    using(tmp_path, work, provider=Phoning)
    assert rows(tmp_path, "SELECT nickname, mobile FROM es_member") == [{"nickname": "lihua", "mobile": "13800000001"}]


# a vendor that fails


def test_a_failed_login_cannot_be_repeated_into_one(tmp_path: Path) -> None:
    """The vendor refuses: nothing is written, the same browser is told at once that the flow is over."""
    acme = Acme()

    async def work(manager: ConnectManager) -> tuple[list[str], float]:
        begun, began = await begin(manager), time.monotonic()
        ended = [await outcome_of(come_back(manager, begun, "nobody.1")) for _ in range(2)]
        return ended, time.monotonic() - began

    ended, took = using(tmp_path, work, provider=provider_of(acme))
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


def test_a_profile_of_another_person_fails_a_first_login(tmp_path: Path) -> None:
    """Nobody is registered by half."""

    async def work(manager: ConnectManager) -> None:
        await hand_in(manager, "lihua.1")

    assert type(refused(tmp_path, work, provider=Swapping)) is ProviderBadResponse


def test_a_disabled_member_is_not_asked_about(tmp_path: Path) -> None:
    """Refused after the first vendor call, with no session and no event."""
    acme = Acme()

    async def work(manager: ConnectManager) -> None:
        await hand_in(manager, "lihua.1")
        rows(tmp_path, "UPDATE es_member SET disabled = 1")
        before = counts(tmp_path, *WRITTEN)
        with pytest.raises(MemberDisabled):
            await hand_in(manager, "lihua.2")
        assert counts(tmp_path, *WRITTEN) == before

    using(tmp_path, work, provider=provider_of(acme), providers={"acme": {"profile_max_age": 0}})
    assert acme.requests == ["login lihua", "profile lihua", "login lihua"]
