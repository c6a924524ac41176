"""The shop's configuration: one `connect.toml`, read once by `load_settings`.

Knows no plugin: a provider's settings are checked with its plugin's model, which the caller passes in.
"""

from connect_core.settings.loading import check_provider_settings, explain, load_settings, parse_settings
from connect_core.settings.model import (
    ConfiguredVendor,
    Limits,
    PageSettings,
    ProviderSettings,
    Service,
    SessionLifetimes,
    Settings,
)
from connect_core.settings.operations import (
    EVENT_NAMES,
    AdminSettings,
    EventSettings,
    ResourceServer,
    WebhookSettings,
)
from connect_core.settings.values import DAY, Duration, Endpoint, check_endpoint, is_loopback

__all__ = [
    "DAY",
    "EVENT_NAMES",
    "AdminSettings",
    "ConfiguredVendor",
    "Duration",
    "Endpoint",
    "EventSettings",
    "Limits",
    "PageSettings",
    "ProviderSettings",
    "ResourceServer",
    "Service",
    "SessionLifetimes",
    "Settings",
    "WebhookSettings",
    "check_endpoint",
    "check_provider_settings",
    "explain",
    "is_loopback",
    "load_settings",
    "parse_settings",
]
