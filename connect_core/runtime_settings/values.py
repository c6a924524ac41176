"""What goes into `SettingVersions` and comes out of it. Only a `RequestedChange` may hold a secret."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from connect_core.settings import Settings

State = Literal["draft", "active", "discarded"]
Source = Literal["account", "file", "database", "default"]
Prepare = Callable[[Settings], Callable[[], None]]
"""Builds what depends on the settings, on a thread, and returns the function that puts it to use, on the event loop.

It raises `SettingsError` or `PluginError` for what cannot be built; the function that it returns raises nothing.
"""


@dataclass(frozen=True, slots=True)
class RequestedChange:
    """A setting that is to be changed.

    `section` is a table of the configuration: `limits`, `pages`, `clients`, `providers.NAME`, `providers.NAME.CLIENT`,
    `accounts.NAME` or `webhooks.NAME`. `name` is a key in it, and `value` what TOML would have there, taken literally.
    None takes the database's value away: what the file says holds again, or the default.
    """

    section: str
    name: str
    value: Any | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """A setting that a revision changed, as history shows it.

    `old` and `new` are JSON, shortened; None where the database had no value, or has none any more. Both are None for a
    secret.
    """

    section: str
    name: str
    is_secret: bool
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class SettingRevision:
    """A revision: what was changed, by whom and why. Times are epoch seconds.

    `base` is the active revision that it was made on. `active_time` is None for a revision that was never active.
    """

    revision: int
    base: int
    state: State
    actor: str
    comment: str
    changes: tuple[ChangedSetting, ...]
    request_id: str
    create_time: int
    active_time: int | None


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting as it holds: `value` is plain data, and None for a secret and for a default that is none.

    `source` says where it comes from: a provider's `account`, the `file`, the `database`, or the `default`. A setting
    that `is_locked` is changed in connect.toml alone.
    """

    section: str
    name: str
    value: Any | None
    source: Source
    is_secret: bool
    is_locked: bool
