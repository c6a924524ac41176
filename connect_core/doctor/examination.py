"""`examine`: runs every check, those that are independent at once, each within a deadline of its own.

A check that hangs or raises is a finding too. Prints nothing.
"""

import asyncio
import difflib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from connect_core.deadlines import Failure, run_within
from connect_core.doctor import (
    addresses,
    admin_page,
    configuration,
    database,
    disk,
    keys,
    public_address,
    redis,
    settings_in_use,
    stand_ins,
    webhooks,
)
from connect_core.doctor.configuration import Loaded
from connect_core.doctor.database import DatabaseCheck
from connect_core.doctor.kinds import Kind
from connect_core.doctor.machine import Machine
from connect_core.doctor.public_address import Instance
from connect_core.errors import ConnectError, SettingsError
from connect_core.findings import Finding, Level
from connect_core.http import HttpPool, Transport
from connect_core.identity import ClientType
from connect_core.providers.registry import ConfiguredProvider, Plugins
from connect_core.settings import Settings
from connect_core.settings.sqlite_paths import find_file
from connect_core.store.schema import UPGRADE

SUBJECT = "doctor"
UNFINISHED = Kind(
    "check_unfinished",
    Level.WARNING,
    SUBJECT,
    "A check did not end in time, so nothing is known of its subject.",
    "Run the doctor again; if it happens again, look for what hangs, such as a plugin or a network file system.",
)
FAILED = Kind(
    "check_failed",
    Level.WARNING,
    SUBJECT,
    "A check itself failed, so nothing is known of its subject.",
    "If the check is a plugin's, tell its author; else report it as a mistake of connect-login.",
)
CHECK_SECONDS = 20.0
"""Seconds that a check may take."""
PLUGIN_SECONDS = 10.0
"""Seconds that a plugin may take to be imported."""
Findings = Iterable[Finding]
CheckPages = Callable[[Settings], None]
"""Loads the pages of `[pages]`, and raises `SettingsError` for what cannot be used."""


class UnknownProvider(SettingsError):
    """`--provider` or `--client` names what the configuration does not have."""


class CheckProvider(Protocol):
    """How a provider is checked."""

    async def __call__(
        self, configured: ConfiguredProvider, *, offline: bool, callback_url: str, now: Callable[[], float]
    ) -> list[Finding]:
        """Return what is found of one provider for one client type; with `offline` without calling anybody."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to examine. With a provider or a client type, only providers are; else everything.

    `offline` calls nobody but the database and Redis. `root_path` is where an application mounts the service; empty for
    the one of the configuration. `check_seconds` is the time that each check may take.
    """

    config: Path
    provider: str = ""
    client_type: ClientType | None = None
    offline: bool = False
    root_path: str = ""
    check_seconds: float = CHECK_SECONDS
    plugin_seconds: float = PLUGIN_SECONDS

    @property
    def is_about_providers(self) -> bool:
        """Whether only providers are examined."""
        return bool(self.provider) or self.client_type is not None


@dataclass(slots=True)
class Surroundings:
    """What an examination works with; tests put other things in the place of these.

    `transport` takes the place of the network. `tell` is called with the names of the checks that have not ended, each
    time that one ends.
    """

    machine: Machine = field(default_factory=Machine)
    now: Callable[[], float] = time.time
    transport: Transport | None = None
    check_provider: CheckProvider | None = None
    check_pages: CheckPages = lambda _: None
    tell: Callable[[Collection[str]], None] = lambda _: None


Check = tuple[str, Callable[[], Awaitable[Findings]]]
"""The name of a check, and what runs it."""


async def examine(options: Options, surroundings: Surroundings) -> list[Finding]:
    """Return what is found, in the order of the checks. Raises `UnknownProvider`."""
    loaded = configuration.load_configuration(options.config)
    if loaded.settings is None:
        return loaded.findings
    in_use, settings_found = settings_in_use.find_settings(loaded.settings)
    settings = loaded.settings = _mount(in_use, options.root_path)
    surroundings.tell(["plugins"])
    plugins, findings = configuration.load_plugins(options.plugin_seconds)
    findings = [
        *loaded.findings,
        *settings_found,
        *configuration.check_extras(settings, surroundings.machine),
        *findings,
    ]
    pool = HttpPool(outbound_proxy=settings.service.outbound_proxy, transport=surroundings.transport)
    try:
        providers, judged = configuration.build_providers(settings, plugins, pool) if plugins else ([], [])
        chosen = _choose(options, settings, providers)
        checks = [
            _make_provider_check(surroundings, settings, provider, offline=options.offline) for provider in chosen
        ]
        if not options.is_about_providers:
            findings += _check_pages(surroundings, settings)
            checks = [*_list_service_checks(options, surroundings, loaded, plugins, pool), *checks]
        return [*findings, *judged, *await _run_all(checks, options.check_seconds, surroundings.tell)]
    finally:
        await pool.aclose()


async def examine_providers(
    providers: Iterable[ConfiguredProvider],
    settings: Settings,
    surroundings: Surroundings,
    seconds: float = CHECK_SECONDS,
) -> AsyncIterator[tuple[str, list[Finding]]]:
    """Check providers that are built already, such as those of a draft, all at once, each within `seconds`.

    Yields the name of each check, such as `alipay/pc`, with its findings, in the order in which they end. Calls their
    vendors. Checks that have not ended when the iterator is closed are cancelled.
    """
    checks = [_make_provider_check(surroundings, settings, configured, offline=False) for configured in providers]

    async def run(name: str, check: Callable[[], Awaitable[Findings]]) -> tuple[str, list[Finding]]:
        return name, await _run(name, check, seconds)

    tasks = [asyncio.create_task(run(*check)) for check in checks]
    try:
        for ended in asyncio.as_completed(tasks):
            yield await ended
    finally:
        for task in tasks:
            task.cancel()


