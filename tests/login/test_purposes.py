"""What was given out once is good for what it was given out for; every act reads the member again."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count, product
from pathlib import Path
from typing import ClassVar

import pytest

from connect_core.devices import UNKNOWN_DEVICE
from connect_core.errors import ConnectError, MemberDisabled, NotLoggedIn
from connect_core.identity import ClientType
from connect_core.login.start import StartOptions
from connect_core.login.values import LOG_IN, ChoiceNeeded, Delivery, Outcome, Purpose, PurposeKind, SessionOpened
from connect_core.manager import ConnectManager
from connect_core.providers.provider import Entrance
from connect_core.sessions import LiveSession, PresentedTokens

from ..conftest import MakeManager
from ..kit.acme import NOW, VISIT, Acme, begin, come_back, hand_in, outcome_of, provider_of, rows
from ..kit.clock import Clock

pytestmark = pytest.mark.usefixtures("database_url")
_numbers = count()
LINK, PROVE = PurposeKind.LINK, PurposeKind.PROVE


async def log_in(manager: ConnectManager, person: str) -> LiveSession:
    """The session of a person who logs in from a mini program."""
    login = await hand_in(manager, f"{person}.{next(_numbers)}")
    assert isinstance(login, SessionOpened)
    row = login.opened.row
    return LiveSession(row.member_id, ClientType(row.client_type), row.family, row.create_time)


async def get_ticket(manager: ConnectManager, purpose: Purpose) -> str:
    """What `/login-url`, `/bind` or `/merge` gives an app."""
    start = await manager.get_login_url("acme", "app", VISIT, StartOptions(purpose=purpose))
    assert start.flow is not None
    return manager.flows.seal_ticket(start.flow)


def credential_provider(acme: Acme) -> type:
    """Acme, whose app hands in ID tokens."""

    class HandsInIdTokens(provider_of(acme)):  # type: ignore[misc]
        entrances: ClassVar = {ClientType.MINI: Entrance.CLIENT_CODE, ClientType.APP: Entrance.CREDENTIAL}

    return HandsInIdTokens


@pytest.mark.parametrize(("make", "name"), [(provider_of, "code"), (credential_provider, "id_token")])
async def test_a_ticket_is_for_one_purpose_and_one_session(
    make_manager: MakeManager, acme: Acme, make: Callable[[Acme], type], name: str
) -> None:
    """Of a login, and a bind and a merge of two sessions, each ticket does its own; no vendor is asked for another."""
    clients = {"mini": ["acme"], "app": ["acme"]}
    manager = make_manager(provider=make(acme), clients=clients)
    sessions = [await log_in(manager, person) for person in ("a", "b", "a")]
    purposes = [LOG_IN, *(Purpose(kind, session) for kind in (LINK, PROVE) for session in sessions)]
    for given_for in purposes:
        for used_for in purposes:
            asked = len(acme.requests)
            parameters = {name: f"c.{next(_numbers)}", "ticket": await get_ticket(manager, given_for)}
            code = await outcome_of(manager.login_with_code("acme", "app", parameters, VISIT, used_for))
            assert (code == "state_invalid") == (given_for != used_for), (given_for, used_for)
            assert (len(acme.requests) == asked) == (given_for != used_for)


@pytest.fixture
def two_providers(make_manager: MakeManager, acme: Acme, clock: Clock) -> ConnectManager:
    """A manager with two registrations at one vendor, each with two client types of either entrance."""

    class TicketedTwice(provider_of(acme)):  # type: ignore[misc]
        entrances: ClassVar = {
            **dict.fromkeys((ClientType.PC, ClientType.H5), Entrance.REDIRECT),
            **dict.fromkeys((ClientType.APP, ClientType.MINI), Entrance.TICKETED_CODE),
        }

    names = ["acme", "other"]
    clients = dict.fromkeys(ClientType, names)
    return make_manager(
        provider=TicketedTwice, providers={"acme": {}, "other": {"plugin": "acme"}}, clients=clients, now=clock
    )


async def test_a_ticket_is_for_one_provider_and_one_client_type(two_providers: ConnectManager, acme: Acme) -> None:
    """Of two registrations and two client types each, every ticket works at its own; no vendor is asked elsewhere."""
    ways = list(product(("acme", "other"), ("app", "mini")))
    for given_for, used_for in product(ways, ways):
        start = await two_providers.get_login_url(*given_for, VISIT)
        assert start.flow is not None
        parameters = {"code": f"c.{next(_numbers)}", "ticket": two_providers.flows.seal_ticket(start.flow)}
        asked = len(acme.requests)
        code = await outcome_of(two_providers.login_with_code(*used_for, parameters, VISIT))
        assert code == ("ok" if given_for == used_for else "state_invalid"), (given_for, used_for)
        assert (len(acme.requests) == asked) == (given_for != used_for)


async def test_a_flow_is_for_one_provider_one_client_type_and_one_delivery(
    two_providers: ConnectManager, acme: Acme
) -> None:
    """The same for what comes back by redirect; tokens for a front end's page and cookies are told apart, too."""
    ways = list(product(("acme", "other"), ("pc", "h5"), (Delivery.SESSION, Delivery.JSON)))
    for given_for, used_for in product(ways, ways):
        provider, client, delivery = given_for
        start = await two_providers.get_login_url(provider, client, VISIT, StartOptions(delivery=delivery))
        assert start.flow is not None
        parameters = {"code": f"c.{next(_numbers)}", "state": start.flow.state}
        sealed, is_json = two_providers.flows.seal(start.flow), used_for[2] is Delivery.JSON
        asked = len(acme.requests)
        login = two_providers.login_callback(*used_for[:2], parameters, sealed, VISIT, delivers_json=is_json)
        assert await outcome_of(login) == ("ok" if given_for == used_for else "state_invalid"), (given_for, used_for)
        assert (len(acme.requests) == asked) == (given_for != used_for)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"ticket": ""}, "state_missing"),
        ({"state": "x" * 32}, "state_invalid"),
        ({"ticket": "junk.junk"}, "state_invalid"),
        ({"after": "601"}, "state_expired"),
        ({"twice": "1"}, "state_invalid"),
    ],
)
async def test_a_ticket_works_once_in_time_and_with_its_own_state(
    two_providers: ConnectManager, clock: Clock, acme: Acme, changed: dict[str, str], error: str
) -> None:
    """Whatever is wrong with it, the vendor is not asked."""
    ticket = await get_ticket(two_providers, LOG_IN)
    parameters = {"ticket": ticket, "state": ticket.partition(".")[0]}
    if "twice" in changed:
        first = {"code": f"c.{next(_numbers)}", **parameters}
        assert await outcome_of(two_providers.login_with_code("acme", "app", first, VISIT)) == "ok"
    clock.advance(int(changed.get("after", "0")))
    asked, again = len(acme.requests), {"code": f"c.{next(_numbers)}", **parameters, **changed}
    assert await outcome_of(two_providers.login_with_code("acme", "app", again, VISIT)) == error
    assert len(acme.requests) == asked


