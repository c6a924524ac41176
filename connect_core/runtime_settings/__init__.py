"""Settings that change while the service runs, with `[service] settings = "database"`.

`SettingVersions` is what an operator's page, interface or command calls: drafts, checks and activates revisions. A
process follows the active revision with `Follower`. Nothing here is imported with `settings = "file"`.
"""

from connect_core.runtime_settings.following import Follower
from connect_core.runtime_settings.stored_settings import StoredSettings
from connect_core.runtime_settings.values import ChangedSetting, RequestedChange, SettingRevision, SettingView
from connect_core.runtime_settings.versions import SettingVersions

__all__ = [
    "ChangedSetting",
    "Follower",
    "RequestedChange",
    "SettingRevision",
    "SettingVersions",
    "SettingView",
    "StoredSettings",
]
