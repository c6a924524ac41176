"""The sessions at vendors that our logins came from: remembered, ended when the vendor says so, and ended there.

Works in the caller's transaction. Never asks a vendor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from connect_core.crypto import Sealer, SealError, token_hash
from connect_core.errors import CodeSeen
from connect_core.identity import Identity, PersonId
from connect_core.providers.abilities import LogoutNotice
from connect_core.store import Transaction, flows, identities, sessions, vendor_sessions
from connect_core.store.sessions import SessionRow
from connect_core.store.vendor_sessions import VendorSessionRow

PURPOSE = "vendor session"
"""What hints are sealed for; each for the login whose row it is in."""


@dataclass(frozen=True, slots=True)
class EndedVendorSession:
    """Where a login that has ended here came from: a provider, as one client type has it, and its own hint."""

    provider: str
    client_type: str
    hint: str = field(repr=False)


class VendorSessions:
    """Remembers and ends them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: 32 bytes each, the first seals, all open."""
        self._sealer = Sealer(keys, PURPOSE)

    def remember(self, tx: Transaction, row: SessionRow, provider: str, identity: Identity) -> None:
        """Store where the login of `row` came from, if its vendor has anything to do with its end."""
        session = identity.vendor_session
        if session is None:
            return
        hint = self._sealer.seal(session.hint.encode(), row.family) if session.hint else ""
        sid_hash = _hash_sid(identity.union_type, identity.strongest.scope, session.sid)
        vendor_sessions.insert_vendor_session(
            tx,
            VendorSessionRow(
                row.family, row.member_id, provider, row.client_type, sid_hash, hint, expiry_time=row.expiry_time
            ),
        )

    def inherit(self, tx: Transaction, family: str, row: SessionRow) -> None:
        """Let the login of `row`, which the login `family` approved, end with the same session at the vendor."""
        approving = vendor_sessions.find_vendor_session(tx, family)
        if approving is not None and approving.sid_hash:
            heir = replace(approving, family=row.family, hint="", expiry_time=row.expiry_time)
            vendor_sessions.insert_vendor_session(tx, heir)

    def find(self, tx: Transaction, family: str) -> EndedVendorSession | None:
        """Return where the login `family`, which is about to end, came from."""
        row = vendor_sessions.find_vendor_session(tx, family)
        if row is None:
            return None
        try:
            hint = self._sealer.open(row.hint, family).decode() if row.hint else ""
        except SealError:  # sealed with a secret key that has been taken out since
            hint = ""
        return EndedVendorSession(row.provider, row.client_type, hint)

    def end(self, tx: Transaction, union_type: str, notice: LogoutNotice, now: int) -> int:
        """End the logins that a vendor's notice is about, and return how many it named.

        With a session id those are the logins that came from that session; without one, all that came through the
        person's connection. Raises `CodeSeen` for a notice that came before.
        """
        key = f"logout\0{union_type}\0{notice.scope}\0{notice.key}"
        if not flows.spend_key(tx, key, notice.expiry_time):
            raise CodeSeen("the notice of a log-out came before")
        if notice.sid:
            return _end_families(tx, _hash_sid(union_type, notice.scope, notice.sid), now)
        return _end_person(tx, union_type, notice.subject, now) if notice.subject else 0


def _hash_sid(union_type: str, scope: str, sid: str) -> str:
    return token_hash(f"{union_type}\0{scope}\0{sid}") if sid else ""


def _end_families(tx: Transaction, sid_hash: str, now: int) -> int:
    families = vendor_sessions.find_families(tx, sid_hash)
    for family in families:
        sessions.revoke_family(tx, family, now)
    return len(families)


def _end_person(tx: Transaction, union_type: str, subject: PersonId, now: int) -> int:
    people = identities.find_by_ids(tx, union_type, [subject])
    people = people or identities.find_unaliased(tx, union_type, [subject])
    families: set[str] = set()
    for person in people:
        live = sessions.find_of_member(tx, person.member_id, now)
        families |= {row.family for row in live if row.connect_id == person.connect_id}
        sessions.revoke_opened_through(tx, person.member_id, person.connect_id, "", now)
    return len(families)
