"""The hooks: every place where a plugin or the shop can step in, with its exact signature.

Entry points of the group `connect_login` are loaded as pluggy plugins. A hook that is not listed here stops start-up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import pluggy

from connect_core.identity import ClientType, Language, Profile
from connect_core.providers.provider import Provider

NAME = "connect_login"
HookCaller: TypeAlias = pluggy.HookCaller
HookRelay: TypeAlias = pluggy.HookRelay
hookspec = pluggy.HookspecMarker(NAME)
hookimpl = pluggy.HookimplMarker(NAME)
"""Decorator that makes a function of a plugin's module or object an implementation of the hook of the same name."""


class Register(Protocol):
    """What `connect_register_providers` is handed."""

    def __call__(self, name: str, provider: type[Provider], *, sandbox: str = "") -> None:
        """Offer `provider` as plugin `name`; `sandbox` is `package.module:Class` of its loopback double."""


def provider_hook(name: str, provider: type[Provider], *, sandbox: str = "") -> Callable[[Register], None]:
    """Return the hook `connect_register_providers` of a plugin that offers one provider; arguments as `Register`."""

    @hookimpl
    def connect_register_providers(register: Register) -> None:
        register(name, provider, sandbox=sandbox)

    return connect_register_providers


@dataclass(frozen=True, slots=True)
class LoginEvent:
    """What happened to a member, told after it was committed.

    `provider` and `client_type` say through what; `is_new_member` is True for a registration; `time` is epoch seconds.
    `id` is that of the row in `es_connect_event`: a notice that comes twice has the same.
    """

    kind: str
    member_id: int
    provider: str
    client_type: ClientType
    union_type: str
    is_new_member: bool
    request_id: str
    time: int
    id: int = 0


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A login that was refused: the error's `code` and what the vendor called it; no code, token, state or secret."""

    code: str
    provider: str
    client_type: str
    request_id: str
    time: int
    vendor: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErasedEvent:
    """A member was erased. `member_id` leads to nobody any more; `time` is epoch seconds."""

    member_id: int
    request_id: str
    time: int


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What the shop says of a merge that was asked for: what it will move, or why it refuses.

    `moves` are lines of text, shown to the member before the merge; `refusal` is the reason that they are shown instead
    (it may be empty), None when there is none.
    """

    moves: Sequence[str] = ()
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class MergeEvent:
    """The member `merged_id` was merged into `kept_id` (`kind` is `merged`), or that was undone (`merge_undone`).

    `id` is that of the row in `es_connect_event`, and rises: of two notices about one pair the greater one holds.
    """

    kind: str
    kept_id: int
    merged_id: int
    request_id: str
    time: int
    id: int = 0


class MemberDirectory(Protocol):
    """Where members live, when that is not the built-in table. Ids are positive 64-bit integers.

    Whatever a method raises, and an answer that takes longer than four seconds, is `unavailable` (503) to the visitor,
    with nothing written. A directory that holds connections may have `async def aclose(self) -> None`; one that can
    erase has `async def erase(self, member_id: int) -> None`, which may be called twice for one member.
    """

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return what is shown of a member (`uname`, `nickname`, `face`, `sex`), or None."""

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Register a member and return its id; the same `key` always answers the same member.

        `key` is 64 hex characters that follow from the vendor's id alone. Logins of one person may ask at once.
        """

    async def is_disabled(self, member_id: int) -> bool:
        """Tell whether the shop refuses this member."""

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Take over display fields from a newer profile; what the member edited stays."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A finished login for which tokens are wanted."""

    member_id: int
    client_type: ClientType
    device_id: str


class Hooks:
    """The specifications."""

    @hookspec
    def connect_register_providers(self, register: Register) -> None:
        """Register provider classes, once, at start-up."""

    @hookspec(firstresult=True)
    def connect_member_directory(self, settings: Any) -> MemberDirectory | None:
        """Return where members live; the built-in table when nobody answers. `settings` is the whole `Settings`."""

    @hookspec(firstresult=True)
    def connect_issue_tokens(self, login: TokenRequest) -> Mapping[str, Any] | None:
        """Return the token answer in our place: `access_token`, `refresh_token`, `token_type`, `expires_in`."""

    @hookspec(firstresult=True)
    def connect_check_credentials(self, credentials: Mapping[str, str]) -> int | None:
        """Return the member whom the shop's own check proves: a password, a code sent by SMS. None for nobody.

        `credentials` are the fields of the form on the choose page; the built-in check takes `username`, `password`.
        """

    @hookspec(firstresult=True)
    def connect_plan_merge(self, kept_id: int, merged_id: int, language: Language) -> MergePlan | None:
        """Say what the shop moves from one member to another of the same person, or refuse.

        Members can merge only where a plugin has this hook; without an answer of any the merge is refused. Asked when
        the merge is shown, and once more when the member agrees; nothing is to be moved before `connect_merged`.
        """

    @hookspec
    def connect_registered(self, event: LoginEvent) -> None:
        """A member was registered."""

    @hookspec
    def connect_logged_in(self, event: LoginEvent) -> None:
        """A member logged in."""

    @hookspec
    def connect_bound(self, event: LoginEvent) -> None:
        """A connection was made."""

    @hookspec
    def connect_unbound(self, event: LoginEvent) -> None:
        """A connection was ended."""

    @hookspec
    def connect_merged(self, event: MergeEvent) -> None:
        """A member was merged into another."""

    @hookspec
    def connect_merge_undone(self, event: MergeEvent) -> None:
        """A merge was undone."""

    @hookspec
    def connect_erased(self, event: ErasedEvent) -> None:
        """A member was erased."""

    @hookspec
    def connect_login_refused(self, event: RefusedEvent) -> None:
        """A login was refused."""
