"""The JSON answers of the management API: what its endpoints return, and what its OpenAPI document describes.

Where the answer is what another module returns already, its own class stands here as a member. Has no code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired

from typing_extensions import TypedDict  # pydantic reads the one of `typing` from Python 3.12 on only

from connect_core.administrators.accounts import AdministratorView
from connect_core.doctor.last_run import DoctorRun
from connect_core.events.webhooks import DeliveryView, EndpointView
from connect_core.findings import Finding
from connect_core.identity import ClientType
from connect_core.runtime_settings import ChangedSetting, SettingRevision, SettingView
from connect_core.runtime_settings.values import Source
from connect_core.store.audit import AuditRow
from connect_core.web.admin.callback_addresses import CallbackAddress
from connect_core.web.admin.key_counts import KeyView, SealedCount
from connect_core.web.admin.provider_cards import ProviderCard
from connect_core.web.admin.setting_fields import FieldKind
from connect_core.web.admin.setting_form import Lock


class Changed(TypedDict):
    """Whether something was changed; false where it was so already."""

    changed: bool


class Ended(TypedDict):
    """How many sessions have ended."""

    ended: int


class DraftedRevision(TypedDict):
    """The number of the new revision."""

    revision: int


class PersonIdShown(TypedDict):
    """An id of a person at a vendor; shortened for a token without `members:write`."""

    kind: str
    scope: str
    value: str


@dataclass(frozen=True, slots=True)
class MemberFound:
    """A member as a search lists it. The number is masked for a token without `members:write`."""

    id: int
    uname: str
    nickname: str
    mobile: str
    state: str


class MemberList(TypedDict):
    """The members that were found."""

    members: list[MemberFound]


MemberValue = str | int | None
"""A shop's own directory may write as a text what `es_member` has as a number."""


class MemberShown(TypedDict):
    """A member; a shop's own directory may leave out all but `state`. Times are epoch seconds."""

    id: NotRequired[MemberValue]
    uname: NotRequired[MemberValue]
    nickname: NotRequired[MemberValue]
    sex: NotRequired[MemberValue]
    mobile: NotRequired[MemberValue]
    province: NotRequired[MemberValue]
    city: NotRequired[MemberValue]
    register_client: NotRequired[MemberValue]
    login_count: NotRequired[MemberValue]
    create_time: NotRequired[MemberValue]
    last_login: NotRequired[MemberValue]
    state: str


@dataclass(frozen=True, slots=True)
class ConnectionShown:
    """A login that is linked to a member, `since` when (epoch seconds)."""

    union_type: str
    nickname: str
    since: int
    ids: Sequence[PersonIdShown]


@dataclass(frozen=True, slots=True)
class SessionShown:
    """Where a member is logged in. Times are epoch seconds."""

    id: str
    client_type: str
    device_id: str
    login_time: int
    seen_time: int


@dataclass(frozen=True, slots=True)
class MemberEvent:
    """What happened to a member, in epoch seconds."""

    create_time: int
    kind: str
    provider: str
    client_type: str
    union_type: str
    request_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class Event(MemberEvent):
    """What happened, and to which member and connection."""

    id: int
    member_id: int
    connect_id: int


class MemberDetails(TypedDict):
    """A member with all that is linked. `member` is null where the shop's own directory has nobody of this id."""

    member: MemberShown | None
    connections: list[ConnectionShown]
    sessions: list[SessionShown]
    events: list[MemberEvent]


class ConflictShown(TypedDict):
    """A conflict of identity; `member_ids` begins with the member who is logged in."""

    event_id: int
    time: int
    provider: str
    client_type: str
    union_type: str
    member_ids: list[int]


class ConflictList(TypedDict):
    """Open conflicts, and the `before` of the next page; 0 when there is none."""

    conflicts: list[ConflictShown]
    next_before: int


class ConflictSideShown(TypedDict):
    """One of the members of a conflict."""

    member_id: int
    is_connected: bool
    has_other_way: bool
    ids: list[PersonIdShown]


class ConflictDetails(ConflictShown):
    """A conflict with its sides. `obstacle` says why no member can have all ids; empty where one can."""

    sides: list[ConflictSideShown]
    obstacle: str
    version: str


class EventList(TypedDict):
    """Events, the latest first, and the `before` of the next page; 0 when there is none."""

    events: list[Event]
    next_before: int


class EndpointList(TypedDict):
    """The endpoints of webhooks."""

    endpoints: list[EndpointView]


class DeliveryList(TypedDict):
    """Deliveries, the latest first."""

    deliveries: list[DeliveryView]


class Replayed(TypedDict):
    """How many deliveries are sent again."""

    replayed: int


class TestSent(TypedDict):
    """What became of a test: the HTTP `status`, 0 without one, and how many `seconds` it took."""

    status: int
    error: str
    seconds: float
    retry_after: int | None
    is_delivered: bool


class AdministratorList(TypedDict):
    """The local administrators."""

    administrators: list[AdministratorView]


class SetUpCode(TypedDict):
    """With it the administrator sets a password."""

    set_up_code: str


class AdminSession(TypedDict):
    """A session of the admin page. Times are epoch seconds."""

    name: str
    role: str
    provider: str
    create_time: int
    seen_time: int
    expiry_time: int


class AdminSessionList(TypedDict):
    """The sessions of the admin page."""

    sessions: list[AdminSession]


class DoctorBegan(TypedDict):
    """When the run began, in epoch seconds."""

    began: int


class LastRun(TypedDict):
    """The doctor's last run; null where there was none."""

    run: DoctorRun | None


class KeyList(TypedDict):
    """The secret keys, and what was counted of the values that they have sealed."""

    keys: list[KeyView]
    sealed: list[SealedCount]


class AuditList(TypedDict):
    """Records of the audit log, the latest first."""

    records: list[AuditRow]


class SettingList(TypedDict):
    """The settings of a revision."""

    revision: int
    active_revision: int
    settings: list[SettingView]


class RevisionList(TypedDict):
    """Revisions, the latest first."""

    revisions: list[SettingRevision]


class ChangeList(TypedDict):
    """What a draft would change."""

    changes: list[ChangedSetting]


class PluginList(TypedDict):
    """The names of the installed plugins."""

    plugins: list[str]


class ProviderList(TypedDict):
    """The configured providers, and the accounts that they can share."""

    revision: int
    providers: list[ProviderCard]
    accounts: list[str]


class SettingShown(TypedDict):
    """What a setting takes, and what is set; of a secret only whether it is."""

    name: str
    kind: FieldKind
    help: str
    is_required: bool
    choices: Sequence[str]
    takes_file: bool
    is_set: bool
    value: Any
    source: Source
    lock: Lock


class SettingTableShown(TypedDict):
    """A table of the configuration; `client_type` where it has the differences of one client type, else empty."""

    section: str
    client_type: str
    settings: list[SettingShown]


class ProviderDetails(TypedDict):
    """The settings of a provider, and what has to be registered at the vendor."""

    revision: int
    active_revision: int
    name: str
    plugin: str
    is_removable: bool
    addresses: list[CallbackAddress]
    tables: list[SettingTableShown]


class ConnectionTested(TypedDict):
    """What a test has found; `mistakes` are those of the settings, with which nothing could be tested."""

    findings: list[Finding]
    mistakes: list[str]


class ButtonOrder(TypedDict):
    """The logins that a client type shows, in order, and why that cannot be changed; empty where it can."""

    client: ClientType
    order: list[str]
    lock: Lock


class ButtonOrders(TypedDict):
    """The order of buttons of every client type."""

    revision: int
    clients: list[ButtonOrder]
