"""What every service over members is made of: the database, the members, sessions, events, hooks and the clock."""

from collections.abc import Callable
from dataclasses import dataclass, field

from connect_core.crypto import keyed_hash
from connect_core.events.dispatch import Dispatcher
from connect_core.members.directory import Members
from connect_core.members.vendor_sessions import VendorSessions
from connect_core.providers.hookspecs import HookRelay
from connect_core.sessions import Sessions
from connect_core.store import Database
from connect_core.threads import DaemonThreads

HOOK_SECONDS = 4
"""How long a hook may take whose answer a visitor waits for, with the wait for a thread."""


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, by the manager.

    `clock` answers seconds since the epoch. `subject_key` keys the hashes by which events tell persons apart.
    `has_passwords`: a password of ours logs a member in. `hook_threads` run the hooks
    whose answer a visitor waits for.
    """

    database: Database
    members: Members
    sessions: Sessions
    dispatcher: Dispatcher
    hooks: HookRelay
    clock: Callable[[], float]
    vendor_sessions: VendorSessions
    subject_key: bytes = field(repr=False)
    has_passwords: bool = False
    hook_threads: DaemonThreads = field(default_factory=lambda: DaemonThreads("hooks", threads=8, waiting=100))

    @property
    def takes_credentials(self) -> bool:
        """Whether a member can prove who they are without a vendor: by a password, or by the shop's own check."""
        return self.has_passwords or bool(self.hooks.connect_check_credentials.get_hookimpls())

    def now(self) -> int:
        """Return the time in whole seconds since the epoch."""
        return int(self.clock())

    def hash_subject(self, kind: str, value: str) -> str:
        """Return the keyed hash that stands for a person in events: it can be compared, and not guessed."""
        return keyed_hash(self.subject_key, kind, value)
