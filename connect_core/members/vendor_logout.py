"""The end of a login between us and its vendor: the vendor ends it here, or a member who logs out is sent there.

OpenID Connect Back-Channel Logout 1.0 and RP-Initiated Logout 1.0, for every provider that has the abilities
`ReceivesLogouts` and `EndsVendorSession`.
"""

import logging

from connect_core.errors import ConnectError, Unsupported
from connect_core.members.services import Services
from connect_core.members.vendor_sessions import EndedVendorSession
from connect_core.providers import calls
from connect_core.providers.abilities import LogoutNotice, ReceivesLogouts
from connect_core.providers.provider import Provider
from connect_core.providers.registry import Registry

LOGOUT_URL_SECONDS = 3.0
"""Seconds that a member who logs out waits for the vendor's address; after that the log-out is ours alone."""
log = logging.getLogger("connect_login")


class VendorLogouts:
    """Ends logins for vendors, and tells vendors of logins that have ended."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._services, self._registry = services, registry

    def check_receives(self, provider: str) -> None:
        """Raise `Unsupported` for a provider whose vendor ends no logins."""
        if not self._find_receivers(provider):
            raise Unsupported("this provider ends no logins")

    async def end_sessions(self, provider: str, logout_token: str) -> int:
        """End the logins that a vendor's logout token is about, and return how many they were.

        Raises `Unsupported` for a provider that receives none, `ProviderUnsigned` and `ProviderBadResponse` for a token
        that fails a check, `CodeSeen` for one that came before, and what fetching the vendor's keys raises.
        """
        union_type, notice = await self._read(provider, logout_token)
        now = self._services.now()
        count = await self._services.database.write(
            lambda tx: self._services.vendor_sessions.end(tx, union_type, notice, now)
        )
        log.info("logged_out_by_vendor", extra={"provider": provider, "sessions": count})
        return count

    async def _read(self, name: str, logout_token: str) -> tuple[str, LogoutNotice]:
        """Return the union type and the checked content of a token for one of the provider's registrations.

        Each client type may have its own: the token is for one of them.
        """
        refusal: ConnectError = Unsupported("this provider ends no logins")
        for provider in self._find_receivers(name):
            try:
                return provider.union_type, await calls.read_logout(provider, logout_token)
            except ConnectError as error:
                refusal = error
        raise refusal

    def _find_receivers(self, name: str) -> list[Provider]:
        providers = {id(configured.provider): configured.provider for configured in self._registry.find_all(name)}
        return [provider for provider in providers.values() if isinstance(provider, ReceivesLogouts)]

    async def find_logout_url(self, ended: EndedVendorSession | None, return_to: str) -> str | None:
        """Return where a member who has logged out goes to log out at the vendor, too; None for nowhere.

        The vendor sends the member back to `return_to`. A vendor that does not answer is logged as
        `vendor_logout_failed`, and is nowhere.
        """
        if ended is None:
            return None
        try:
            configured = self._registry.find(ended.provider, ended.client_type)
            return await calls.get_logout_url(configured.provider, ended.hint, return_to, LOGOUT_URL_SECONDS)
        except ConnectError as error:
            fields = {"provider": ended.provider, "code": error.code, "reason": str(error)}
            log.warning("vendor_logout_failed", extra=fields)
            return None
