"""The tables of what operators manage: settings at run time, administrators, their acts, and deliveries of webhooks.

Nothing in them belongs to a member but the number of one. Times are epoch seconds, UTC.
"""

from sqlalchemy import Column, Index, Integer, String, Text, UniqueConstraint
from sqlmodel import Field

from connect_core.store.models.declared import BIG, IDS_ARE_NEVER_REUSED, Declared, count, display_text, exact_text, key


class Setting(Declared, table=True):
    """The value of one setting from one revision on; it holds until a later active revision has another one.

    `section` is a table of the configuration, such as `limits` or `providers.alipay.mini`. `value` is JSON, sealed for
    this row and column; NULL says that the setting was taken away.
    """

    __tablename__ = "es_connect_setting"
    __table_args__ = (UniqueConstraint("section", "name", "revision"), Index("ix_setting_revision", "revision"))

    id: int | None = Field(None, sa_column=key())
    section: str = Field(sa_column=Column(exact_text(128), nullable=False))
    name: str = Field(sa_column=Column(exact_text(64), nullable=False))
    revision: int = Field(sa_type=BIG)
    value: str | None = Field(None, sa_column=Column(Text, nullable=True))
    actor: str = Field("", sa_column=display_text(64))
    update_time: int = Field(sa_type=BIG)


class SettingChange(Declared, table=True):
    """A revision of the settings: what was changed, by whom and why. Contains no secret.

    `state` is `draft`, `active` or `discarded`. `base` is the active revision that the change was made on, 0 for the
    file; `active_base` is the same once it is active, and NULL before, so that one revision alone follows another.
    `changes` is a JSON list of `{"section", "name", "old", "new"}`, in which secrets are left out.
    """

    __tablename__ = "es_connect_setting_change"
    __table_args__ = (UniqueConstraint("active_base"),)

    revision: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    base: int = Field(sa_type=BIG)
    active_base: int | None = Field(None, sa_type=BIG)
    state: str = Field(sa_column=Column(String(16), nullable=False))
    actor: str = Field("", sa_column=display_text(64))
    comment: str = Field("", sa_column=display_text(255))
    changes: str = Field(sa_column=Column(Text, nullable=False))
    request_id: str = Field("", sa_column=Column(String(32), nullable=False, server_default=""))
    create_time: int = Field(sa_type=BIG)
    active_time: int | None = Field(None, sa_type=BIG)


class Administrator(Declared, table=True):
    """A local administrator: signs in with a password, and a one-time password where `totp_secret` (sealed) is set.

    `role` is `viewer`, `support` or `operator`. `totp_step` is the last time step whose password was used (RFC 6238).
    """

    __tablename__ = "es_admin"
    __table_args__ = (UniqueConstraint("name"), IDS_ARE_NEVER_REUSED)

    id: int | None = Field(None, sa_column=key())
    name: str = Field(sa_column=Column(exact_text(64), nullable=False))
    role: str = Field(sa_column=Column(String(16), nullable=False))
    password_hash: str = Field(sa_column=Column(String(255), nullable=False))
    totp_secret: str | None = Field(None, sa_column=Column(Text, nullable=True))
    totp_step: int = Field(0, sa_column=count())
    disabled: int = Field(0, sa_column=Column(Integer, nullable=False, server_default="0"))
    create_time: int = Field(0, sa_column=count())
    last_login: int = Field(0, sa_column=count())
    lock_count: int = Field(0, sa_column=count())


class AdministratorSession(Declared, table=True):
    """A session of the admin page. `provider` is that of an administrator who signed in through one, else empty."""

    __tablename__ = "es_admin_session"
    __table_args__ = (Index("ix_admin_session_expiry", "expiry_time"), Index("ix_admin_session_name", "name"))

    token_hash: str = Field(sa_column=Column(exact_text(64), primary_key=True))
    name: str = Field(sa_column=Column(exact_text(64), nullable=False))
    role: str = Field(sa_column=Column(String(16), nullable=False))
    provider: str = Field("", sa_column=display_text(64))
    create_time: int = Field(sa_type=BIG)
    seen_time: int = Field(sa_type=BIG)
    expiry_time: int = Field(sa_type=BIG)


