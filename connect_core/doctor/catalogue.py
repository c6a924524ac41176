"""Every kind of finding, for the reference page: those of the service, and those of providers and their vendors."""

import pkgutil
from importlib import import_module

from connect_core import doctor
from connect_core.doctor import (
    addresses,
    admin_page,
    configuration,
    database,
    disk,
    examination,
    keys,
    proxies,
    public_address,
    redis,
    settings_in_use,
    sqlite_file,
    stand_ins,
    tls_certificate,
    webhooks,
)
from connect_core.doctor.kinds import Kind, find_kinds

SERVICE_MODULES = (
    configuration,
    settings_in_use,
    keys,
    addresses,
    public_address,
    proxies,
    tls_certificate,
    database,
    sqlite_file,
    redis,
    admin_page,
    webhooks,
    disk,
    examination,
    stand_ins,
)
"""The modules that check the service, in the order of the reference page."""
SERVICE_KINDS: tuple[Kind, ...] = tuple(dict.fromkeys(find_kinds(SERVICE_MODULES)))


def find_all_kinds() -> tuple[Kind, ...]:
    """Return the kinds of every module; those that check providers come last, by the name of their module."""
    modules = [import_module(f"{doctor.__name__}.{module.name}") for module in pkgutil.iter_modules(doctor.__path__)]
    return tuple(dict.fromkeys([*SERVICE_KINDS, *find_kinds(modules)]))
