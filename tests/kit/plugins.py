"""Plugins for tests of the registry: in memory, or installed as distributions in a folder."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.http import HttpPool
from connect_core.plugin import Provider
from connect_core.providers.registry import Plugins, Registry

from .acme import Acme, PluginOf, provider_of, settings_of

ACME = provider_of(Acme())


def plugins(**providers: type[Provider]) -> Plugins:
    """One plugin with these providers."""
    return Plugins([("acme", PluginOf(**providers or {"acme": ACME}))], discover=False)


def registry(folder: Path, available: Plugins | None = None, **sections: Any) -> Registry:
    """The offers of a shop."""
    return Registry(settings_of(folder, **sections), available or plugins(), HttpPool())


def mistakes(folder: Path, available: Plugins | None = None, **sections: Any) -> list[str]:
    """What is told about a shop that cannot start."""
    with pytest.raises(SettingsError) as caught:
        registry(folder, available, **sections)
    return list(caught.value.mistakes)


@contextmanager
def installed(folder: Path, packages: Mapping[str, str], points: Mapping[str, list[str]]) -> Iterator[None]:
    """Have packages installed: their modules' sources, and each distribution's entry points."""
    for name, source in packages.items():
        (folder / f"{name}.py").write_text(source)
    for name, lines in points.items():
        info = folder / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[connect_login]\n" + "\n".join(lines))
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in packages:
            sys.modules.pop(name, None)
