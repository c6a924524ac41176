"""The files that pages load, read once: our styles and icons, and the shop's own stylesheet.

Nothing else is ever served as a file. Never touches a request.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connect_core.errors import SettingsError

OWN = Path(__file__).parent / "static"
STYLES = "connect.css"
SHOP_STYLES = "shop.css"
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served; `version` changes with its content, so that a browser may keep either for ever."""

    content: bytes = field(repr=False)
    media_type: str
    version: str


def load_assets(stylesheet: Path | None = None) -> Mapping[str, Asset]:
    """Return the files served below `{prefix}/static/` by name; `stylesheet` becomes `shop.css`.

    Raises `SettingsError` when that cannot be read as UTF-8 text.
    """
    found = {
        path.name: _make_asset(path.read_bytes(), path.suffix)
        for path in sorted(OWN.iterdir())
        if path.suffix in _MEDIA_TYPES
    }
    if stylesheet is not None:
        try:
            text = stylesheet.read_text("utf-8-sig")
        except OSError as error:
            raise SettingsError([f"pages.stylesheet: {stylesheet.name} cannot be read: {error.strerror}"]) from error
        except UnicodeDecodeError:
            raise SettingsError([f"pages.stylesheet: {stylesheet.name} is not UTF-8 text"]) from None
        found[SHOP_STYLES] = _make_asset(text.encode(), ".css")
    return found


def _make_asset(content: bytes, suffix: str) -> Asset:
    return Asset(content, _MEDIA_TYPES[suffix], hashlib.sha256(content).hexdigest()[:16])
