"""The sections of `connect.toml` about operating the service: the admin page, events, webhooks, introspection."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from connect_core.settings.values import DAY, Duration, Endpoint, Section, check_webhook_secret

EVENT_NAMES = (
    "member.registered",
    "member.logged_in",
    "identity.linked",
    "identity.unlinked",
    "identity.conflict",
    "member.merged",
    "member.merge_undone",
    "member.erased",
    "login.refused",
)
"""What webhooks tell; `login.refused` only to an endpoint that names it."""
EventName = Literal[
    "member.registered",
    "member.logged_in",
    "identity.linked",
    "identity.unlinked",
    "identity.conflict",
    "member.merged",
    "member.merge_undone",
    "member.erased",
    "login.refused",
]


def _check_webhook_name(name: str) -> str:
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,62}", name):
        raise ValueError("names are lower-case letters, digits, - and _, at most 63 of them")
    return name


WebhookName = Annotated[str, AfterValidator(_check_webhook_name)]
"""NAME of `[webhooks.NAME]`."""
Role = Literal["viewer", "support", "operator"]


class AdminSettings(Section):
    """`[admin]`: the admin page and the management API, below `/connect/admin`; they want the extra `admin`."""

    enabled: bool = Field(default=False, description="Serve the admin page and the management API.")
    session_idle: Duration = Field(
        default=1800, ge=60, description="An administrator's session unused for so long ends."
    )
    session_absolute: Duration = Field(
        default=12 * 3600, ge=60, description="An administrator's session ends after this, used or not."
    )
    require_totp: bool = Field(
        default=True, description="Local administrators need a one-time password (TOTP) beside their password."
    )
    provider: str = Field(
        default="",
        description="A configured OpenID provider by which administrators sign in; `roles` says who may do what.",
    )
    groups_claim: str = Field(default="groups", description="The claim of its ID token that lists the groups.")
    roles: Mapping[Role, list[str]] = Field(
        default={}, description="For each role, `viewer`, `support` and `operator`, the groups that have it."
    )


class EventSettings(Section):
    """`[events]`: how long events are kept, and sinks besides webhooks."""

    keep: Duration = Field(
        default=400 * DAY, ge=30 * DAY, description="Events older than this are deleted, unless a webhook waits."
    )
    keep_unbound: Duration | None = Field(
        default=None,
        ge=30 * DAY,
        description="Connections that ended longer ago are deleted with their ids; by default they are kept.",
    )
    redis_stream: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9:._-]{0,128}$",
        description="A stream in `redis_url` that gets every event as well; empty for none.",
    )
    redis_stream_length: int = Field(
        default=100_000, ge=1000, description="About how many of the newest entries the stream keeps."
    )


class WebhookSettings(Section):
    """`[webhooks.NAME]`: an endpoint that is sent events, signed as Standard Webhooks has it."""

    url: Endpoint = Field(description="Where events are posted, https; plain http for loopback hosts only.")
    secrets: list[Annotated[SecretStr, AfterValidator(check_webhook_secret)]] = Field(
        min_length=1,
        max_length=2,
        description="`whsec_` and base64 of 24 to 64 bytes; the first signs, and a second one too while they rotate.",
    )
    events: list[EventName] = Field(default=[], description="Which events; default: all but `login.refused`.")
    allow_private: bool = Field(
        default=False, description="Post to a loopback or private address; by default none is connected to."
    )
    enabled: bool = Field(default=True, description="Whether events are sent there.")


class ResourceServer(Section):
    """`[resource_servers.NAME]`: a service that may ask about tokens (RFC 7662) and revoke them (RFC 7009).

    NAME is its client id.
    """

    client_secret: SecretStr = Field(min_length=16, description="Its secret, at least 16 characters.")
