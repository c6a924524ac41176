"""The shop's configuration: one `connect.toml`, read once by `load_settings`.

Knows no plugin: what a provider's own settings must look like is checked with the plugin's model, which is handed in.
"""

from connect_core.settings.loading import check_provider_settings, explain, load_settings, parse_settings
from connect_core.settings.model import (
    DAY,
    ConfiguredVendor,
    Limits,
    PageSettings,
    ProviderSettings,
    Service,
    SessionLifetimes,
    Settings,
)
from connect_core.settings.values import Endpoint, check_endpoint, is_loopback

__all__ = [
    "DAY",
    "ConfiguredVendor",
    "Endpoint",
    "Limits",
    "PageSettings",
    "ProviderSettings",
    "Service",
    "SessionLifetimes",
    "Settings",
    "check_endpoint",
    "check_provider_settings",
    "explain",
    "is_loopback",
    "load_settings",
    "parse_settings",
]