def _mount(settings: Settings, root_path: str) -> Settings:
    service = settings.service.model_copy(update={"root_path": root_path or settings.service.root_path})
    return settings.model_copy(update={"service": service})


def _choose(options: Options, settings: Settings, providers: Sequence[ConfiguredProvider]) -> list[ConfiguredProvider]:
    """Return the providers that the options name."""
    names = {name for listed in settings.clients.values() for name in listed}
    if options.provider and options.provider not in names:
        near = difflib.get_close_matches(options.provider, names, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(names)) or 'none'}"
        raise UnknownProvider([f"--provider: no client type shows {options.provider}{hint}"])
    client = options.client_type
    shown = settings.clients.get(client, []) if client else []
    if client and options.provider and options.provider not in shown:
        raise UnknownProvider([f"--client: {client.value} does not show {options.provider}"])
    if client and not shown:
        raise UnknownProvider([f"--client: [clients] lists no provider for {client.value}"])
    return [
        provider
        for provider in providers
        if options.provider in ("", provider.name) and client in (None, provider.client_type)
    ]


def _check_pages(surroundings: Surroundings, settings: Settings) -> list[Finding]:
    try:
        surroundings.check_pages(settings)
    except SettingsError as error:
        return [configuration.PAGES_UNUSABLE.report(mistake) for mistake in error.mistakes]
    return []


def _list_service_checks(
    options: Options, surroundings: Surroundings, loaded: Loaded, plugins: Plugins | None, pool: HttpPool
) -> list[Check]:
    settings, machine, now = loaded.settings, surroundings.machine, surroundings.now
    assert settings is not None
    service, instance = settings.service, Instance()
    is_reached = asyncio.Event()
    folder = (find_file(service.database_url) or options.config).parent

    async def check_public_address() -> Findings:
        try:
            return await public_address.check_public_address(service, pool, instance, now)
        finally:
            is_reached.set()

    async def check_database() -> Findings:
        await is_reached.wait()
        hooks = plugins and plugins.hooks.connect_member_directory.get_hookimpls()
        command = f"{UPGRADE} --config {options.config}"
        check = DatabaseCheck(service, instance, machine, now, command, are_members_elsewhere=bool(hooks))
        return [*await database.check_database(check), *await webhooks.check_webhooks(settings, now)]

    async def check_redis() -> Findings:
        await is_reached.wait()
        return await redis.check_redis(settings, instance, now)

    if options.offline:
        is_reached.set()
    checks: list[Check] = [
        ("files", partial(_check_files, surroundings, loaded, folder)),
        ("database", check_database),
        ("redis", check_redis),
        ("webhooks", lambda: webhooks.check_webhooks(settings, now)),
    ]
    if settings.admin.enabled:
        checks.append(("admin page", partial(admin_page.check_admin_page, settings)))
    return checks if options.offline else [("public address", check_public_address), *checks]


async def _check_files(surroundings: Surroundings, loaded: Loaded, folder: Path) -> Findings:
    assert loaded.settings is not None
    return [
        *keys.check_keys(loaded, surroundings.machine, surroundings.now),
        *addresses.check_addresses(loaded.settings.service),
        *disk.check_disk(folder, surroundings.machine),
    ]


def get_callback_url(settings: Settings, provider: str, client_type: ClientType) -> str:
    """Return the address to which a vendor sends people back."""
    service = settings.service
    return f"{service.public_url}{service.root_path}{service.prefix}/{provider}/{client_type}/callback"


def _make_provider_check(
    surroundings: Surroundings, settings: Settings, configured: ConfiguredProvider, *, offline: bool
) -> Check:
    callback_url = get_callback_url(settings, configured.name, configured.client_type)
    subject = f"{configured.name}/{configured.client_type}"

    async def check() -> Findings:
        findings = list(stand_ins.check_stand_in(configured))
        if surroundings.check_provider is not None:
            findings += await surroundings.check_provider(
                configured, offline=offline, callback_url=callback_url, now=surroundings.now
            )
        return [replace(finding, subject=subject) for finding in findings]

    return subject, check


async def _run_all(checks: Sequence[Check], seconds: float, tell: Callable[[Collection[str]], None]) -> list[Finding]:
    names = [name for name, _ in checks]
    waiting = list(names)

    async def run(name: str, check: Callable[[], Awaitable[Findings]]) -> list[Finding]:
        try:
            return await _run(name, check, seconds)
        finally:
            waiting.remove(name)
            tell(waiting)

    tell(waiting)
    results = await asyncio.gather(*(run(name, check) for name, check in checks))
    return [finding for findings in results for finding in findings]


async def _run(name: str, check: Callable[[], Awaitable[Findings]], seconds: float) -> list[Finding]:
    outcome = await run_within(check, seconds, name)
    match outcome:
        case Failure(TimeoutError()):
            failure = UNFINISHED.report(f"the check of {name} did not end within {seconds:g} s")
        case Failure(KeyboardInterrupt() as error):
            raise error
        case Failure(ConnectError() as error):
            failure = FAILED.report(f"the check of {name} failed: {error}")
        case Failure(error):  # its text may hold a secret
            failure = FAILED.report(f"the check of {name} raised {type(error).__name__}")
        case findings:
            return list(findings)
    is_provider = "/" in name
    return [replace(failure, subject=name) if is_provider else failure]
