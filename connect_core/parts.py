"""What a `ConnectManager` is made of, put together from the configuration once, at start-up.

Makes things and closes them, and with `[service] settings = "database"` puts changed settings to use. Decides nothing
about a login.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from connect_core.cache import Cache, SharedCache, connect_redis
from connect_core.crypto import Sealer
from connect_core.crypto.sealing import derive_key
from connect_core.events.dispatch import Dispatcher
from connect_core.events.subscriptions import Subscriptions
from connect_core.http import HttpPool, WebhookClient
from connect_core.login.callback import Callbacks
from connect_core.login.completion import Completion
from connect_core.login.first_login import FirstLoginTickets
from connect_core.login.flow import Flows
from connect_core.login.password_logins import PasswordLogins
from connect_core.login.qr_login import QrLogins
from connect_core.login.return_targets import Targets, check_pages
from connect_core.login.start import Starter
from connect_core.login.values import Delivery
from connect_core.members.administration import Administration
from connect_core.members.conflicts import Conflicts
from connect_core.members.current import CurrentMember
from connect_core.members.directory import BuiltInMembers, ExternalMembers, Members
from connect_core.members.external_directory import ExternalDirectory
from connect_core.members.introspection import Introspection
from connect_core.members.merge_service import Merges
from connect_core.members.personal_data import PersonalData
from connect_core.members.retention import Retention
from connect_core.members.self_service import SelfService
from connect_core.members.services import Services
from connect_core.members.vendor_logout import VendorLogouts
from connect_core.members.vendor_notices import VendorNotices
from connect_core.members.vendor_sessions import VendorSessions
from connect_core.providers.circuits import Circuits
from connect_core.providers.locked_settings import check_locks
from connect_core.providers.registry import Plugins, Registry
from connect_core.sessions import Sessions
from connect_core.settings import PageSettings, Service, Settings
from connect_core.store import Database

if TYPE_CHECKING:
    from connect_core import runtime_settings
    from connect_core.events.sinks import Sink
    from connect_core.events.webhooks import Webhooks


class Parts:
    """The parts of a manager, each of which does one thing."""

    _webhooks: "Webhooks | None" = None
    _webhook_client: WebhookClient | None = None

    def __init__(
        self,
        settings: Settings,
        database: Database,
        plugins: Plugins,
        pool: HttpPool | None,
        now: Callable[[], float],
        circuits: Circuits | None,
    ) -> None:
        """`now` answers seconds since the epoch. Without `circuits` the settings say when a vendor counts as down.

        `settings` are those of the file. Where it says so, those of the database come over them: `setting_versions`
        changes them, and `settings_follower` puts them to use; else both are None.

        Raises `SettingsError` and `PluginError`.
        """
        service = settings.service
        check_locks(settings, plugins)
        check_pages(service)
        self.database, self.plugins = database, plugins
        self._stored = _open_stored(settings, database) if service.settings == "database" else None
        self.settings = settings = self._stored.load_blocking() if self._stored else settings
        self.shared = _connect_redis(service)
        self.pool = pool or _make_pool(settings, Cache(self.shared, now))
        self._circuits = circuits or Circuits(settings.limits.vendor_outages)
        self._owns_pool, self._owns_circuits = pool is None, circuits is None
        with self.blaming_revision():
            self.registry = Registry(settings, plugins, self.pool, self._circuits)
        self.targets = Targets(service.public_url, service.redirect_allow)
        self.subscriptions = Subscriptions(lambda: self.settings)
        self.chooses = service.first_login == "choose"
        self.required_terms = _find_required_terms(settings.pages)
        self.services = services = self._make_services(now)
        self.sessions, self.dispatcher = services.sessions, services.dispatcher
        self.has_passwords = services.has_passwords
        self.flows = Flows(service.keys, _find_repeatable(plugins))
        self.first_login_tickets = FirstLoginTickets(service.keys, services.now)
        self.starter = Starter(service, self.targets, services.now)
        self.callbacks = Callbacks(services, self.flows, self.first_login_tickets)
        self.completion = Completion(services, self.flows, chooses=self.chooses, required_terms=self.required_terms)
        self.current_member = CurrentMember(services)
        self.password_logins = PasswordLogins(services, self.current_member, self.flows)
        self.qr_logins = QrLogins(services, self.flows)
        self._make_member_parts(services)
        self._make_versions()

    def blaming_revision(self) -> AbstractContextManager[None]:
        """While parts are built from settings of the database: say which revision a `SettingsError` comes from."""
        return self._stored.blaming_revision() if self._stored else nullcontext()

    def _make_member_parts(self, services: Services) -> None:
        service = self.settings.service
        self.introspection = Introspection(services)
        self.self_service = SelfService(services, service.unbind_after)
        self.personal_data = PersonalData(services, self.registry)
        self.administration = Administration(services)
        self.merges = Merges(services, service)
        self.vendor_logouts = VendorLogouts(services, self.registry)
        self.vendor_notices = VendorNotices(services, self.registry)
        self.retention = Retention(services, lambda: self.settings, lambda: self.subscriptions.names)

    def _make_versions(self) -> None:
        self.setting_versions: runtime_settings.SettingVersions | None = None
        self.settings_follower: runtime_settings.Follower | None = None
        if self._stored is None:
            return
        from connect_core.runtime_settings import Follower, SettingVersions  # noqa: PLC0415 - rarely switched on

        versions = SettingVersions(self._stored, self.database, self.plugins, self.pool, self.services.now)
        versions.preparations.append(self._prepare)
        follower = Follower(versions, self._stored.loaded_revision)
        versions.follow = follower.follow
        self.setting_versions, self.settings_follower = versions, follower

    def _prepare(self, settings: Settings) -> Callable[[], None]:
        """Build the providers of changed settings, and return the function that puts them and the rest to use."""
        successor = Registry(settings, self.plugins, self.pool, self._circuits, former=self.registry)

        def adopt() -> None:
            limits, former = settings.limits, self.settings.limits
            self.registry.adopt(successor)
            self.settings, self.required_terms = settings, _find_required_terms(settings.pages)
            self.completion.require_terms(self.required_terms)
            if self._owns_pool and limits.vendor_calls != former.vendor_calls:
                self.pool.set_vendor_calls(limits.vendor_calls)
            if self._owns_circuits and limits.vendor_outages != former.vendor_outages:
                self._circuits.set_rule(limits.vendor_outages)

        return adopt

    @property
    def conflicts(self) -> Conflicts:
        """Conflicts of identity, which an operator resolves."""
        return Conflicts(self.services)

    def _make_services(self, now: Callable[[], float]) -> Services:
        service, hooks = self.settings.service, self.plugins.hooks
        members = self._make_members()
        checks_elsewhere = bool(hooks.connect_check_credentials.get_hookimpls())
        return Services(
            database=self.database,
            members=members,
            sessions=Sessions(service.keys, service.public_url, self.settings.sessions),
            dispatcher=Dispatcher(hooks, self.database, now, self.subscriptions),
            hooks=hooks,
            clock=now,
            vendor_sessions=VendorSessions(service.keys),
            subject_key=derive_key(service.keys[0], "subjects in events"),
            has_passwords=self.chooses and members.keeps_passwords and not checks_elsewhere,
        )

    def _make_members(self) -> Members:
        directory = self.plugins.find_directory(self.settings)
        if directory is None:
            return BuiltInMembers(self.database)
        return ExternalMembers(self.database, ExternalDirectory(directory))

    @property
    def webhooks(self) -> "Webhooks":
        """The endpoints that are sent events, and what they got. From the first use on, events are sent at once."""
        if self._webhooks is None:
            from connect_core.events.deliveries import Deliveries  # noqa: PLC0415 - only shops with an endpoint need it
            from connect_core.events.webhooks import Webhooks  # noqa: PLC0415 - the same

            deliveries = Deliveries(self.database, self.subscriptions, self.services.clock, self.open_sink)
            self.subscriptions.wake = deliveries.wake
            self._webhooks = Webhooks(self.database, self.subscriptions, deliveries, self.open_sink, self.services.now)
        return self._webhooks

    def open_sink(self, name: str) -> "Sink | None":
        """Return the endpoint with a name as the settings describe it; None when they have none."""
        from connect_core.events.sinks import open_sink  # noqa: PLC0415 - as above

        if self._webhook_client is None:
            self._webhook_client = WebhookClient(outbound_proxy=self.settings.service.outbound_proxy)
        return open_sink(name, self.settings, self._webhook_client, self.shared, self.services.clock)

    async def aclose(self) -> None:
        """Finish what is under way and close every connection."""
        await self.dispatcher.aclose()
        if self._webhooks is not None:
            await self._webhooks.deliveries.aclose()
        if self._webhook_client is not None:
            await self._webhook_client.aclose()
        await self.services.members.aclose()
        await self.pool.aclose()
        if self.shared is not None:
            await self.shared.aclose()
        self.database.close()


def _open_stored(settings: Settings, database: Database) -> "runtime_settings.StoredSettings":
    from connect_core.runtime_settings import StoredSettings  # noqa: PLC0415 - rarely switched on

    return StoredSettings(settings, database)


def _connect_redis(service: Service) -> SharedCache | None:
    url = service.redis_url
    return connect_redis(url.get_secret_value(), Sealer(service.keys, "cache")) if url else None


def _find_required_terms(pages: PageSettings) -> str:
    """Return the version of the terms that newcomers have to agree to; empty where they need not."""
    return pages.terms_version if pages.consent_mode == "required" else ""


def _find_repeatable(plugins: Plugins) -> set[Delivery]:
    """Return the deliveries whose session a repeated callback may be given again."""
    issues_own_tokens = plugins.hooks.connect_issue_tokens.get_hookimpls()
    return {Delivery.SESSION} if issues_own_tokens else {Delivery.SESSION, Delivery.TOKEN_COOKIES}


def _make_pool(settings: Settings, cache: Cache) -> HttpPool:
    vendor_calls, outbound_proxy = settings.limits.vendor_calls, settings.service.outbound_proxy
    return HttpPool(vendor_calls=vendor_calls, outbound_proxy=outbound_proxy, cache=cache)
