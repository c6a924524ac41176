# ruff: noqa: INP001  (a script of the documentation, in no package)
"""Writes the icons of the plugins that we ship: each vendor's mark in its own colour, on a rounded tile.

Run `python docs/icons.py` after you have changed this script or a pinned version; npm must be installed. It loads the
packages of `SOURCES`, checks them against their hashes, and writes `plugins/connect_*/icon.svg`. The licences of the
packages are in docs/decisions/icons.md.
"""

import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connect_core.providers.icons import check_icon

PLUGINS = Path(__file__).parent.parent / "plugins"
SOURCES = {
    "simple-icons@16.37.0": "cd9faf0e6faa8a8fdd15e9632ab4c86fcae4b986fe552b87673149847f2f671d",
    "@iconify-json/logos@1.2.19": "1e8907c088bbf02eab8ee1b28f37e68ef22c380f2fb579ff99736b8ce5abf13a",
    "@iconify-json/icon-park@1.2.4": "c1a25212a31602aca93c3fa6f6b3288e89b9d7811afc132dfd78506e9d586b6f",
}
"""npm packages, with the SHA-256 of their archives."""
SIMPLE, LOGOS, ICON_PARK = SOURCES
KEY = (
    '<g fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">'
    '<circle cx="7.5" cy="15.5" r="4.5"/><path d="m10.7 12.3 9.3-9.3M16 7l3.5 3.5M19 4l2 2"/></g>'
)
"""Our own drawing, for a vendor that is known by configuration alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the mark of a vendor comes from, and how it is laid on its tile.

    `size` is the mark's height on a tile of 48; `edge` a thin line around a tile that is nearly black or white, so that
    it stands out from a page of the same colour. `ink` is the colour of a mark that has one only.
    """

    source: str
    name: str
    tile: str
    size: float = 27
    edge: str = ""
    ink: str = "#fff"


MARKS = {
    "alipay": Mark(SIMPLE, "alipay", "#fff", 47, ink="#1677ff"),  # the mark is a tile of its own
    "apple": Mark(SIMPLE, "apple", "#000", edge="#fff"),
    "feishu": Mark(ICON_PARK, "new-lark", "#3370ff", 30),
    "github": Mark(SIMPLE, "github", "#181717", 29, edge="#fff"),
    "google": Mark(LOGOS, "google-icon", "#fff", edge="#000"),
    "line": Mark(SIMPLE, "line", "#06c755", 32),
    "oauth2": Mark("", "", "#566372", 30),
    "oidc": Mark(SIMPLE, "openid", "#e07020"),
    "qq": Mark(SIMPLE, "qq", "#1e9bef", 29),
    "wechat": Mark(SIMPLE, "wechat", "#07b35a", 31),
    "weibo": Mark(SIMPLE, "sinaweibo", "#e6162d", 31),
    "x": Mark(SIMPLE, "x", "#000", 24, edge="#fff"),
}


def main() -> None:
    """Write every icon."""
    archives = {source: load(source, digest) for source, digest in SOURCES.items()}
    for plugin, mark in MARKS.items():
        content = draw(mark, archives).encode()
        check_icon(content)
        (PLUGINS / f"connect_{plugin}" / "icon.svg").write_bytes(content)
        sys.stdout.write(f"{plugin:<8} {len(content):>5} bytes\n")


def load(package: str, digest: str) -> bytes:
    """Return the archive of an npm package. Exits when it is not the one with this SHA-256."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607 - a name that we pin
        archive = next(Path(folder).iterdir()).read_bytes()
    if (actual := hashlib.sha256(archive).hexdigest()) != digest:
        sys.exit(f"{package}: the archive's SHA-256 is {actual}")
    return archive


def draw(mark: Mark, archives: Mapping[str, bytes]) -> str:
    """Return the SVG of a mark on its tile."""
    body, width, height = find_body(mark, archives)
    scale = mark.size / max(width, height)
    x, y = (round((48 - side * scale) / 2, 2) for side in (width, height))
    edge = f' stroke="{mark.edge}" stroke-opacity=".28"' if mark.edge else ""
    tile = f'<rect x=".5" y=".5" width="47" height="47" rx="12.5" fill="{mark.tile}"{edge}/>'
    moved = f'<g transform="translate({x} {y}) scale({round(scale, 4)})">{body}</g>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">{tile}{moved}</svg>\n'


def find_body(mark: Mark, archives: Mapping[str, bytes]) -> tuple[str, float, float]:
    """Return what is inside the mark's SVG, with its width and height; `ink` replaces its only colour."""
    if not mark.source:
        return KEY, 24, 24
    if mark.source == SIMPLE:
        path = re.search(r'<path d="([^"]+)"', read(archives[SIMPLE], f"icons/{mark.name}.svg"))
        assert path is not None
        return f'<path fill="{mark.ink}" d="{path[1]}"/>', 24, 24
    icons = json.loads(read(archives[mark.source], "icons.json"))
    icon = icons["icons"][mark.name]
    body = icon["body"].replace("#000", mark.ink)
    return body, icon.get("width", icons["width"]), icon.get("height", icons["height"])


def read(archive: bytes, path: str) -> str:
    """Return a file of an npm archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        file = files.extractfile(f"package/{path}")
        assert file is not None
        return file.read().decode()


if __name__ == "__main__":
    main()
