"""The Chinese pages follow the English ones: same headings, code blocks, table rows, pictures and links.

`tests/docs/test_examples.py` runs the code blocks of the English pages; the Chinese ones are equal and need no run.
The prose is not compared.
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
SWITCHES = {"README.md", "README.zh-CN.md", "docs/zh/index.md"}
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
LINK = re.compile(r"(?<!!)\[[^]]*\]\(([^)\s]+)\)|<(https?://[^>]+)>")
PICTURE = re.compile(r'!\[[^]]*\]\(([^)]+)\)|<img src="([^"]+)"')


class Page(NamedTuple):
    """What two pages of a pair have in common. Files are named from the repository's root."""

    headings: list[int]
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


def parse(page: Path, text: str, name_target: Callable[[Path, str], str]) -> Page:
    prose = FENCE.sub("", text)
    fences = [(m["language"], m["file"] or "", dedent(m["text"])) for m in FENCE.finditer(text)]
    images = [path for language, path, _ in fences if language == "{image}"]
    images += ["".join(match) for match in PICTURE.findall(prose)]
    return Page(
        headings=[len(marks) for marks, _ in HEADING.findall(prose)],
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
