"""The texts of pages: complete in every built-in language, and a shop's own catalogues, sound and broken."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from connect_core.errors import SettingsError
from connect_core.settings import PageSettings
from connect_core.web.pages import Pages
from connect_core.web.pages.catalogues import LOCALE_FOLDER, Catalogues, load_catalogues, write_template
from connect_core.web.pages.messages import LANGUAGES, REFUSALS, get_sources

from ...kit.html_pages import PAGES

SOURCES = get_sources()
TRANSLATED = [language for language in LANGUAGES if language != "en"]
HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
SCRIPTS = {"zh-CN": "[\u4e00-\u9fff]", "zh-TW": "[\u4e00-\u9fff]|App", "ja": "[\u3040-\u30ff\u4e00-\u9fff]|OS"}
TECHNICAL = {
    "en": r"(?i)\b(state|code|token|provider|oauth|signature|certificate|config|server|database|error|invalid)\b",
    "zh-CN": "签名|证书|配置|参数|令牌|回调|授权码|服务器|数据库|错误|非法",
    "zh-TW": "簽章|憑證|參數|權杖|回呼|授權碼|伺服器|資料庫|錯誤|非法",
    "ja": "署名|証明書|トークン|サーバー|データベース|エラー|コールバック",
    "ko": "서명|인증서|토큰|서버|데이터베이스|오류|콜백",
}
ENDS = {"en": ".", "zh-CN": "。", "zh-TW": "。", "ja": "。", "ko": "."}


def entry(key: str, text: str, source: str | None = None) -> str:
    """An entry of a catalogue."""
    return f'msgctxt "{key}"\nmsgid "{SOURCES.get(key, key) if source is None else source}"\nmsgstr "{text}"\n\n'


def load(folder: Path, **files: str) -> Catalogues:
    """The texts with a shop's catalogues: their content by language."""
    for language, content in files.items():
        path = folder / language / "LC_MESSAGES" / "connect.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + content, "utf-8")
    return load_catalogues(locale_folder=folder)


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    """Each built-in catalogue has exactly the texts there are, none fuzzy, each for the English text of today."""
    path = LOCALE_FOLDER / language.replace("-", "_") / "LC_MESSAGES" / "connect.po"
    with path.open("rb") as file:
        messages = [message for message in read_po(file, abort_invalid=True) if message.id]
    assert {message.context: message.id for message in messages} == SOURCES
    assert len(messages) == len(SOURCES)
    assert [message.context for message in messages if not message.string or message.fuzzy] == []
    for message in messages:
        assert re.findall("%[sd]", message.string) == re.findall("%[sd]", message.id), message.context
        assert re.search(SCRIPTS.get(language, "[\uac00-\ud7a3]|PC"), message.string), message.context


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_plain(language: str) -> None:
    """No technical word reaches a member."""
    for key in SOURCES:
        text = re.sub(r"QR ?(code|Code|コード|코드)", "", PAGES.catalogues.texts[language][key])
        assert not re.search(TECHNICAL[language], text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_advice_is_one_sentence(language: str) -> None:
    """A refusal has a short title and says what to do, as sentences end in that language."""
    texts, end = PAGES.catalogues.texts[language], ENDS[language]
    for code in REFUSALS:
        title, advice = texts[f"refusal.{code}.title"], texts[f"refusal.{code}.advice"]
        assert advice.endswith(end), code
        assert advice.count(end) == 1 or language in ("ja", "ko"), code
        assert len(title) <= (48 if language == "en" else 24), code
        assert title[-1] not in "。.", code


def test_english_is_the_source() -> None:
    """English texts are ASCII and stand in the code, so no catalogue can be behind them."""
    assert all(text.isascii() for text in SOURCES.values())
    assert {key: PAGES.catalogues.texts["en"][key] for key in SOURCES} == SOURCES


def test_the_chinese_merge_button_says_which_account_stays() -> None:
    """The other account goes into this one, and not the reverse."""
    assert PAGES.catalogues.texts["zh-CN"]["merge_ask"] == "把另一个账号合并到此账号"


def test_a_shop_adds_a_language(tmp_path: Path) -> None:
    """French with two texts: those are French, the rest is English, and the menu names it."""
    catalogues = load(tmp_path, fr=entry("log_in", "Se connecter") + entry("seconds_ago", "il y a %d s"))
    assert catalogues.languages == (*LANGUAGES, "fr")
    assert catalogues.pick_language("fr-CA") == "fr"
    assert catalogues.texts["fr"]["seconds_ago"] == "il y a %d s"
    pages = Pages(PageSettings(locale_folder=tmp_path))
    html = pages.login("fr", [])
    assert '<html lang="fr">' in html
    assert "<h1>Se connecter</h1>" in html
    assert SOURCES["no_choice"] in html
    assert ">Français</a>" in pages.login("en", [])


@pytest.mark.parametrize("folder", ["zh_CN", "zh-CN", "zh_cn", "zh"])
def test_a_shop_replaces_single_texts_of_ours(tmp_path: Path, folder: str) -> None:
    """The text of the shop counts before ours, and a refusal's too; every other one stays ours."""
    catalogues = load(tmp_path, **{folder: entry("log_in", "进店") + entry("refusal.forbidden.title", "不可以")})
    assert catalogues.languages == LANGUAGES
    texts = catalogues.texts["zh-CN"]
    assert (texts["log_in"], texts["refusal.forbidden.title"], texts["log_out"]) == ("进店", "不可以", "退出登录")
    assert catalogues.texts["zh-TW"]["log_in"] == "登入"


def test_even_english_can_be_replaced(tmp_path: Path) -> None:
    """The source language is a catalogue like any other."""
    assert load(tmp_path, en=entry("log_in", "Sign in")).texts["en"]["log_in"] == "Sign in"


def test_compiled_catalogues_are_read_too(tmp_path: Path) -> None:
    """A `.mo` counts as a `.po` does; where there are both, the `.po`, which people edit."""
    path = tmp_path / "fr" / "LC_MESSAGES" / "connect.mo"
    path.parent.mkdir(parents=True)
    po = HEAD + entry("log_in", "Se connecter") + entry("log_out", "Quitter")
    with path.open("wb") as file:
        write_mo(file, read_po(BytesIO(po.encode())))
    assert load_catalogues(locale_folder=tmp_path).texts["fr"]["log_out"] == "Quitter"
    texts = load(tmp_path, fr=entry("log_in", "Entrer")).texts["fr"]
    assert (texts["log_in"], texts["log_out"]) == ("Entrer", "Quitter")


def test_unfinished_and_unknown_entries_are_left_out(tmp_path: Path) -> None:
    """What is fuzzy, empty, obsolete or without a context is not shown, and stops nothing."""
    content = (
        "#, fuzzy\n"
        + entry("log_in", "Connexion?")
        + entry("log_out", "")
        + entry("no_such_text", "x")
        + 'msgid "Link"\nmsgstr "Lier"\n\n#~ msgctxt "bind"\n#~ msgid "Link"\n#~ msgstr "Lier"\n'
    )
    texts = load(tmp_path, fr=content).texts["fr"]
    assert [texts[key] for key in ("log_in", "log_out", "bind")] == ["Log in", "Log out", "Link"]
    assert "no_such_text" not in texts


@pytest.mark.parametrize(
    ("key", "text", "mistake"),
    [
        ("seconds_ago", "quelques secondes", "the translation needs %d"),
        ("seconds_ago", "il y a %s secondes", "the translation needs %d"),
        ("log_in_with", "%s avec %s", "the translation needs %s"),
        ("log_in_with", "100 % %s", "the translation needs %s"),
        ("log_in_with", "%", "the translation needs %s"),
        ("log_in", "Se connecter avec %s", "the English text has no %s"),
    ],
)
def test_wrong_placeholders_stop_the_start(tmp_path: Path, key: str, text: str, mistake: str) -> None:
    """A text that a page could not fill in is named with its file, before a member meets it."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, fr=entry(key, text))
    assert str(caught.value).startswith(f"pages.locale_folder: fr/LC_MESSAGES/connect.po: {key}: {mistake}")


def test_a_percent_sign_is_a_text_where_nothing_is_filled_in(tmp_path: Path) -> None:
    """`100 %` needs no second percent sign in a text without placeholders."""
    assert load(tmp_path, fr=entry("keep", "100 % sûr")).texts["fr"]["keep"] == "100 % sûr"


@pytest.mark.parametrize(
    ("name", "content", "mistake"),
    [
        ("connect.po", b"<html>", "line "),
        ("connect.po", HEAD.encode() + b'msgid "a"\nmsgstr "b"\nrubbish\n', "line "),
        ("connect.po", HEAD.encode() + 'msgctxt "log_in"\nmsgid "Log in"\nmsgstr "é"\n'.encode("latin-1"), "it is not"),
        ("connect.mo", b"", "it is no gettext catalogue"),
        ("connect.mo", b"\xde\x12\x04\x95", "it is no gettext catalogue"),
        ("connect.mo", b"not a catalogue" * 9, "it is no gettext catalogue"),
    ],
)
def test_what_cannot_be_read_stops_the_start(tmp_path: Path, name: str, content: bytes, mistake: str) -> None:
    """The file is named, as the operator sees it."""
    path = tmp_path / "fr" / "LC_MESSAGES" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_catalogues(locale_folder=tmp_path)
    assert str(caught.value).startswith(f"pages.locale_folder: fr/LC_MESSAGES/{name}: {mistake}")


def test_a_folder_without_catalogues_is_a_mistake(tmp_path: Path) -> None:
    """An empty folder, or one whose folders are no languages, is not what the operator meant."""
    with pytest.raises(SettingsError, match=r"there is no <language>/LC_MESSAGES/connect\.po in it"):
        load_catalogues(locale_folder=tmp_path)
    with pytest.raises(SettingsError, match="f is no language"):
        load(tmp_path, f=entry("log_in", "x"))


@pytest.mark.parametrize(
    ("languages", "default", "offered", "chosen"),
    [
        ([], None, LANGUAGES, "en"),
        (["zh-CN", "en"], None, ("zh-CN", "en"), "en"),
        (["ko", "ja"], None, ("ko", "ja"), "ko"),
        (["zh", "EN"], "zh", ("zh-CN", "en"), "zh-CN"),
        (["zh-tw"], None, ("zh-TW",), "zh-TW"),
    ],
)
def test_languages_are_limited_and_ordered(
    languages: list[str], default: str | None, offered: tuple[str, ...], chosen: str
) -> None:
    """`[pages] languages` says which and in which order; English is the default where it is among them."""
    catalogues = load_catalogues(languages, default)
    assert (catalogues.languages, catalogues.default) == (offered, chosen)


@pytest.mark.parametrize(
    ("languages", "default", "mistake"),
    [
        (["zh-CN", "fr"], None, "pages.languages: there is no catalogue for fr"),
        (["zh-CN", "en"], "ja", "pages.default_language: ja is not offered; pages are in zh-CN, en"),
        (["zh-CN", "en"], "zh-TW", "pages.default_language: zh-TW is not offered; pages are in zh-CN, en"),
        ([], "fr", "pages.default_language: fr is not offered; pages are in zh-CN, zh-TW, en, ja, ko"),
    ],
)
def test_languages_that_there_are_not_stop_the_start(languages: list[str], default: str | None, mistake: str) -> None:
    """A language without a catalogue, and a default that is not offered, are named."""
    with pytest.raises(SettingsError) as caught:
        load_catalogues(languages, default)
    assert str(caught.value) == mistake


def test_the_template_is_a_catalogue(tmp_path: Path) -> None:
    """What `pages catalogue` prints, filled in or not, is read as the shop's catalogue."""
    path = tmp_path / "ja" / "LC_MESSAGES" / "connect.po"
    path.parent.mkdir(parents=True)
    for language, text in (("", "ログイン"), ("zh-TW", "登入")):
        path.write_text(write_template(language), "utf-8")
        assert load_catalogues(locale_folder=tmp_path).texts["ja"]["log_in"] == text
