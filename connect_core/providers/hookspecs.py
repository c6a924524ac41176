"""The hooks: every place where a plugin or the shop can step in, with its exact signature.

Owns the signatures and the values that hooks take and return. Never calls a hook: `registry` loads the plugins (entry
points of the group `connect_login`) with pluggy. A function marked with `hookimpl` whose name is not in `Hooks` stops
start-up.
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
    """The function that `connect_register_providers` receives. Call it once for each provider class."""

    def __call__(self, name: str, provider: type[Provider], *, sandbox: str = "", icon: str = "") -> None:
        """Register `provider` as the plugin `name`.

        `name` is what `plugin = "…"` in `[providers.NAME]` refers to: lower-case letters, digits, `-` and `_`.
        `sandbox` is where the loopback copy of its vendor is, as `package.module:Class`; it is imported only when the
        sandbox runs.
        `icon` is an SVG for its buttons, as `package:file.svg`: a file of an importable package, also in a folder of it
        (`connect_acme:icons/acme.svg`). It is read at start-up. An icon that is no plain drawing of at most 16 KiB is
        logged as `plugin_icon_refused`, and the buttons show a letter, as without an icon.

        Raises `PluginError` for a class that is no usable provider, and for a name that is registered already.
        """


def provider_hook(
    name: str, provider: type[Provider], *, sandbox: str = "", icon: str = ""
) -> Callable[[Register], None]:
    """Return the hook `connect_register_providers` of a plugin with one provider. Arguments as for `Register`.

    connect_register_providers = provider_hook("acme", AcmeProvider, sandbox="connect_acme.sandbox:AcmeSandbox")
    """

    @hookimpl
    def connect_register_providers(register: Register) -> None:
        if icon:
            register(name, provider, sandbox=sandbox, icon=icon)
        else:  # the `register` of a plugin's own test may not know icons
            register(name, provider, sandbox=sandbox)

    return connect_register_providers


@dataclass(frozen=True, slots=True)
class LoginEvent:
    """What happened to a member, for `connect_registered`, `connect_logged_in`, `connect_bound`, `connect_unbound`.

    Those hooks are called after the transaction was committed.

    - `kind`: `registered`, `logged_in`, `bound` or `unbound`.
    - `provider`, `client_type`, `union_type`: through which provider, from where, and the namespace of its ids.
    - `is_new_member`: True when this login registered the member.
    - `request_id`: the id that the log lines of this request carry.
    - `time`: seconds since the epoch.
    - `id`: the id of the row in `es_connect_event`. A hook may be called twice for one event; both have the same id.
    - `detail`: who did it for the member and why, such as `operator li: asked by phone`; else empty.
      An operator has no client type; `client_type` is `pc` then. For what a vendor told it is the kind of the notice,
      such as `account_closed`.
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
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A login that failed: the argument of `connect_login_refused`. It holds no code, token, state or secret.

    `code` is the error's code (`provider_denied`, `state_invalid` …), `vendor` what the vendor called the error
    (`error`, `status`, `trace`), and `time` is in seconds since the epoch.
    """

    code: str
    provider: str
    client_type: str
    request_id: str
    time: int
    vendor: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErasedEvent:
    """A member was erased: the argument of `connect_erased`.

    `member_id` is the id that no member has any more, and `time` is in seconds since the epoch. `id` is the id of the
    row in `es_connect_event`: a hook may be called twice for one event, and both have the same id.
    """

    member_id: int
    request_id: str
    time: int
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class MergePlan:
    """The shop's answer to `connect_plan_merge`: what it will move from one member to the other, or why it refuses.

    - `moves`: lines of text that the member reads before agreeing, such as `3 orders`.
    - `refusal`: None to allow the merge. Any text, even an empty one, refuses it and is shown to the member instead.
    """

    moves: Sequence[str] = ()
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class MergeEvent:
    """Two members of one person became one, or that was undone: for `connect_merged`, `connect_merge_undone`.

    `kind` is `merged` or `merge_undone`; `merged_id` is the member that was merged into `kept_id`; `time` is in seconds
    since the epoch. `id` is the id of the row in `es_connect_event`. It rises: when two events about the same pair come
    out of order, the one with the greater id is the later one.
    """

    kind: str
    kept_id: int
    merged_id: int
    request_id: str
    time: int
    id: int = 0


class MemberDirectory(Protocol):
    """The shop's own table or service of members, used instead of `es_member`.

    Return one from `connect_member_directory`. Member ids are positive 64-bit integers. When a method raises, or needs
    more than four seconds, the visitor gets `unavailable` (503) and nothing is written.

    Two further methods are optional: `async def aclose(self) -> None` closes connections when the service stops, and
    `async def erase(self, member_id: int) -> None` deletes a member; it may be called twice for one member.
    """

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return what pages show of a member (keys `uname`, `nickname`, `face`, `sex`), or None if there is none."""

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Register a member and return its id.

        `key` is 64 hexadecimal characters derived from the vendor's id. Calls with the same `key` must return the same
        member, also when two logins of one person call at the same time: make it a unique column.
        """

    async def is_disabled(self, member_id: int) -> bool:
        """Return True when the shop does not let this member log in."""

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Copy the fields of a newer profile to the member, except those that the member edited."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A finished login that needs tokens: the argument of `connect_issue_tokens`.

    `device_id` is what the client sent with the login; empty when it sent none.
    """

    member_id: int
    client_type: ClientType
    device_id: str


