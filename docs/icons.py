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
    "@iconify-json/ant-design@1.2.9": "d6351e677f9e51b7a15cf0702a0c151e5c663ec8a053ebf2aa79743ddf0438e2",
}
"""npm packages, with the SHA-256 of their archives."""
SIMPLE, LOGOS, ICON_PARK, ANT = SOURCES
LINES = '<g fill="none" stroke="{}" stroke-width="{}" stroke-linecap="round" stroke-linejoin="round">{}</g>'
DRAWINGS = {
    "key": LINES.format(
        "#fff", 2, '<circle cx="7.5" cy="15.5" r="4.5"/><path d="m10.7 12.3 9.3-9.3M16 7l3.5 3.5M19 4l2 2"/>'
    ),
    "jd": LINES.format("#fff", 2.6, '<path d="M8.5 5v10.5a3.2 3.2 0 0 1-6.4 0M13 5v14h2.5a7 7 0 0 0 0-14z"/>'),
    "e": LINES.format("#fff", 2.8, '<path d="M4 12.2h15.6a7.8 7.8 0 1 0-2.6 5.6"/>'),
    "oc": LINES.format("#fff", 2.6, '<circle cx="6.6" cy="12" r="4.9"/><path d="M22 8.6a4.9 4.9 0 1 0 0 6.8"/>'),
    "c": LINES.format("#fff", 2.8, '<path d="M18 6.2a8 8 0 1 0 0 11.6"/>'),
    "ya": LINES.format("#fff", 2.8, '<path d="M16.5 20V4h-4a4.4 4.4 0 0 0 0 8.8h4M12.4 12.8 7.5 20"/>'),
    "ml": LINES.format("#2d3277", 2.4, '<path d="M2.5 18V6l4.7 7 4.7-7v12M16 6v12h6"/>'),
}
"""Our own drawings: a key, for a vendor known by configuration alone, and letters where no package has the mark."""


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
    "aliyun": Mark(SIMPLE, "alibabacloud", "#ff6a00", 31),
    "amazon": Mark(ANT, "amazon-outlined", "#232f3e", 38, edge="#fff"),
    "apple": Mark(SIMPLE, "apple", "#000", edge="#fff"),
    "atlassian": Mark(SIMPLE, "atlassian", "#0052cc"),
    "baidu": Mark(SIMPLE, "baidu", "#2932e1", 29),
    "battlenet": Mark(SIMPLE, "battledotnet", "#148eff", 31),
    "bilibili": Mark(SIMPLE, "bilibili", "#00a1d6", 30),
    "bitbucket": Mark(SIMPLE, "bitbucket", "#0052cc"),
    "box": Mark(SIMPLE, "box", "#0061d5", 34),
    "coding": Mark("", "c", "#0066ff", 30),
    "dingtalk": Mark(ANT, "dingtalk-outlined", "#1677ff", 40),
    "discord": Mark(SIMPLE, "discord", "#5865f2", 31),
    "douyin": Mark(SIMPLE, "tiktok", "#161823", edge="#fff"),
    "dropbox": Mark(SIMPLE, "dropbox", "#0061ff", 30),
    "eleme": Mark("", "e", "#0097ff", 33),
    "epicgames": Mark(SIMPLE, "epicgames", "#313131", 32, edge="#fff"),
    "facebook": Mark(SIMPLE, "facebook", "#fff", 37, ink="#0866ff", edge="#000"),
    "facebook_limited": Mark(SIMPLE, "facebook", "#fff", 37, ink="#0866ff", edge="#000"),
    "feishu": Mark(ICON_PARK, "new-lark", "#3370ff", 30),
    "figma": Mark(LOGOS, "figma", "#1e1e1e", 31, edge="#fff"),
    "gitee": Mark(SIMPLE, "gitee", "#fff", 37, ink="#c71d23", edge="#000"),
    "github": Mark(SIMPLE, "github", "#181717", 29, edge="#fff"),
    "gitlab": Mark(LOGOS, "gitlab-icon", "#fff", 31, edge="#000"),
    "google": Mark(LOGOS, "google-icon", "#fff", edge="#000"),
    "grab": Mark(SIMPLE, "grab", "#00b14f", 36),
    "honor": Mark(SIMPLE, "honor", "#000", 38, edge="#fff"),
    "huawei": Mark(SIMPLE, "huawei", "#fff", 34, ink="#e60012", edge="#000"),
    "jd": Mark("", "jd", "#e1251b", 32),
    "kakao": Mark(SIMPLE, "kakaotalk", "#fee500", 34, ink="#191600"),
    "kuaishou": Mark(SIMPLE, "kuaishou", "#ff4906", 30),
    "lark": Mark(ICON_PARK, "new-lark", "#00b2a5", 30),
    "line": Mark(SIMPLE, "line", "#06c755", 32),
    "linkedin": Mark(LOGOS, "linkedin-icon", "#fff", 36, edge="#000"),
    "meituan": Mark(SIMPLE, "meituan", "#ffd100", 34, ink="#111"),
    "mercadolibre": Mark("", "ml", "#ffe600", 30),
    "microsoft": Mark(LOGOS, "microsoft-icon", "#fff", edge="#000"),
    "naver": Mark(SIMPLE, "naver", "#03c75a", 22),
    "notion": Mark(SIMPLE, "notion", "#fff", 33, ink="#000", edge="#000"),
    "oauth2": Mark("", "key", "#566372", 30),
    "odnoklassniki": Mark(SIMPLE, "odnoklassniki", "#ee8208", 30),
    "oidc": Mark(SIMPLE, "openid", "#e07020"),
    "oschina": Mark("", "oc", "#21b351", 33),
    "patreon": Mark(SIMPLE, "patreon", "#000", 26, edge="#fff"),
    "paypal": Mark(SIMPLE, "paypal", "#fff", 30, ink="#002991", edge="#000"),
    "pinterest": Mark(SIMPLE, "pinterest", "#fff", 36, ink="#e60023", edge="#000"),
    "qq": Mark(SIMPLE, "qq", "#1e9bef", 29),
    "reddit": Mark(SIMPLE, "reddit", "#fff", 36, ink="#ff4500", edge="#000"),
    "salesforce": Mark(LOGOS, "salesforce", "#fff", 39, edge="#000"),
    "shopify": Mark(SIMPLE, "shopify", "#fff", 32, ink="#5e8e3e", edge="#000"),
    "slack": Mark(LOGOS, "slack-icon", "#fff", 29, edge="#000"),
    "snapchat": Mark(SIMPLE, "snapchat", "#fffc00", 32, ink="#111", edge="#000"),
    "spotify": Mark(SIMPLE, "spotify", "#121212", 35, ink="#1ed760", edge="#fff"),
    "stackexchange": Mark(SIMPLE, "stackexchange", "#1e5397"),
    "steam": Mark(SIMPLE, "steam", "#171a21", 34, edge="#fff"),
    "strava": Mark(SIMPLE, "strava", "#fc4c02", 30),
    "taobao": Mark(SIMPLE, "taobao", "#ff5000", 33),
    "telegram": Mark(SIMPLE, "telegram", "#fff", 37, ink="#26a5e4", edge="#000"),
    "tiktok": Mark(SIMPLE, "tiktok", "#000", edge="#fff"),
    "tumblr": Mark(SIMPLE, "tumblr", "#36465d", 29, edge="#fff"),
    "twitch": Mark(SIMPLE, "twitch", "#9146ff", 28),
    "unionpay": Mark(ICON_PARK, "bank-card", "#e21836", 30),
    "vk": Mark(SIMPLE, "vk", "#fff", 38, ink="#0077ff", edge="#000"),
    "wechat": Mark(SIMPLE, "wechat", "#07b35a", 31),
    "wecom": Mark(ANT, "wechat-work-filled", "#fff", 48, ink="#2b7ce9", edge="#000"),
    "weibo": Mark(SIMPLE, "sinaweibo", "#e6162d", 31),
    "wordpress": Mark(SIMPLE, "wordpress", "#21759b", 33),
    "x": Mark(SIMPLE, "x", "#000", 24, edge="#fff"),
    "xiaohongshu": Mark(SIMPLE, "xiaohongshu", "#ff2442", 39),
    "xiaomi": Mark(SIMPLE, "xiaomi", "#fff", 37, ink="#ff6900", edge="#000"),
    "yahoojp": Mark(ANT, "yahoo-filled", "#f03", 37),
    "yandex": Mark("", "ya", "#fc3f1d", 31),
    "zalo": Mark(SIMPLE, "zalo", "#0068ff", 37),
    "zoom": Mark(SIMPLE, "zoom", "#0b5cff", 39),
}


