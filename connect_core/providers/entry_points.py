"""The entry points of plugins: which there are, which are our own, and which of our own a provider needs.

Reads what is installed, and imports nothing.
"""

import os
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from connect_core.errors import PluginError
from connect_core.providers.hookspecs import NAME

BLOCK_VARIABLE = "CONNECT_BLOCK_PLUGINS"
"""Environment variable: names of entry points that are not loaded, separated by commas."""
DISTRIBUTION = "connect-login"
"""The installed distribution that this code is part of."""


def discover() -> dict[str, EntryPoint]:
    """Return the entry points of all plugins by name. Raises `PluginError` when two packages share a name."""
    blocked = {name.strip() for name in os.environ.get(BLOCK_VARIABLE, "").split(",")}
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=NAME):
        if point.name in points and points[point.name].value != point.value:
            both = f"{points[point.name].value} and {point.value}"
            raise PluginError(f"two installed packages register the entry point {point.name}: {both}")
        points[point.name] = point
    return {name: point for name, point in sorted(points.items()) if name not in blocked}


def is_ours(point: EntryPoint) -> bool:
    """Tell whether connect-login itself brings this plugin.

    Such a plugin has no hooks but its registration. Its providers are called like the entry point `NAME`, or
    `NAME-…`, and use the union type that `get_union_type` returns.
    """
    return point.dist is not None and point.dist.name == DISTRIBUTION


def offers_one_of(point_name: str, providers: Iterable[str]) -> bool:
    """Tell whether one of our own plugins offers one of `providers`."""
    return any(name == point_name or name.startswith(f"{point_name}-") for name in providers)


def get_union_type(point_name: str) -> str:
    """Return the union type of one of our own plugins."""
    return point_name.upper().replace("-", "_")