class Hooks:
    """Every hook, as pluggy's specifications: implement one by marking a function of the same name with `hookimpl`.

    "First answer" below means: plugins are called until one returns something other than None.
    """

    @hookspec
    def connect_register_providers(self, register: Register) -> None:
        """Call `register` for each provider class of the plugin. Called once, at start-up."""

    @hookspec(firstresult=True)
    def connect_member_directory(self, settings: Any) -> MemberDirectory | None:
        """Return the shop's own directory of members; without an answer they live in `es_member`.

        Called once, at start-up; the first answer counts. `settings` is the whole `Settings`. An exception stops
        start-up.
        """

    @hookspec(firstresult=True)
    def connect_issue_tokens(self, login: TokenRequest) -> Mapping[str, Any] | None:
        """Return the body of the token response, in place of connect-login's own tokens.

        Keys: `access_token`, `refresh_token`, `token_type`, `expires_in` (seconds). The first answer counts. Called on
        the event loop, so return at once.
        """

    @hookspec(firstresult=True)
    def connect_check_credentials(self, credentials: Mapping[str, str]) -> int | None:
        """Return the id of the member whose credentials these are (a password, a code sent by SMS), or None.

        `credentials` are the fields that the choose page or an app posted. The first answer counts. Called in a
        thread. Without this hook the built-in check compares `username` and `password` with `es_member`.
        """

    @hookspec(firstresult=True)
    def connect_plan_merge(
        self, kept_id: int, merged_id: int, language: Language, language_tag: Language
    ) -> MergePlan | None:
        """Return what the shop would move from `merged_id` to `kept_id`, two members of one person, or its refusal.

        Called in a thread when the merge is shown, and again when the member agrees. Move nothing yet: that is for
        `connect_merged`. Texts are in `language`, such as `zh`; `language_tag` says it more exactly, such as `zh-TW`.
        The first answer counts, and without one the merge is refused. The merge page exists only where a plugin has
        this hook.
        """

    @hookspec
    def connect_registered(self, event: LoginEvent) -> None:
        """Called after a login registered a member."""

    @hookspec
    def connect_logged_in(self, event: LoginEvent) -> None:
        """Called after a member logged in; after `connect_registered` for a new member."""

    @hookspec
    def connect_bound(self, event: LoginEvent) -> None:
        """Called after a connection was made, at a first login or by a member who links a provider."""

    @hookspec
    def connect_unbound(self, event: LoginEvent) -> None:
        """Called after a connection ended."""

    @hookspec
    def connect_merged(self, event: MergeEvent) -> None:
        """Called after a member was merged into another: now move what the shop keeps."""

    @hookspec
    def connect_merge_undone(self, event: MergeEvent) -> None:
        """Called after a merge was undone: now move back what the shop moved."""

    @hookspec
    def connect_erased(self, event: ErasedEvent) -> None:
        """Called after a member was erased: now delete what the shop keeps."""

    @hookspec
    def connect_login_refused(self, event: RefusedEvent) -> None:
        """Called after a login failed. Not repeated when it is lost: no row is written for it."""
