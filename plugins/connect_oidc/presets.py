"""Puts a preset, which is a table of `presets.toml`, below the settings that a shop writes."""

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

PRESETS = tomllib.loads(files("connect_oidc").joinpath("presets.toml").read_text("utf-8"))
_PLACE = re.compile(r"\{(\w+)\}")


def apply_preset(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings `given` with those of their `preset` below them: what a shop writes itself counts.

    Raises `ValueError` for a preset that does not exist, and for a place that is missing, wrong, or none of the
    preset's.
    """
    preset, claims = given.get("preset") or "", given.get("claims", {})
    if preset not in ("", *PRESETS):
        raise ValueError(f"there is no such preset; there are {', '.join(PRESETS)}")
    row, names = PRESETS.get(preset, {}), ("host", "tenant", "realm")
    places = {name: str(given[name]).removeprefix("https://").rstrip("/") for name in names if given.get(name)}
    if strange := places.keys() - set(_PLACE.findall(str(row))):
        raise ValueError(f"{min(strange)} has no meaning with preset {preset!r}")
    if not given.get("issuer") and not re.fullmatch(row.get("_tenant", ".*"), places.get("tenant", "")):
        raise ValueError(f"tenant: preset {preset} needs {row['_hint']}")
    known = {**places, "region": places.get("tenant", "").partition("_")[0], "client_id": str(given.get("client_id"))}
    taken = {"_tenant", "_hint", *given, *(["token_endpoint_auth_method"] if given.get("private_key") else [])}
    below = {key: _fill(value, known, preset) for key, value in row.items() if key not in taken}
    merged = {**row.get("claims", {}), **claims} if isinstance(claims, Mapping) else claims
    return {**below, **given, "claims": merged}


def _fill(value: Any, known: Mapping[str, str], preset: str) -> Any:
    """Return a text with its places filled, another value as it is. Raises `ValueError` for a missing place."""
    places = _PLACE.findall(value) if isinstance(value, str) else []
    if missing := set(places) - known.keys():
        raise ValueError(f"preset {preset} needs {min(missing)}")
    return _PLACE.sub(lambda match: known[match[1]], value) if places else value
