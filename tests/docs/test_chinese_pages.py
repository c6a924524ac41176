"""The Chinese pages follow the English ones: same headings, paragraphs, code blocks, table rows, pictures and links.

`tests/docs/test_examples.py` runs the code blocks of the English pages; the Chinese ones are equal and need no run.
Of the prose only the names in it are compared: of keys, commands, codes and fields.
"""

import os
import re
from collections.abc import Callable, Mapping
from itertools import zip_longest
from pathlib import Path
from pprint import pformat
from textwrap import dedent
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CHINESE = DOCS / "zh"
TRANSLATED = sorted(page for folder in ("tutorial", "how-to") for page in DOCS.glob(f"{folder}/*.md"))
PAIRS = {page: CHINESE / page.relative_to(DOCS) for page in TRANSLATED} | {
    DOCS / "index.md": CHINESE / "index.md",
    ROOT / "README.md": ROOT / "README.zh-CN.md",
}
"""The Chinese page of each English one. The two indexes are only targets of links: their texts differ."""
SWITCHES = {"README.md", "README.zh-CN.md"}
"""Links from one language to the other, which the other page does not have."""
COMPARED = [page for page in PAIRS if page.name != "index.md"]

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\S+)(?: (?P<file>\S+))?\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
INCLUDE = re.compile(r'^```\{include\} (\S+)\n:start-after: "(.+)"\n:end-before: "(.+)"\n```$', re.MULTILINE)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
ROW = re.compile(r"^ *\|.+\n", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
NAME = re.compile(r"`([^`]+)`")
"""Also one that a line ends in."""
LINK = re.compile(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)|<(https?://[^>]+)>")
START = re.compile(r"\n\s*\n|\n(?= *(?:[-*]|\d+\.) )|\n(?= *\|)")
"""Where a paragraph, an item of a list or a row of a table begins."""
ITEM = re.compile(r"(?:[-*]|\d+\.) ")
WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
"""A Chinese character or sign."""
BROKEN = re.compile(rf"{WIDE.pattern}\n *(?!{ITEM.pattern}|```|[|<#])\S")
"""A line that ends in Chinese, and a following one that belongs to the same paragraph."""
OTHER_WORDS = {"您": "你", "管理页面": "管理后台", "终端类型": "客户端类型", "附加组件": "附加依赖", "票据": "凭证"}
"""Words of which the pages and the admin page use the second. Pages for members say 您, and are quoted with it."""
PICTURE = re.compile(r'!\[[^]]*\]\(([^)]+)\)|<img src="([^"]+)"')


class Unit(NamedTuple):
    """A paragraph, an item of a list or a row of a table, and the names in it."""

    kind: str
    names: frozenset[str]


class Page(NamedTuple):
    """What two pages of a pair have in common. Files are named from the repository's root."""

    headings: list[int]
    units: list[Unit]
    blocks: list[tuple[str, str, str]]
    rows: list[set[str]]
    pictures: set[str]
    links: set[str]


def expand_includes(page: Path, text: str) -> str:
    """Put the text of other files where a page includes it: the Chinese page translates it in place."""

    def read_part(match: re.Match[str]) -> str:
        path, start, end = match.groups()
        return (page.parent / path).read_text("utf-8").partition(f"{start}\n")[2].partition(f"\n{end}\n")[0]

    return INCLUDE.sub(read_part, text)


def read(page: Path) -> str:
    """A page with its includes and without its comments."""
    return COMMENT.sub("", expand_includes(page, page.read_text("utf-8")))


def get_slugs(text: str) -> list[str]:
    """The anchors that the headings of a page get."""
    titles = [title.strip().lower().replace(" ", "-") for _, title in HEADING.findall(FENCE.sub("", text))]
    return [re.sub(r"[^\w-]", "", title) for title in titles]


def find_translation(target: Path, anchor: str) -> str:
    """Where a Chinese page links to if the English one links to `target`: its translation if there is one."""
    if target not in PAIRS or not anchor:
        return get_name(PAIRS.get(target, target), anchor)
    anchors = dict(zip(get_slugs(read(target)), get_slugs(read(PAIRS[target])), strict=False))
    return get_name(PAIRS[target], anchors.get(anchor, anchor))


def get_name(target: Path, anchor: str) -> str:
    return f"{os.path.relpath(target, ROOT)}#{anchor}" if anchor else os.path.relpath(target, ROOT)


def resolve(page: Path, link: str, name_target: Callable[[Path, str], str]) -> str:
    if link.startswith("http"):
        return link
    path, _, anchor = link.partition("#")
    return name_target(Path(os.path.normpath(page.parent / path)) if path else page, anchor)


def name_picture(target: Path, anchor: str) -> str:
    """A Chinese page shows the Chinese picture where there is one."""
    translation = target.with_name(re.sub(r"-en(?=[.-])", "-zh", target.name))
    return get_name(translation if translation.exists() else target, anchor)


def find_units(prose: str) -> list[Unit]:
    texts = (text.strip() for text in START.split(HEADING.sub("\n", PICTURE.sub("", prose))))
    return [
        Unit(get_kind(text), frozenset(" ".join(name.split()) for name in NAME.findall(text))) for text in texts if text
    ]


def get_kind(text: str) -> str:
    if text.startswith("|"):
        return "row"
    return "item" if ITEM.match(text) else "paragraph"


def parse(page: Path, text: str, name_target: Callable[[Path, str], str]) -> Page:
    prose = FENCE.sub("", text)
    fences = [(m["language"], m["file"] or "", dedent(m["text"])) for m in FENCE.finditer(text)]
    images = [path for language, path, _ in fences if language == "{image}"]
    images += ["".join(match) for match in PICTURE.findall(prose)]
    return Page(
        headings=[len(marks) for marks, _ in HEADING.findall(prose)],
        units=find_units(FENCE.sub("\n", text)),
        blocks=[
            (language, path and resolve(page, path, get_name), text)
            for language, path, text in fences
            if language != "{image}"
        ],
        rows=[set(CODE.findall(line)) for line in ROW.findall(prose)],
        pictures={resolve(page, path, name_picture) for path in images},
        links={resolve(page, "".join(match), name_target) for match in LINK.findall(CODE.sub("", prose))},
    )


def find_differences(english: Page, chinese: Page) -> Mapping[str, object]:
    """What is not the same, by kind."""
    lists = {"headings": (english.headings, chinese.headings), "blocks": (english.blocks, chinese.blocks)}
    lists["rows"] = (english.rows, chinese.rows)
    differences: dict[str, object] = {
        kind: [pair for pair in zip_longest(*both) if pair[0] != pair[1]] for kind, both in lists.items()
    }
    differences["units"] = [
        (unit, translated)
        for unit, translated in zip_longest(english.units, chinese.units)
        if not (unit and translated and unit.kind == translated.kind and unit.names <= translated.names)
    ]
    differences["pictures"] = english.pictures ^ chinese.pictures
    differences["links"] = (english.links ^ chinese.links) - SWITCHES
    return {kind: difference for kind, difference in differences.items() if difference}


def compare(page: Path, translated: str) -> Mapping[str, object]:
    """Compare an English page with the text of its Chinese one."""
    english = parse(page, read(page), find_translation)
    return find_differences(english, parse(PAIRS[page], translated, get_name))


@pytest.mark.parametrize("page", [pytest.param(page, id=os.path.relpath(page, ROOT)) for page in COMPARED])
def test_a_page_has_the_same_parts_in_chinese(page: Path) -> None:
    """A reader of either language gets the same sections, commands, configuration, tables, pictures and links."""
    assert PAIRS[page].exists(), f"translate {get_name(page, '')} to {get_name(PAIRS[page], '')}"
    differences = compare(page, read(PAIRS[page]))
    assert not differences, f"as (English, Chinese), or on one of both pages:\n{pformat(differences)}"


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("headings", HEADING),
        ("blocks", FENCE),
        ("rows", ROW),
        ("units", ROW),
        ("units", NAME),
        ("pictures", PICTURE),
        ("links", LINK),
    ],
)
def test_a_missing_part_is_noticed(kind: str, part: re.Pattern[str]) -> None:
    """A comparison that finds nothing would let every page fall behind unnoticed."""
    page = DOCS / "how-to/front-ends.md" if kind != "pictures" else DOCS / "how-to/hosted-pages.md"
    translated = read(PAIRS[page])
    match = list(part.finditer(translated))[-1]
    assert kind in compare(page, translated[: match.start()] + translated[match.end() :])


