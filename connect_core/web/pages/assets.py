"""The files that pages load, read once at the start: our styles and icons, the shop's own stylesheet, plugins' icons.

No other file is ever served. Never touches a request.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from connect_core.errors import SettingsError

STATIC = Path(__file__).parent / "static"
STYLES = "connect.css"
SHOP_STYLES = "shop.css"
NO_ICONS: Mapping[str, bytes] = MappingProxyType({})
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served.

    `version` is part of its address and changes with the content, so a browser may keep each version for ever.
    """

    content: bytes = field(repr=False)
    media_type: str
    version: str


def load_assets(stylesheet: Path | None = None, icons: Mapping[str, bytes] = NO_ICONS) -> Mapping[str, Asset]:
    """Return the files served below `{prefix}/static/` by name; the shop's `stylesheet` is served as `shop.css`.

    `icons` are the SVGs of plugins by name, already checked; the icon `plugin~acme` is served as `plugin~acme.svg`.

    Raises `SettingsError` for a stylesheet that cannot be read as UTF-8 text.
    """
    assets = {
        path.name: _make_asset(path.read_bytes(), path.suffix)
        for path in sorted(STATIC.iterdir())
        if path.suffix in _MEDIA_TYPES
    }
    if stylesheet is not None:
        try:
            text = stylesheet.read_text("utf-8-sig")
        except OSError as error:
            raise SettingsError([f"pages.stylesheet: {stylesheet.name} cannot be read: {error.strerror}"]) from error
        except UnicodeDecodeError:
            raise SettingsError([f"pages.stylesheet: {stylesheet.name} is not UTF-8 text"]) from None
        assets[SHOP_STYLES] = _make_asset(text.encode(), ".css")
    return assets | {f"{name}.svg": _make_asset(content, ".svg") for name, content in icons.items()}


def _make_asset(content: bytes, suffix: str) -> Asset:
    return Asset(content, _MEDIA_TYPES[suffix], hashlib.sha256(content).hexdigest()[:16])
