"""The tables of members, connections and logins.

The column `active` is computed: 1 while `unbound_time` is NULL, and NULL afterwards. Unique constraints ignore rows
with a NULL on SQLite, PostgreSQL and MariaDB alike: they allow one active row and any number of ended ones.
"""

from sqlalchemy import Column, Index, Integer, String, Text, UniqueConstraint, text
from sqlmodel import Field

from connect_core.limits import LOCATION_LIMIT, PICTURE_LIMIT
from connect_core.store.models.declared import (
    BIG,
    IDS_ARE_NEVER_REUSED,
    Declared,
    active,
    count,
    display_text,
    exact_text,
    key,
)


class Member(Declared, table=True):
    """A member of the shop; unused where members live elsewhere.

    `password_hash` is empty for a member who registered through a provider. `disabled` is 0, 1, or 2 when merged.
    """

    __tablename__ = "es_member"
    __table_args__ = (UniqueConstraint("uname"), IDS_ARE_NEVER_REUSED)

    id: int | None = Field(None, sa_column=key())
    uname: str = Field(sa_column=Column(exact_text(64), nullable=False))
    nickname: str = Field("", sa_column=display_text(64))
    face: str = Field("", sa_column=display_text(PICTURE_LIMIT))
    sex: int | None = None
    mobile: str = Field("", sa_column=display_text(32))
    province: str = Field("", sa_column=display_text(32))
    city: str = Field("", sa_column=display_text(32))
    disabled: int = Field(0, sa_column=Column(Integer, nullable=False, server_default="0"))
    register_client: str = Field("", sa_column=display_text(8))
    create_time: int = Field(0, sa_column=count())
    last_login: int = Field(0, sa_column=count())
    login_count: int = Field(0, sa_column=count())
    password_hash: str = Field("", sa_column=display_text(255))
    lock_count: int = Field(0, sa_column=count())


class Connection(Declared, table=True):
    """A connection: this member is that identity.

    `union_id` is the strongest id known, `profile` what the vendor last said about the person, as JSON. `lock_count` is
    that of `RowLock`, here and in the other tables that have it.
    """

    __tablename__ = "es_connect"
    __table_args__ = (
        UniqueConstraint("union_type", "union_scope", "union_id", "active"),
        UniqueConstraint("member_id", "union_type", "active"),
        IDS_ARE_NEVER_REUSED,
    )

    id: int | None = Field(None, sa_column=key())
    member_id: int = Field(sa_type=BIG)
    union_type: str = Field(sa_column=Column(exact_text(32), nullable=False))
    union_id: str = Field(sa_column=Column(exact_text(255), nullable=False))
    union_scope: str = Field("", sa_column=Column(exact_text(255), nullable=False, server_default=""))
    create_time: int = Field(0, sa_column=count())
    unbound_time: int | None = Field(None, sa_type=BIG)
    active: int | None = Field(None, sa_column=active())
    profile: str | None = Field(None, sa_column=Column(Text))
    profile_time: int = Field(0, sa_column=count())
    lock_count: int = Field(0, sa_column=count())


class Alias(Declared, table=True):
    """One of the ids by which a connection is found."""

    __tablename__ = "es_connect_alias"
    __table_args__ = (
        UniqueConstraint("union_type", "kind", "scope", "value", "active"),
        Index("ix_alias_connect", "connect_id"),
    )

    id: int | None = Field(None, sa_column=key())
    connect_id: int = Field(sa_type=BIG)
    union_type: str = Field(sa_column=Column(exact_text(32), nullable=False))
    kind: str = Field(sa_column=Column(exact_text(8), nullable=False))
    scope: str = Field("", sa_column=Column(exact_text(255), nullable=False, server_default=""))
    value: str = Field(sa_column=Column(exact_text(255), nullable=False))
    unbound_time: int | None = Field(None, sa_type=BIG)
    active: int | None = Field(None, sa_column=active())


class MemberSession(Declared, table=True):
    """One opaque token of a login, stored as a hash: a browser's session, or one of a family of refresh tokens.

    `connect_id` is the connection that the member logged in with. `browser`, `system` and `location` are those of the
    device at the login. `generation` rises from a token to its successors, see `store.sessions`.
    """

    __tablename__ = "es_member_session"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_session_family", "family"),
        Index("ix_session_member", "member_id"),
        Index("ix_session_expiry", "expiry_time"),
    )

    id: int | None = Field(None, sa_column=key())
    member_id: int = Field(sa_type=BIG)
    connect_id: int = Field(0, sa_column=count())
    client_type: str = Field(sa_column=Column(String(8), nullable=False))
    device_id: str = Field("", sa_column=display_text(64))
    family: str = Field(sa_column=Column(exact_text(32), nullable=False))
    token_hash: str = Field(sa_column=Column(exact_text(64), nullable=False))
    create_time: int = Field(sa_type=BIG)
    seen_time: int = Field(sa_type=BIG)
    expiry_time: int = Field(sa_type=BIG)
    rotated_time: int | None = Field(None, sa_type=BIG)
    revoked_time: int | None = Field(None, sa_type=BIG)
    browser: str = Field("", sa_column=display_text(32))
    system: str = Field("", sa_column=display_text(32))
    location: str = Field("", sa_column=display_text(LOCATION_LIMIT))
    lock_count: int = Field(0, sa_column=count())
    generation: int = Field(0, sa_column=count())


