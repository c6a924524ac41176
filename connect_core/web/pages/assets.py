"""The files that pages load, read once at the start: our styles, the shop's own styles and logo, all icons.

No other file is ever served. Never touches a request.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from connect_core.errors import SettingsError

STATIC = Path(__file__).parent / "static"
STYLES = "connect.css"
SHOP_STYLES = "shop.css"
NO_ICONS: Mapping[str, bytes] = MappingProxyType({})
LOGO = "logo"
LOGO_LIMIT = 256 * 1024
"""Most bytes of a shop's logo."""
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
}
_LOGO_SIGNS = {
    ".svg": re.compile(rb"[^\0]*<svg[\s>]"),
    ".png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    ".webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
"""How the content of each kind of picture begins."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served.

    `version` is part of its address and changes with the content, so a browser may keep each version for ever.
    """

    content: bytes = field(repr=False)
    media_type: str
    version: str


def load_assets(
    stylesheet: Path | None = None, icons: Mapping[str, bytes] = NO_ICONS, logo: Path | None = None
) -> Mapping[str, Asset]:
    """Return the files served below `{prefix}/static/` by name; the shop's `stylesheet` is served as `shop.css`.

    `icons` are the SVGs of plugins by name, already checked; the icon `plugin~acme` is served as `plugin~acme.svg`. The
    shop's `logo` is served as `logo` with the ending of its kind.

    Raises `SettingsError` for a stylesheet that cannot be read as UTF-8 text, and for a logo that is no picture of
    a kind that pages can show.
    """
    assets = {path.name: load_asset(path) for path in sorted(STATIC.iterdir()) if path.suffix in _MEDIA_TYPES}
    if stylesheet is not None:
        try:
            text = stylesheet.read_text("utf-8-sig")
        except OSError as error:
            raise SettingsError([f"pages.stylesheet: {stylesheet.name} cannot be read: {error.strerror}"]) from error
        except UnicodeDecodeError:
            raise SettingsError([f"pages.stylesheet: {stylesheet.name} is not UTF-8 text"]) from None
        assets[SHOP_STYLES] = _make_asset(text.encode(), ".css")
    if logo is not None:
        assets[LOGO + logo.suffix.lower()] = _load_logo(logo)
    return assets | {f"{name}.svg": _make_asset(content, ".svg") for name, content in icons.items()}


def load_asset(path: Path) -> Asset:
    """Return a file of ours, of a kind that pages load."""
    return _make_asset(path.read_bytes(), path.suffix)


def find_logo(assets: Mapping[str, Asset]) -> str:
    """Return the name under which the shop's logo is served; empty where it has none."""
    return next((LOGO + suffix for suffix in _LOGO_SIGNS if LOGO + suffix in assets), "")


def _load_logo(logo: Path) -> Asset:
    suffix = logo.suffix.lower()
    try:
        with logo.open("rb") as file:
            content = file.read(LOGO_LIMIT + 1)
    except OSError as error:
        raise SettingsError([f"pages.logo: {logo.name} cannot be read: {error.strerror}"]) from error
    if suffix not in _LOGO_SIGNS:
        raise SettingsError(["pages.logo: give a file that ends in .svg, .png or .webp"])
    if not _LOGO_SIGNS[suffix].match(content):
        raise SettingsError([f"pages.logo: {logo.name} is no {suffix[1:].upper()} picture"])
    if len(content) > LOGO_LIMIT:
        raise SettingsError([f"pages.logo: {logo.name} is larger than {LOGO_LIMIT // 1024} KiB"])
    return _make_asset(content, suffix)


def _make_asset(content: bytes, suffix: str) -> Asset:
    return Asset(content, _MEDIA_TYPES[suffix], hashlib.sha256(content).hexdigest()[:16])