@pytest.mark.parametrize("kind", [LINK, PROVE])
async def test_a_flow_that_links_is_for_the_session_that_began_it(
    manager: ConnectManager, tmp_path: Path, acme: Acme, kind: PurposeKind
) -> None:
    """Not for another member, another login of the same member, or nobody."""
    logins = [await hand_in(manager, f"{person}.{next(_numbers)}") for person in ("a", "b", "a")]
    opened = [login.opened for login in logins if isinstance(login, SessionOpened)]
    tokens = [str(manager.current_member.issue_tokens(session)["access_token"]) for session in opened]
    row, before = opened[0].row, rows(tmp_path, "SELECT * FROM es_connect")
    purpose = Purpose(kind, LiveSession(row.member_id, ClientType.MINI, row.family, row.create_time))
    for token in (*tokens[1:], ""):
        state, sealed = await begin(manager, purpose=purpose)
        asked, visit = len(acme.requests), replace(VISIT, presented=PresentedTokens(bearer=token))
        parameters = {"code": f"b.{next(_numbers)}", "state": state}
        assert await outcome_of(manager.login_callback("acme", "pc", parameters, sealed, visit)) == "state_invalid"
        assert (len(acme.requests), rows(tmp_path, "SELECT * FROM es_connect")) == (asked, before)


async def test_a_flow_of_an_app_does_not_come_back_by_redirect(manager: ConnectManager, acme: Acme) -> None:
    """Nor do a mini program's codes: a planted flow cookie logs nobody in."""
    start = await manager.get_login_url("acme", "app", VISIT)
    assert start.flow is not None
    begun = start.flow.state, manager.flows.seal(start.flow)
    assert await outcome_of(come_back(manager, begun, client="app")) == "state_invalid"
    assert await outcome_of(come_back(manager, begun, client="mini")) == "state_invalid"
    assert acme.requests == []


# every act reads the member again


def disable(folder: Path) -> None:
    """What an operator does in between."""
    rows(folder, "UPDATE es_member SET disabled = 1 WHERE id = 1")


@pytest.mark.parametrize("kind", [LINK, PROVE])
@pytest.mark.parametrize("way", ["callback", "code", "ticket"])
async def test_a_member_disabled_meanwhile_links_and_proves_nothing(
    manager: ConnectManager, tmp_path: Path, kind: PurposeKind, way: str
) -> None:
    """Between the start and the end of a bind or merge, whichever way it comes back."""
    login = await hand_in(manager, "a.1")
    assert isinstance(login, SessionOpened)
    tokens = manager.current_member.issue_tokens(login.opened)
    visit = replace(VISIT, presented=PresentedTokens(bearer=str(tokens["access_token"])))
    session = LiveSession(1, ClientType.MINI, login.opened.row.family, login.opened.row.create_time)
    purpose = Purpose(kind, session)
    begun, ticket = await begin(manager, purpose=purpose), await get_ticket(manager, purpose)
    disable(tmp_path)
    before = rows(tmp_path, "SELECT * FROM es_connect")

    async def finish() -> Outcome:
        match way:
            case "callback":
                parameters = {"code": "c.1", "state": begun[0]}
                return await manager.login_callback("acme", "pc", parameters, begun[1], visit)
            case "code":
                return await manager.login_with_code("acme", "mini", {"code": "c.1"}, visit, purpose)
        return await manager.login_with_code("acme", "app", {"code": "c.1", "ticket": ticket}, visit, purpose)

    assert await outcome_of(finish()) == "member_disabled"
    assert rows(tmp_path, "SELECT * FROM es_connect") == before


