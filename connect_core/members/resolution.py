"""`login_by_unionid`: who a verified identity is in the shop. Finds or registers the member, and keeps the ids of both.

Runs inside the caller's transaction. Two first logins of one person at the same time both try to register: the unique
index on the ids lets one commit; the other's transaction is run again and finds the member.
"""

import json

from connect_core.errors import MemberDisabled
from connect_core.identity import Profile
from connect_core.members.directory import LoginMembers
from connect_core.members.profiles import dump_profile, get_profile_time, is_stale, load_profile, parse_stored
from connect_core.members.values import LoginAttempt, ProfileNeeded, Resolution, ResolvedMember, Unregistered
from connect_core.store import Transaction, connections, identities
from connect_core.store.identities import KnownPerson


def login_by_unionid(transaction: Transaction, attempt: LoginAttempt, members: LoginMembers) -> Resolution:
    """Find or register the member that the identity is, or say what is missing for it.

    Returns `ProfileNeeded` when the vendor should be asked for the profile first, and `Unregistered` for somebody new
    where `attempt.registers` is False; nothing is written then. Raises `MemberDisabled`.
    """
    people = identities.lock_people(transaction, attempt.identity)
    if people:
        return _log_in(transaction, attempt, members, people)
    if not attempt.is_profile_known:
        return ProfileNeeded()
    if not attempt.registers:
        return Unregistered()
    return _register(transaction, attempt, members)


def _log_in(
    transaction: Transaction, attempt: LoginAttempt, members: LoginMembers, people: list[KnownPerson]
) -> ResolvedMember | ProfileNeeded:
    person, now = people[0], attempt.now
    member = members.find(transaction, person)
    if member is None or member.disabled:
        raise MemberDisabled("the member is disabled" if member else "the connection's member does not exist")
    has_stale_profile = is_stale(person, now, attempt.profile_max_age)
    if has_stale_profile and not attempt.is_profile_known:
        return ProfileNeeded()
    union_id, has_conflict = connections.complete(transaction, attempt.identity, people, now)
    profile, previous = attempt.profile, parse_stored(person)
    stored = {**previous, **dump_profile(profile)}
    is_newer = attempt.was_asked or has_stale_profile
    if is_newer or not person.has_aliases:
        profile_time = get_profile_time(profile, now, attempt.profile_max_age) if is_newer else now
        connections.update_stored_profile(transaction, person.connect_id, json.dumps(stored), profile_time)
    member = members.record_login(transaction, member, profile, previous, now)
    others = tuple(sorted({other.member_id for other in people} - {person.member_id})) if has_conflict else ()
    return ResolvedMember(member, person.connect_id, union_id, False, has_conflict, load_profile(stored), others)


def _register(transaction: Transaction, attempt: LoginAttempt, members: LoginMembers) -> ResolvedMember:
    identity, profile = attempt.identity, attempt.profile or Profile()
    members.reserve_keys(transaction)
    member = members.register(transaction, profile, attempt.client_type, attempt.now)
    connect_id = connections.register(
        transaction,
        member.id,
        identity,
        attempt.now,
        profile=json.dumps(dump_profile(profile)),
        profile_time=get_profile_time(profile, attempt.now, attempt.profile_max_age),
    )
    return ResolvedMember(member, connect_id, identity.strongest.value, True, False, profile)
