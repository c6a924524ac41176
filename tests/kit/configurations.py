"""Configurations of shops, and the mistakes that are reported for those that cannot be used."""

import base64
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.settings import parse_settings

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


def raw(**sections: Any) -> dict[str, Any]:
    """The smallest configuration that works, with `sections` changed; those of `[service]` are merged."""
    service = {"public_url": "https://shop.example", "secret_keys": [KEY], **sections.pop("service", {})}
    return {"service": service, **sections}


def mistakes(**sections: Any) -> list[str]:
    """What is told about a configuration; it must be refused."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(raw(**sections))
    return list(caught.value.mistakes)
