"""The provider beside the one under test: it calls nobody, so that it is slow only when somebody holds it up."""

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


class OtherProvider(Provider):
    """Whoever hands in a code is its person."""

    union_type = "NEIGHBOUR"
    titles: Mapping[str, str] = MappingProxyType({"zh": "邻居", "en": "Neighbour"})
    entrances: ClassVar = {ClientType.MINI: Entrance.CLIENT_CODE}
    Settings: ClassVar = ProviderSettings

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return nothing that anybody would need."""
        return ""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Believe the code."""
        return Identity("NEIGHBOUR", (PersonId.user_id(response.code),), "neighbour", Profile())


class OtherPlugin:
    """The plugin object."""

    @hookimpl
    def connect_register_providers(self, register: Register) -> None:
        """Offer it."""
        register(OTHER_PLUGIN, OtherProvider)