def main() -> None:
    """Write every icon."""
    archives = {source: load(source, digest) for source, digest in SOURCES.items()}
    for plugin, mark in MARKS.items():
        content = draw(mark, archives).encode()
        check_icon(content)
        package = PLUGINS / f"connect_{plugin}"
        package.mkdir(exist_ok=True)
        (package / "icon.svg").write_bytes(content)
        sys.stdout.write(f"{plugin:<13} {len(content):>5} bytes\n")


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
        return DRAWINGS[mark.name], 24, 24
    if mark.source == SIMPLE:
        path = re.search(r'<path d="([^"]+)"', read(archives[SIMPLE], f"icons/{mark.name}.svg"))
        assert path is not None
        return f'<path fill="{mark.ink}" d="{path[1]}"/>', 24, 24
    icons = json.loads(read(archives[mark.source], "icons.json"))
    icon = icons["icons"][mark.name]
    body = icon["body"].replace("#000", mark.ink).replace("currentColor", mark.ink)
    return body, icon.get("width", icons["width"]), icon.get("height", icons["height"])


def read(archive: bytes, path: str) -> str:
    """Return a file of an npm archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        file = files.extractfile(f"package/{path}")
        assert file is not None
        return file.read().decode()


if __name__ == "__main__":
    main()
