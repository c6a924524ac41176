"""The values of a login: who visits, what the login is for, what it arrives with, and how it can end.

Values only: nothing here crosses the network or touches the database.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from connect_core.devices import UNKNOWN_DEVICE, Device
from connect_core.identity import ClientType, Identity, Language, VerifiedPhone
from connect_core.members.merge_rules import Proof
from connect_core.members.values import ResolvedMember
from connect_core.providers.registry import ConfiguredProvider
from connect_core.sessions import NO_TOKENS, LiveSession, OpenSession, PresentedTokens


class Delivery(StrEnum):
    """How the result of a login reaches the visitor."""

    SESSION = "session"
    """An opaque session cookie."""
    TOKEN_COOKIES = "token_cookies"  # noqa: S105 - the name of a way, not a secret
    """The cookies `access_token`, `refresh_token`, `uid` of the `/buyer` routes."""
    JSON = "json"
    """A token answer to the front end's own page or app."""


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """A verified identity that the shop does not know yet, and how its login is to end once the person has chosen.

    `times_ended` is how often the identity had been unbound by then: when it changes, or the identity is bound, nothing
    waits any more. `key` lets the choice be made once; `expiry_time` is in epoch seconds.
    """

    provider: str
    client_type: ClientType
    delivery: Delivery
    return_to: str
    device_id: str
    times_ended: int
    identity: Identity = field(repr=False)
    key: str = field(repr=False)
    expiry_time: int


class PurposeKind(StrEnum):
    """What a login is for."""

    LOGIN = "login"
    """To log the person in; somebody new is registered, or asked first."""
    LINK = "link"
    """To link one more identity to a member who is logged in."""
    PROVE = "prove"
    """To prove that a member who is logged in has a second account, before the two are merged."""
    CONFIRM = "confirm"
    """To confirm who is logged in, before something that needs a recent login."""
    JOIN = "join"
    """To prove an account that a person has here, so that a login of theirs which waits for a choice joins it."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a login is for, and for whom.

    `linking_session` is the session of the member who links, proves or confirms, `joining` the waiting login of `JOIN`;
    both are None for `LOGIN`.
    """

    kind: PurposeKind = PurposeKind.LOGIN
    linking_session: LiveSession | None = None
    joining: PendingLogin | None = None

    @property
    def bound_to(self) -> str:
        """What a flow of this purpose belongs to: a session's family, or a waiting login's key; empty for `LOGIN`."""
        if self.joining is not None:
            return self.joining.key
        return self.linking_session.family if self.linking_session else ""


LOG_IN = Purpose()


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, as far as a login minds.

    `presented` is what this browser or app is logged in with until now: a new login ends all of it, that of an app or
    mini program only what the bearer token stands for. `chosen_language` is empty until a person chose one, and goes
    along into the vendor's app. `device_id` is the app's own name for its device, at most 64 characters. `root_path` is
    in front of our routes. `choice_ticket` is the ticket of the login that waits for this visitor's choice; `consent`
    the version of the shop's terms that the visitor agrees to with this request; `device` what a new session keeps of
    the device.
    """

    request_id: str
    user_agent: str = field(default="", repr=False)
    language: Language = "zh-CN"
    presented: PresentedTokens = NO_TOKENS
    chosen_language: str = ""
    device_id: str = ""
    root_path: str = ""
    choice_ticket: str = field(default="", repr=False)
    consent: str = ""
    device: Device = UNKNOWN_DEVICE


@dataclass(frozen=True, slots=True)
class Flow:
    """One login under way, from its start to its callback.

    The vendor returns to `redirect_uri` with `state`; the member lands on `return_to`. `bound_to` is that of its
    `Purpose`. `expiry_time` is in epoch seconds.
    """

    provider: str
    client_type: ClientType
    delivery: Delivery
    redirect_uri: str
    return_to: str
    expiry_time: int
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    bound_to: str = ""
    purpose: PurposeKind = PurposeKind.LOGIN


@dataclass(frozen=True, slots=True)
class KeptResult:
    """What the repeated callback of the flow `state` is answered with: a login that waits for a choice, or a proof."""

    state: str = field(repr=False)
    expiry_time: int
    pending: PendingLogin | None
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Everything a login arrives with but who it is.

    `flow` is None where a client handed in its code, `phone` what came with the code, `pending` the login that waited
    for a choice which the person has now made.
    """

    configured: ConfiguredProvider
    visit: Visit
    flow: Flow | None = None
    purpose: Purpose = LOG_IN
    phone: VerifiedPhone | None = None
    pending: PendingLogin | None = None

    @property
    def delivery(self) -> Delivery:
        """How the result is delivered: as the flow or the waiting login says, else as JSON."""
        origin = self.pending or self.flow
        return origin.delivery if origin else Delivery.JSON

    @property
    def return_to(self) -> str:
        """Where the member lands; empty where the result is JSON for a client that handed in a code."""
        origin = self.pending or self.flow
        return origin.return_to if origin else ""


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The person is logged in.

    `resolved` is None where no identity was looked up: for a member who joined an older account, came by a password, or
    confirmed who they are. `purpose` is `JOIN` for the first of these, by whatever proof, and then `union_type` is that
    of the identity which the account got; it is `CONFIRM` for the last.
    """

    delivery: Delivery
    return_to: str
    opened: OpenSession
    resolved: ResolvedMember | None = None
    purpose: PurposeKind = PurposeKind.LOGIN
    union_type: str = ""

    @property
    def is_new_member(self) -> bool:
        """Whether the member was registered by this login."""
        return self.resolved is not None and self.resolved.is_new_member


@dataclass(frozen=True, slots=True)
class IdentityLinked:
    """The identity leads to the member of the linking session; nobody was logged in."""

    delivery: Delivery
    return_to: str
    union_type: str


@dataclass(frozen=True, slots=True)
class AccountProved:
    """The member of the linking session has a second account; nothing was written."""

    delivery: Delivery
    return_to: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class ChoiceNeeded:
    """Nobody is known by this identity; the person has to say first whether they are new."""

    delivery: Delivery
    return_to: str
    pending: PendingLogin


@dataclass(frozen=True, slots=True)
class CallbackRepeated:
    """The same browser repeats a callback or a choice that has succeeded: it is sent on, and nothing is done again.

    `opened` is the session of that login while nobody has presented it: the first answer was lost, or is not here yet.
    """

    delivery: Delivery
    return_to: str
    opened: OpenSession | None = None


Outcome: TypeAlias = SessionOpened | IdentityLinked | AccountProved | ChoiceNeeded | CallbackRepeated
"""How a login ends when it is not refused; a refusal is a `ConnectError`."""