class AdministratorToken(Declared, table=True):
    """A bearer token of the management API, stored as a hash. `scopes` are separated by blanks."""

    __tablename__ = "es_admin_token"
    __table_args__ = (UniqueConstraint("token_hash"), IDS_ARE_NEVER_REUSED)

    id: int | None = Field(None, sa_column=key())
    name: str = Field(sa_column=Column(exact_text(64), nullable=False))
    token_hash: str = Field(sa_column=Column(exact_text(64), nullable=False))
    scopes: str = Field(sa_column=Column(String(255), nullable=False))
    actor: str = Field("", sa_column=display_text(64))
    create_time: int = Field(sa_type=BIG)
    expiry_time: int = Field(sa_type=BIG)
    seen_time: int = Field(0, sa_column=count())
    revoked_time: int | None = Field(None, sa_type=BIG)


class OperatorRecord(Declared, table=True):
    """The audit log: one act of an operator, inserted in the transaction that does it, and never changed.

    `via` is `page`, `api` or `command`. `action` is a word such as `member.disabled`, `target` names what it was done
    to, `detail` says more and contains no secret.
    """

    __tablename__ = "es_admin_audit"
    __table_args__ = (Index("ix_audit_time", "create_time"), Index("ix_audit_target", "target"), IDS_ARE_NEVER_REUSED)

    id: int | None = Field(None, sa_column=key())
    create_time: int = Field(sa_type=BIG)
    actor: str = Field(sa_column=display_text(64))
    via: str = Field(sa_column=Column(String(16), nullable=False))
    action: str = Field(sa_column=Column(String(48), nullable=False))
    target: str = Field("", sa_column=Column(exact_text(128), nullable=False, server_default=""))
    detail: str = Field("", sa_column=display_text(255))
    request_id: str = Field("", sa_column=Column(String(32), nullable=False, server_default=""))


class WebhookEndpoint(Declared, table=True):
    """What is remembered of an endpoint of `[webhooks.NAME]`: since when it fails, and who sends to it now.

    `state` is `active` or `disabled`. The process `lease_owner` sends until `lease_until`; it extends its lease.
    """

    __tablename__ = "es_webhook_endpoint"

    name: str = Field(sa_column=Column(exact_text(64), primary_key=True))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    failing_since: int | None = Field(None, sa_type=BIG)
    disabled_time: int | None = Field(None, sa_type=BIG)
    retry_time: int = Field(0, sa_column=count())
    attempts: int = Field(0, sa_column=count())
    lease_owner: str = Field("", sa_column=Column(exact_text(32), nullable=False, server_default=""))
    lease_until: int = Field(0, sa_column=count())


class WebhookDelivery(Declared, table=True):
    """An event that an endpoint is to get, inserted in the transaction of the event.

    `create_time` is that of the event: those of one member are sent in its order, and in that of `event_id`. `state` is
    `pending`, `delivered` or `dead`. `last_error` is a word or an HTTP status, never text of the receiver.
    """

    __tablename__ = "es_webhook_delivery"
    __table_args__ = (
        UniqueConstraint("endpoint", "event_id"),
        Index("ix_delivery_waiting", "endpoint", "state", "retry_time"),
        Index("ix_delivery_member", "endpoint", "state", "member_id", "create_time"),
        Index("ix_delivery_end", "state", "end_time"),
        Index("ix_delivery_event", "event_id"),
    )

    id: int | None = Field(None, sa_column=key())
    endpoint: str = Field(sa_column=Column(exact_text(64), nullable=False))
    event_id: int = Field(sa_type=BIG)
    member_id: int = Field(sa_type=BIG)
    state: str = Field(sa_column=Column(String(16), nullable=False))
    attempts: int = Field(0, sa_column=count())
    retry_time: int = Field(0, sa_column=count())
    create_time: int = Field(sa_type=BIG)
    end_time: int | None = Field(None, sa_type=BIG)
    last_error: str = Field("", sa_column=display_text(64))
