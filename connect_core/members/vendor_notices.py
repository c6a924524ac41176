"""What a vendor tells of a person's account, and what follows from it for the member.

For every provider that has the ability `ReceivesNotices`. No notice takes a member's only way in away.
"""

import logging
from dataclasses import dataclass, replace

from connect_core.errors import ConnectError, LastConnection, ProviderBadResponse, ProviderUnsigned, Unsupported
from connect_core.events import kinds
from connect_core.identity import ClientType
from connect_core.members import linking
from connect_core.members.services import Services
from connect_core.providers import calls
from connect_core.providers.abilities import (
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    ReceivesNotices,
    VendorNotice,
)
from connect_core.providers.hookspecs import LoginEvent
from connect_core.providers.provider import Provider
from connect_core.providers.registry import Registry
from connect_core.store import Transaction, connections, flows, identities, members, sessions
from connect_core.store.identities import KnownPerson

log = logging.getLogger("connect_login")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What followed from a notice for one member: the events, how many logins ended, and whether the connection did."""

    events: list[LoginEvent]
    sessions: int
    is_unbound: bool


class VendorNotices:
    """Takes what vendors tell."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._services, self._registry = services, registry

    def check_receives(self, provider: str) -> None:
        """Raise `Unsupported` for a provider whose vendor tells nothing."""
        if not self._find_receivers(provider):
            raise Unsupported("this provider takes no notices")

    async def receive(self, provider: str, request: NoticeRequest, request_id: str) -> NoticeAnswer:
        """Do what follows from a vendor's request, once for each notice in it, and return how to answer.

        Every notice ends the logins that came through the person's connection. After `CONSENT_WITHDRAWN` and
        `ACCOUNT_CLOSED` nothing of the vendor's profile is kept. `ACCOUNT_CLOSED` ends the connection too, unless
        nothing else leads to the member. Nothing follows for a person who is no member, nor from a repeated notice.

        Raises `Unsupported` for a provider that takes none, `ProviderUnsigned` and `ProviderBadResponse` for a request
        that fails a check, and what fetching the vendor's keys raises.
        """
        union_type, answer = await self._read(provider, request)
        for notice in answer.notices:
            await self._take(provider, union_type, notice, request_id)
        return answer

    async def _read(self, name: str, request: NoticeRequest) -> tuple[str, NoticeAnswer]:
        """Return the union type and what one of the provider's registrations reads in the request.

        Each client type may have its own. If none can read it, the error is an outage, after which the vendor may send
        the notice again, or else that of a registration which knows the signature.
        """
        refusals: list[ConnectError] = []
        for provider in self._find_receivers(name):
            try:
                return provider.union_type, await calls.read_notice(provider, request)
            except ConnectError as error:
                refusals.append(error)
        raise min(refusals, key=_get_rank, default=Unsupported("this provider takes no notices"))

    def _find_receivers(self, name: str) -> list[Provider]:
        providers = {id(configured.provider): configured.provider for configured in self._registry.find_all(name)}
        return [provider for provider in providers.values() if isinstance(provider, ReceivesNotices)]

    async def _take(self, provider: str, union_type: str, notice: VendorNotice, request_id: str) -> None:
        event = LoginEvent(
            kind=kinds.VENDOR_NOTICE,
            member_id=0,
            provider=provider,
            client_type=ClientType.PC,
            union_type=union_type,
            is_new_member=False,
            request_id=request_id,
            time=self._services.now(),
            detail=notice.kind.value,
        )
        outcomes = await self._services.database.write(lambda tx: self._apply_once(tx, notice, event))
        if not outcomes:
            log.debug("vendor_notice_without_member", extra={"provider": provider, "notice": notice.kind.value})
        for outcome in outcomes:
            self._services.dispatcher.dispatch(*(e for e in outcome.events if e.kind == kinds.UNBOUND))
            fields = {"provider": provider, "notice": notice.kind.value, "member_id": outcome.events[0].member_id}
            log.info("vendor_notice", extra={**fields, "sessions": outcome.sessions, "is_unbound": outcome.is_unbound})

    def _apply_once(self, tx: Transaction, notice: VendorNotice, event: LoginEvent) -> list[_Outcome]:
        key = f"notice\0{event.union_type}\0{notice.key}"
        if not flows.spend_key(tx, key, notice.expiry_time):
            return []
        if owners := {person.member_id for person in _find_people(tx, event.union_type, notice)}:
            connections.lock_connections(tx, *owners)
        # read again: a login or an unbinding that held the locks may have changed whose connection it is
        people = [person for person in _find_people(tx, event.union_type, notice) if person.member_id in owners]
        return [self._apply(tx, notice.kind, person, event) for person in people]

    def _apply(self, tx: Transaction, kind: NoticeKind, person: KnownPerson, event: LoginEvent) -> _Outcome:
        member_id, connect_id, now = person.member_id, person.connect_id, event.time
        live = sessions.find_of_member(tx, member_id, now)
        ended = {row.family for row in live if row.connect_id == connect_id}
        sessions.revoke_opened_through(tx, member_id, connect_id, "", now)
        if kind is not NoticeKind.SESSIONS_ENDED:
            connections.update_stored_profile(tx, connect_id, "{}", 0)  # 0: the next login asks the vendor again
        is_unbound = kind is NoticeKind.ACCOUNT_CLOSED and self._unbind(tx, member_id, event)
        notice = replace(event, member_id=member_id)
        written = [notice, replace(notice, kind=kinds.UNBOUND)] if is_unbound else [notice]
        subject = self._services.hash_subject(event.union_type, person.union_id)
        return _Outcome(self._services.dispatcher.write(tx, written, connect_id, subject), len(ended), is_unbound)

    def _unbind(self, tx: Transaction, member_id: int, event: LoginEvent) -> bool:
        has_password = self._services.has_passwords and members.has_password(tx, member_id)
        try:
            linking.unbind(tx, member_id, event.union_type, event.time, has_other_way=has_password, minimum_age=0)
        except LastConnection:
            return False
        return True


def _get_rank(error: ConnectError) -> int:
    return 2 if isinstance(error, ProviderUnsigned) else 1 if isinstance(error, ProviderBadResponse) else 0


def _find_people(tx: Transaction, union_type: str, notice: VendorNotice) -> list[KnownPerson]:
    people = identities.find_by_ids(tx, union_type, [notice.person])
    return people or identities.find_unaliased(tx, union_type, [notice.person])