Act = Callable[[ConnectManager, LiveSession, str], object]
ACTS: Mapping[str, Act] = {
    "unbind": lambda manager, session, _: manager.self_service.unbind(session, "ACME", "r"),
    "password": lambda manager, session, _: manager.self_service.set_password(session, "correct horse"),
    "end session": lambda manager, session, _: manager.self_service.end_session(session, session.family),
    "end sessions": lambda manager, session, _: manager.self_service.end_other_sessions(session),
    "scan": lambda manager, session, id_: manager.qr_logins.scan(id_, session, "r"),
    "approve": lambda manager, session, id_: manager.qr_logins.approve(id_, session),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("meanwhile", "error"),
    [
        ("UPDATE es_member SET disabled = 1", MemberDisabled),
        ("UPDATE es_member_session SET revoked_time = 1", NotLoggedIn),
    ],
)
async def test_every_act_reads_member_and_session_again(
    manager: ConnectManager, tmp_path: Path, act: str, meanwhile: str, error: type[ConnectError]
) -> None:
    """After the request has found its member, and before the act's transaction, either may have ended."""
    session = await log_in(manager, "a")
    id_ = (await manager.qr_logins.start(UNKNOWN_DEVICE)).id
    if act == "approve":
        await manager.qr_logins.scan(id_, session, "r")
    rows(tmp_path, meanwhile)
    with pytest.raises(error):
        await ACTS[act](manager, session, id_)  # type: ignore[misc]


# a choice that waits


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock(NOW)


@pytest.fixture
def asking(make_manager: MakeManager, acme: Acme, clock: Clock) -> ConnectManager:
    """A manager that asks newcomers."""
    return make_manager(provider=provider_of(acme), now=clock, service={"first_login": "choose"})


async def wait(manager: ConnectManager, person: str = "lihua") -> str:
    """The ticket of a newcomer who is asked."""
    asked = await hand_in(manager, f"{person}.{next(_numbers)}")
    assert isinstance(asked, ChoiceNeeded)
    return manager.first_login_tickets.seal(asked.pending)


async def register(manager: ConnectManager, ticket: str) -> LiveSession:
    """Choose to be new."""
    login = await manager.finish_first_login(ticket, VISIT)
    assert isinstance(login, SessionOpened)
    row = login.opened.row
    return LiveSession(row.member_id, ClientType.MINI, row.family, row.create_time)


@pytest.mark.parametrize("ends", ["bound", "unbound", "erased"])
async def test_a_choice_dies_when_its_identity_is_bound_or_unbound(
    asking: ConnectManager, tmp_path: Path, clock: Clock, ends: str
) -> None:
    """Whoever decides later decides about something else than they were asked, and begins again."""
    member = await register(asking, await wait(asking, "maria"))
    first, second, later = await wait(asking), await wait(asking), Purpose(LINK, member)
    clock.advance(1)
    owner = await register(asking, first)
    if ends == "unbound":
        rows(tmp_path, "UPDATE es_member SET password_hash = 'x'")
        await asking.self_service.unbind(owner, "ACME", "r")
    if ends == "erased":
        await asking.personal_data.erase(owner.member_id, "r")
    before = [rows(tmp_path, f"SELECT * FROM {table}") for table in ("es_member", "es_connect", "es_member_session")]
    assert await outcome_of(asking.finish_first_login(second, VISIT)) == "state_invalid"
    linked = await outcome_of(asking.finish_first_login(second, VISIT, purpose=later))
    assert linked == ("already_bound" if ends == "bound" else "state_invalid")
    after = [rows(tmp_path, f"SELECT * FROM {table}") for table in ("es_member", "es_connect", "es_member_session")]
    assert after == before
    if ends != "bound":
        assert (await register(asking, await wait(asking))).member_id not in (owner.member_id, member.member_id)


async def test_a_choice_dies_when_the_member_who_would_join_has_bound_it(asking: ConnectManager) -> None:
    """Also when it was the same member: the choice was about somebody unknown."""
    ticket, other = await wait(asking), await wait(asking)
    member = await register(asking, ticket)
    again = asking.finish_first_login(other, VISIT, purpose=Purpose(LINK, member))
    assert await outcome_of(again) == "state_invalid"


async def test_what_was_bound_long_ago_does_not_end_a_choice(asking: ConnectManager, tmp_path: Path) -> None:
    """An identity that was unbound before the person was asked waits as any other."""
    owner = await register(asking, await wait(asking))
    rows(tmp_path, "UPDATE es_member SET password_hash = 'x'")
    await asking.self_service.unbind(owner, "ACME", "r")
    assert (await register(asking, await wait(asking))).member_id != owner.member_id
