"""What is shown of a person: names as their owners write them, pictures that pages can show, nothing that harms."""

import unicodedata

import pytest

from connect_core.display import clean_picture, clean_text
from connect_core.identity import Profile

AS_WRITTEN = [
    "李华",
    "O'Neill {{7*7}} <svg onload=x>",
    "محمد بن سلمان",
    "דוד\u200f",
    "نام\u200cها",
    "क्\u200dष",
    "ไทย\u200bแลนด์",
    "Zoë e\u0301 ﷺ",
    "👨\u200d👩\u200d👧 ❤\ufe0f 👍🏽",
    "\U0001fae8 \U0001fa77 \U0001fadc\U0001f6d8",  # Unicode 15, 16, 17
    "\U0001fbff\U0003ffff"[:1] + "\U0001f9ff",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "🇨🇳🇬🇧",
    "\u0600١٢",
    "\U00013430\U00013000",
    "𠮷野家",
    "\U000f0000a",
    "꙲\u0301",
    "\u0378",
]


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_a_name_is_shown_as_written(name: str) -> None:
    """Any script, any year: joiners, direction marks and combining marks belong to it, and so do signs of next year."""
    assert clean_text(name, 64) == name


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  李 华\u3000", "李 华"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("\u2066a\u2069\u202a\u202b\u202c\u202d", "a"),
        ("a\r\nb\x1b[31m\x85\u2028\u2029c\0\x7f", "ab[31mc"),
        ("\ufeffa\ufffb\u206a", "a"),
        ("\ud83da\udc00", "a"),
        ("\ufdd0a\ufffe\U0001ffff\U0010fffe", "a"),
        ("\u200d", ""),
        ("\u200b\u200f \ufe0f", ""),
        ("\u202e\n", ""),
        ("", ""),
    ],
)
def test_what_harms_is_taken_out(raw: str, shown: str) -> None:
    """A name cannot forge a line, turn a page, or break a table; one that shows nothing is none."""
    assert clean_text(raw, 64) == shown


def test_a_name_is_cut_to_its_column_between_signs() -> None:
    """Ten thousand characters become 64; no emoji is taken apart, no accent off its letter."""
    assert clean_text("李" * 10_000, 64) == "李" * 64
    assert clean_text("👨\u200d" * 5_000, 64) == ("👨\u200d" * 32).removesuffix("\u200d")
    assert clean_text("a" * 63 + " b", 64) == "a" * 63
    assert clean_text("a" * 63 + "e\u0301", 64) == "a" * 63
    assert clean_text("a" * 63 + "👍🏽", 64) == "a" * 63
    assert clean_text("a" * 62 + "👨\u200d👩", 64) == "a" * 62
    assert clean_text("a" * 63 + "🇬🇧", 64) == "a" * 63
    assert clean_text("🇬🇧" * 40, 64) == "🇬🇧" * 32
    assert clean_text("a" + "\u0301" * 500, 64) == "a" + "\u0301" * 63
    place = Profile.of(province="省" * 100, city="市" * 100)
    assert (len(place.province), len(place.city)) == (32, 32)


def test_every_character_is_either_shown_or_dropped() -> None:
    """Over all of Unicode, what is left never breaks a line, has no control and can be encoded."""
    for start in range(0, 0x110000, 64):
        name = clean_text("".join(map(chr, range(start, start + 64))), 64)
        name.encode()
        assert len(name.splitlines()) <= 1
        assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs", "Zl", "Zp"}
        assert not {unicodedata.bidirectional(character) for character in name} & {"LRO", "RLO", "LRE", "RLE", "RLI"}


@pytest.mark.parametrize("value", [None, 7, 1.5, True, b"name", ["name"], {"name": 1}])
def test_what_is_no_text_becomes_empty(value: object) -> None:
    """It costs the field, not the login."""
    assert clean_text(value, 64) == clean_picture(value) == ""


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://thirdwx.qlogo.cn/mmopen/vi_32/a-b_c/132", None),
        ("https://img.example:8443/a%20b.png?x=1&y=2#z", None),
        ("https://img.example/" + "x" * 2028, None),
        ("https://img.example", None),
        ("http://q.qlogo.cn/qqapp/1/100", "https://q.qlogo.cn/qqapp/1/100"),
        ("HTTP://img.example:80/a", "https://img.example/a"),
        ("//img.example/a.png", "https://img.example/a.png"),
        ("HTTPS://img.example/a.png", "https://img.example/a.png"),
        (" https://img.example/a.png\u3000", "https://img.example/a.png"),
        ("https://img.example/头.png?名=a", "https://img.example/%E5%A4%B4.png?%E5%90%8D=a"),
    ],
)
def test_a_picture_is_shown_by_https(link: str, shown: str | None) -> None:
    """Up to 2048 characters; hosts of pictures serve https, whatever the vendor writes."""
    assert clean_picture(link) == (shown or link)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "/a.png",
        "a.png",
        "//",
        "https://",
        "https:///a.png",
        "http://img.example:8080/a.png",
        "//img.example:8080/a.png",
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://",
        "javascript://img.example/%0aalert(1)",
        "data:image/svg+xml,<svg onload=alert(1)>",
        "file:///etc/passwd",
        "ftp://img.example/a.png",
        'https://img.example/"onerror="x',
        "https://img.example/'a",
        "https://img.example/<a>",
        "https://img.example/`a",
        "https://img.example/a b",
        "https://img.example/a\nb",
        "https://img.example/a\u202eb",
        "https://img.example/a\ud800",
        "https://img.example\\@evil.example",
        "https://图.example/a",
        "https://[::1/a",
        "http://img.example:port/a",
        "https://img.example/" + "x" * 2029,
        "https://img.example/" + "图" * 300,
    ],
)
def test_a_link_that_no_page_can_show_is_dropped(link: str) -> None:
    """Nothing that a browser could run, or that could leave an attribute, is stored as a picture."""
    assert clean_picture(link) == ""
