"""A second provider that runs beside the one under test. It calls no vendor.

A login through it is slow only when the provider under test blocks the whole shop, which one rule looks for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    Entrance,
    Identity,
    PersonId,
    Profile,
    Provider,
    ProviderSettings,
    Register,
    hookimpl,
)

OTHER_PLUGIN = "contract-other"
"""Its name as a plugin and as a provider."""


class OtherProvider(Provider):
    """A provider that takes any code for the id of a person."""

    union_type = "CONTRACT_OTHER"
    titles: Mapping[str, str] = MappingProxyType({"zh": "另一个", "en": "Other"})
    entrances: ClassVar = {ClientType.MINI: Entrance.CLIENT_CODE}
    Settings: ClassVar = ProviderSettings

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the empty text: the entrance `client_code` needs no login URL."""
        return ""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Return the person whose id is the code."""
        return Identity(self.union_type, (PersonId.user_id(response.code),), OTHER_PLUGIN, Profile())


class OtherPlugin:
    """The plugin object that registers `OtherProvider`."""

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Register it as `OTHER_PLUGIN`."""
        register(OTHER_PLUGIN, OtherProvider)
