"""Logins by a password, or by what else the hook `connect_check_credentials` takes: nobody asks a vendor.

A member logs in with one, or confirms with one that it is really them. Who may try how often is decided elsewhere.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from connect_core.errors import NotThisMember
from connect_core.events import kinds
from connect_core.identity import ClientType
from connect_core.login.flow import Flows, get_token_kind
from connect_core.login.values import Delivery, PurposeKind, SessionOpened, Visit
from connect_core.members.acting import lock_actor
from connect_core.members.current import CurrentMember
from connect_core.members.services import Services
from connect_core.providers.hookspecs import LoginEvent
from connect_core.sessions import LiveSession, NewSession, OpenSession, PresentedTokens, TokenKind
from connect_core.store import Transaction

Written = tuple[OpenSession, list[LoginEvent]]


class PasswordLogins:
    """Logs members in by their credentials."""

    def __init__(self, services: Services, current_member: CurrentMember, flows: Flows) -> None:
        self._services = services
        self._current_member = current_member
        self._flows = flows
        self.are_offered = services.takes_credentials

    async def log_in(
        self,
        credentials: Mapping[str, str],
        visit: Visit,
        client_type: ClientType,
        delivery: Delivery,
        return_to: str = "",
    ) -> SessionOpened:
        """Log in the member whom the credentials prove; every login that the visitor had until now ends.

        Raises `NotLoggedIn` for credentials that prove nobody, `MemberDisabled`, and `Unavailable` when the shop's own
        check does not answer.
        """
        member_id, now = await self._current_member.check_credentials(credentials), self._services.now()
        session = _make_session(member_id, client_type, visit, delivery)

        def open_session(tx: Transaction) -> Written:
            self._services.members.lock(tx, member_id)
            self._services.members.count_login(tx, member_id, now)
            return self._open(tx, session, visit, now)

        opened = await self._write(open_session)
        return SessionOpened(delivery, return_to, opened)

    async def confirm(
        self,
        credentials: Mapping[str, str],
        confirming: LiveSession,
        visit: Visit,
        delivery: Delivery,
        return_to: str = "",
    ) -> SessionOpened:
        """Replace the session `confirming` by a new one, if the credentials prove its member.

        A browser whose answer was lost can repeat this with what `find_confirmed` returns.

        Raises as `log_in`, and `NotThisMember` when they prove somebody else.
        """
        member_id, now = await self._current_member.check_credentials(credentials), self._services.now()
        if member_id != confirming.member_id:
            raise NotThisMember("the credentials are another member's")
        session = _make_session(member_id, confirming.client_type, visit, delivery)
        if session.kind is TokenKind.SESSION and visit.presented.session:
            session = replace(session, token=self._flows.get_confirmed_token(visit.presented.session))

        def open_session(tx: Transaction) -> Written:
            lock_actor(tx, self._services.members, confirming, now)
            self._services.sessions.end_family(tx, confirming.family, now)
            opened, events = self._open(tx, session, visit, now)
            self._services.vendor_sessions.inherit(tx, confirming.family, opened.row)
            return opened, events

        opened = await self._write(open_session)
        return SessionOpened(delivery, return_to, opened, purpose=PurposeKind.CONFIRM)

    def find_confirmed(self, presented: PresentedTokens) -> PresentedTokens:
        """Return what a browser would present if it had got the answer to its confirmation.

        Use it for a browser whose session has ended: a confirmation may have replaced that one. It finds the member;
        only `confirm`, with the password once more, gives the browser a session.
        """
        if not presented.session:
            return presented
        return replace(presented, session=self._flows.get_confirmed_token(presented.session))

    def _open(self, tx: Transaction, session: NewSession, visit: Visit, now: int) -> Written:
        self._services.sessions.end_all(tx, visit.presented.ended_by(session.client_type), now)
        opened = self._services.sessions.open(tx, session, now)
        event = LoginEvent(
            kind=kinds.LOGGED_IN,
            member_id=session.member_id,
            provider="",
            client_type=session.client_type,
            union_type="",
            is_new_member=False,
            request_id=visit.request_id,
            time=now,
        )
        subject = self._services.hash_subject("member", str(session.member_id))
        return opened, self._services.dispatcher.write(tx, [event], 0, subject)

    async def _write(self, open_session: Callable[[Transaction], Written]) -> OpenSession:
        opened, events = await self._services.database.write(open_session)
        self._services.dispatcher.dispatch(*events)
        return opened


def _make_session(member_id: int, client_type: ClientType, visit: Visit, delivery: Delivery) -> NewSession:
    kind = get_token_kind(delivery)
    return NewSession(member_id, client_type, visit.device_id, kind=kind, device=visit.device)