class VendorSessionLink(Declared, table=True):
    """The session at a vendor that a login, the `family`, came from.

    `sid_hash` stands for the vendor's id of that session, empty where it sent none; `hint` is the sealed ID token that
    the vendor wants to see at log-out, or empty.
    """

    __tablename__ = "es_connect_vendor_session"
    __table_args__ = (
        Index("ix_vendor_session_sid", "sid_hash"),
        Index("ix_vendor_session_member", "member_id"),
        Index("ix_vendor_session_expiry", "expiry_time"),
    )

    family: str = Field(sa_column=Column(exact_text(32), primary_key=True))
    member_id: int = Field(sa_type=BIG)
    provider: str = Field(sa_column=Column(String(64), nullable=False))
    client_type: str = Field(sa_column=Column(String(8), nullable=False))
    sid_hash: str = Field(sa_column=Column(exact_text(64), nullable=False))
    hint: str = Field(sa_column=Column(Text, nullable=False))
    expiry_time: int = Field(sa_type=BIG)


class UsedFlow(Declared, table=True):
    """A spent state, a presented code, or what else must be remembered for a while and read by nobody, as a hash.

    `flow` is the hash of the state that a code belongs to; `outcome` says how a state's flow ended, or how often a
    password was tried. `result` is sealed: what a repeated callback is answered with where that is no session. The last
    run of the doctor is a row, too; there `outcome` is `doctor`, and `result` what was found, not sealed.
    """

    __tablename__ = "es_connect_used_flow"
    __table_args__ = (Index("ix_used_flow_expiry", "expiry_time"), {"sqlite_with_rowid": False})

    hash: str = Field(sa_column=Column(exact_text(64), primary_key=True))
    flow: str = Field("", sa_column=Column(exact_text(64), nullable=False, server_default=""))
    outcome: str = Field("", sa_column=display_text(16))
    expiry_time: int = Field(sa_type=BIG)
    result: str | None = Field(None, sa_column=Column(Text, nullable=True))


class Handover(Declared, table=True):
    """A QR login: a PC that waits for a phone.

    `hash` is the hash of the id in the QR code, `secret_hash` that of a secret which only the PC's browser knows.
    """

    __tablename__ = "es_connect_handover"
    __table_args__ = (Index("ix_handover_expiry", "expiry_time"),)

    hash: str = Field(sa_column=Column(exact_text(64), primary_key=True))
    secret_hash: str = Field(sa_column=Column(exact_text(64), nullable=False))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    member_id: int = Field(0, sa_column=count())
    family: str = Field("", sa_column=Column(exact_text(32), nullable=False, server_default=""))
    browser: str = Field("", sa_column=display_text(32))
    system: str = Field("", sa_column=display_text(32))
    place: str = Field("", sa_column=display_text(64))
    create_time: int = Field(sa_type=BIG)
    expiry_time: int = Field(sa_type=BIG)
    location: str = Field("", sa_column=display_text(LOCATION_LIMIT))


class MemberConsent(Declared, table=True):
    """A member agreed to the shop's terms, in the version `terms_version`, when they registered."""

    __tablename__ = "es_member_consent"
    __table_args__ = (Index("ix_consent_member", "member_id"),)

    id: int | None = Field(None, sa_column=key())
    member_id: int = Field(sa_type=BIG)
    terms_version: str = Field(sa_column=display_text(32))
    create_time: int = Field(sa_type=BIG)


class MemberMerge(Declared, table=True):
    """The merge of the member `merged_id` into `kept_id`.

    `moved` and `ended` are JSON lists of ids in `es_connect`: connections that became the kept member's, and those that
    were ended. They and `undo_until` are NULL once the merge can no longer be undone.
    """

    __tablename__ = "es_member_merge"
    __table_args__ = (
        UniqueConstraint("merged_id"),
        Index("ix_merge_kept", "kept_id"),
        Index("ix_merge_undo", "undo_until"),
    )

    id: int | None = Field(None, sa_column=key())
    kept_id: int = Field(sa_type=BIG)
    merged_id: int = Field(sa_type=BIG)
    create_time: int = Field(sa_type=BIG)
    undo_until: int | None = Field(None, sa_type=BIG)
    moved: str | None = Field(None, sa_column=Column(Text))
    ended: str | None = Field(None, sa_column=Column(Text))


_UNDISPATCHED = Index(  # MariaDB has no partial indexes
    "ix_event_undispatched",
    "dispatched_at",
    sqlite_where=text("dispatched_at IS NULL"),
    postgresql_where=text("dispatched_at IS NULL"),
)


class ConnectEvent(Declared, table=True):
    """An event, inserted in the transaction whose changes it reports. Never contains an id, code, token or secret.

    `dispatched_at` is NULL until the plugins that listen have got it; without a listener it is the event's own time.
    """

    __tablename__ = "es_connect_event"
    __table_args__ = (Index("ix_event_member", "member_id"), _UNDISPATCHED)

    id: int | None = Field(None, sa_column=key())
    kind: str = Field(sa_column=Column(String(24), nullable=False))
    member_id: int = Field(sa_type=BIG)
    connect_id: int = Field(sa_type=BIG)
    provider: str = Field(sa_column=Column(String(64), nullable=False))
    client_type: str = Field(sa_column=Column(String(8), nullable=False))
    union_type: str = Field(sa_column=Column(String(32), nullable=False))
    subject_hash: str = Field(sa_column=Column(String(64), nullable=False))
    request_id: str = Field(sa_column=Column(String(32), nullable=False))
    create_time: int = Field(sa_type=BIG)
    detail: str = Field("", sa_column=display_text(255))
    dispatched_at: int | None = Field(None, sa_type=BIG)