def test_there_is_no_chinese_page_without_an_english_one() -> None:
    """A page that was renamed or deleted is renamed or deleted in both languages."""
    assert {*CHINESE.rglob("*.md")} <= {*PAIRS.values()}


@pytest.mark.parametrize("page", [pytest.param(page, id=os.path.relpath(page, ROOT)) for page in PAIRS.values()])
def test_a_paragraph_is_one_line(page: Path) -> None:
    """A line break inside a Chinese paragraph is shown as a space between two characters."""
    assert not BROKEN.findall(FENCE.sub("```\n", read(page)))


@pytest.mark.parametrize(
    ("text", "is_broken"),
    [("登录\n方式", True), ("登录，\n`pc`", True), ("- 登录\n  *pc*", True), ("- 登录\n- 退出", False)],
)
def test_a_broken_paragraph_is_noticed(text: str, *, is_broken: bool) -> None:
    """The next item, row or block begins on a line of its own, everything else does not."""
    assert bool(BROKEN.search(text)) == is_broken


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in sorted(CHINESE.rglob("*.md"))])
def test_a_link_says_that_its_page_is_in_english(page: Path) -> None:
    """A reader of Chinese knows before the click that there is no translation."""
    units = (text for text in START.split(FENCE.sub("\n", read(page))) if "英文" not in text)
    links = ("".join(match) for text in units for match in LINK.findall(CODE.sub("", text)))
    targets = {link: (page.parent / link.partition("#")[0]).resolve() for link in links if ".md" in link}
    assert not {link for link, target in targets.items() if DOCS in target.parents and CHINESE not in target.parents}


CATALOGUES = sorted((ROOT / "connect_core/web/admin/locale/zh_CN").rglob("*.po"))


@pytest.mark.parametrize("text", [pytest.param(path, id=path.name) for path in [*PAIRS.values(), *CATALOGUES]])
def test_a_thing_has_one_chinese_name(text: Path) -> None:
    """Somebody who searches for a word of the glossary finds every page about it."""
    content = re.sub(r"“[^”]*”|alt=\"[^\"]*\"", "", FENCE.sub("", text.read_text("utf-8")))
    others = OTHER_WORDS if text.suffix == ".md" else {other for other in OTHER_WORDS if other != "您"}
    assert not {other for other in others if other in content}
