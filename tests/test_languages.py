"""Which language a visitor gets: by quality values, by script and region, in any language that a shop offers."""

import pytest

from connect_core.languages import find_text, match_language, pick_language

BUILT_IN = ("zh-CN", "zh-TW", "en", "ja", "ko")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr-FR,fr;q=0.9,de", "en"),
        ("zh;q=0.8,en,en-GB;q=0.7", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("EN-us", "en"),
        ("zh", "zh-CN"),
        ("zh-Hans-HK", "zh-CN"),
        ("zh-SG,zh;q=0.9", "zh-CN"),
        ("zh-Hant", "zh-TW"),
        ("zh-Hant-TW", "zh-TW"),
        ("zh-HK,zh;q=0.9,en;q=0.8", "zh-TW"),
        ("zh-TW,zh;q=0.9,en-US;q=0.8", "zh-TW"),
        ("zh-tw;q=0.5,ja;q=0.6", "ja"),
        ("ja-JP", "ja"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("fr,ja;q=0.1", "ja"),
        ("zh;q=0.5,en;Q=0.501", "en"),
        ("en,zh", "en"),
        ("zh,en", "zh-CN"),
        ("*", "en"),
        ("en;q=0.3,*;q=0.5", "zh-CN"),
        ("zh;q=0.3,*;q=0.5", "en"),
        ("en;q=0,*", "zh-CN"),
        ("*;q=0,ko;q=0.001", "ko"),
    ],
)
def test_language_follows_quality_values(header: str, language: str) -> None:
    """RFC 9110 §12.5.4 and RFC 4647 §3.4: the highest weight wins; the default where nothing of ours is asked for."""
    assert pick_language(header, BUILT_IN, "en") == language


@pytest.mark.parametrize(
    "garbage",
    ["ja;q=2", "ja;q=-1", "ja;q=0.9999", "ja;q=nan", "ja;q=٠", "ja q=1", "ja;", "én", "ja--JP", "ja_JP", "\0ja", ";q"],
)
def test_malformed_ranges_are_passed_over(garbage: str) -> None:
    """A range that breaks the grammar counts for nothing, and the ranges beside it still count."""
    assert pick_language(garbage, BUILT_IN, "en") == "en"
    assert pick_language(f"{garbage},,zh;q=0.5,ko;q=0.6", BUILT_IN, "en") == "ko"


@pytest.mark.parametrize("filler", [",", "-", "en-", ";q=0.", "a-" * 8, " ", "*", "\ud800", "en;q=0.1,", "zh-"])
def test_long_headers_are_read_up_to_4_kib(filler: str) -> None:
    """Whatever fills 4 KiB is survived, and one character more leaves the header unread."""
    begin = "ja;q=0.7,zh;q=0.6,fr"
    header = begin + "," + (filler * 4096)[: 4095 - len(begin)]
    assert len(header) == 4096
    assert pick_language(header, BUILT_IN, "en") in BUILT_IN
    assert match_language(filler * 4096, BUILT_IN) in {None, *BUILT_IN}
    assert pick_language("ja".ljust(4096), BUILT_IN, "en") == "ja"
    assert pick_language("ja".ljust(4097), BUILT_IN, "en") == "en"


@pytest.mark.parametrize(
    ("tag", "offered", "language"),
    [
        ("zh-HK", ("zh-CN", "en"), "zh-CN"),
        ("zh", ("zh-TW", "en"), "zh-TW"),
        ("zh-hk", ("zh-CN", "zh-TW", "zh-HK"), "zh-HK"),
        ("pt", ("pt-BR",), "pt-BR"),
        ("pt-PT", ("pt-BR", "en"), "pt-BR"),
        ("fr-CA", ("fr", "fr-CA"), "fr-CA"),
        ("fr-CA-x-shop", ("fr", "fr-CA"), "fr-CA"),
        ("de", ("zh-CN", "en"), None),
        ("", ("zh-CN", "en"), None),
    ],
)
def test_the_nearest_offered_language_is_taken(tag: str, offered: tuple[str, ...], language: str | None) -> None:
    """A tag gets its own language or the nearest that is offered, and none of another primary language."""
    assert match_language(tag, offered) == language


@pytest.mark.parametrize(
    ("texts", "language", "text"),
    [
        ({"zh": "微信", "zh-TW": "微信 (TW)", "en": "WeChat"}, "zh-TW", "微信 (TW)"),
        ({"zh": "微信", "en": "WeChat"}, "zh-TW", "微信"),
        ({"zh": "微信", "en": "WeChat"}, "ja", "WeChat"),
        ({"zh": "微信", "de": "Weixin"}, "ja", "微信"),
        ({"zh": "", "en": "WeChat"}, "zh-CN", "WeChat"),
        ({}, "ja", ""),
    ],
)
def test_titles_are_found_by_the_nearest_language(texts: dict[str, str], language: str, text: str) -> None:
    """The exact tag, then its primary language, then English, then whatever there is."""
    assert find_text(texts, language) == text
