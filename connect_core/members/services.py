"""What every service over members is made of: the database, the members, sessions, events, hooks and the clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from connect_core.crypto import keyed_hash, passwords
from connect_core.events.dispatch import Dispatcher
from connect_core.members.directory import Members
from connect_core.members.vendor_sessions import VendorSessions
from connect_core.providers.hookspecs import HookRelay
from connect_core.sessions import Sessions
from connect_core.store import Database
from connect_core.threads import DaemonThreads

HOOK_SECONDS = 4
"""How long a hook may take whose answer a visitor waits for, with the wait for a thread."""
PASSWORD_SECONDS = 4
"""How long a password may take to be hashed or checked, with the wait for a thread."""


@dataclass(frozen=True, slots=True)
class Services:
    """Made once, by the manager.

    `clock` answers seconds since the epoch. `subject_key` keys the hashes by which events tell persons apart.
    `has_passwords`: a password of ours logs a member in. `hook_threads` run the hooks whose answer a visitor waits for,
    `password_threads` hash and check passwords: each hash takes 64 MiB.
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
    password_threads: DaemonThreads = field(default_factory=lambda: DaemonThreads("passwords", waiting=100))

    @property
    def takes_credentials(self) -> bool:
        """Whether a member can prove who they are without a vendor: by a password, or by the shop's own check."""
        return self.has_passwords or bool(self.hooks.connect_check_credentials.get_hookimpls())

    def now(self) -> int:
        """Return the time in whole seconds since the epoch."""
        return int(self.clock())

    async def is_password(self, password: str, stored: str) -> bool:
        """Tell whether `password` has the hash `stored`, as `crypto.passwords` does, beside the event loop.

        Raises `Unavailable` when so many passwords are checked that it would take longer than `PASSWORD_SECONDS`.
        """
        check = partial(passwords.is_password, password, stored)
        return await self.password_threads.run_within(check, PASSWORD_SECONDS, "the check of passwords")

    async def hash_password(self, password: str) -> str:
        """Return the hash of a password, made beside the event loop. Raises as `is_password` does."""
        make = partial(passwords.hash_password, password)
        return await self.password_threads.run_within(make, PASSWORD_SECONDS, "the hashing of passwords")

    def hash_subject(self, kind: str, value: str) -> str:
        """Return the keyed hash that stands for a person in events: it can be compared, and not guessed."""
        return keyed_hash(self.subject_key, kind, value)
