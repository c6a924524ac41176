"""The pages of a merge: links and forms alone, in both languages."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.web.pages.views import (
    AccountView,
    ConnectionView,
    LoginChoice,
    MemberView,
    MergePreview,
    UndoableMergeView,
)

from ...kit.account_page import bound
from ...kit.first_logins import PASSWORD, choosing, register
from ...kit.html_pages import HOSTILE, PAGES, ParsedPage
from ...kit.merges import Planner
from ...kit.web_merges import ACCOUNT, MERGE, begin, confirm, planner, planning, shop, undo, visitor
from ...kit.web_shops import HTML, check_headers

__all__ = ["planner", "shop", "visitor"]


WORDS: Mapping[str, tuple[str, ...]] = {
    "zh": ("合并账号", "保留", "将停用", "转入", "将解绑", "确认合并"),
    "en": ("Merge accounts", "Stays", "This account is closed", "Moves over", "Unlinked", ">Merge</button>"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_do_the_same_with_plain_forms(shop: RunningShop, visitor: Visitor, language: str) -> None:
    """Account page, start, vendor, preview, yes, undo: links and forms alone, in both languages."""
    headers = {**HTML, "accept-language": language, "origin": shop.url}
    form = {"headers": headers, "data": {}, "json": None}
    assert f'href="{MERGE}"' in visitor.http.get(ACCOUNT, headers=headers).text
    start = visitor.http.get(MERGE, headers=headers)
    assert 'action="/connect/wechat/pc/merge"' in start.text
    assert "password" not in start.text
    leaving = begin(visitor, **form)
    target = leaving.headers["refresh"].partition("url=")[2]
    proved = visitor.http.get(visitor.consent(target, "maria"), headers=headers)
    page = visitor.http.get(proved.headers["location"], headers=headers)
    check_headers(page)
    assert page.status_code == 200
    assert [word for word in (*WORDS[language], "3 orders", "Maria O&#39;Neill") if word not in page.text] == []
    done = confirm(visitor, **form)
    assert (done.status_code, done.headers["location"]) == (303, ACCOUNT)
    assert {member for member, _ in bound(shop)} == {2}
    for nobodys in ("0", "x", "9" * 5000):
        assert visitor.http.post(f"{MERGE}s/{nobodys}/undo", headers=headers).status_code == 404
    back = undo(visitor, headers=headers)
    assert (back.status_code, back.headers["location"]) == (303, ACCOUNT)
    assert {member for member, _ in bound(shop)} == {1, 2}


def test_the_page_takes_credentials_where_they_prove_an_account(planner: Planner) -> None:
    """A form with member name and password, which says what is wrong and lets the member try again."""
    with planning(planner, change=choosing) as shop, Visitor(shop) as first, Visitor(shop) as second:
        name, own = register(first), register(second, "maria", "wechat")
        headers = {**HTML, "accept-language": "en", "origin": shop.url}
        path = f"{MERGE}/credentials"
        assert f'action="{path}"' in second.http.get(MERGE, headers=headers).text
        for username, password, status, words in (
            (name, "x", 401, "The member name or password is wrong"),
            (own, PASSWORD, 404, "You are already logged in to this account"),
        ):
            wrong = second.http.post(path, data={"username": username, "password": password}, headers=headers)
            assert (wrong.status_code, words in wrong.text) == (status, True)
        proved = second.http.post(path, data={"username": name, "password": PASSWORD}, headers=headers)
        assert (proved.status_code, proved.headers["location"]) == (303, MERGE)
        assert "Alipay" in second.http.get(MERGE, headers=headers).text
        assert confirm(second, json=None, data={}, headers=headers).status_code == 303
        who = second.http.get("/connect/me").json()
        assert who["connections"] == ["ALIPAY", "WECHAT"]


def every_page(words: str = "李华") -> Iterator[ParsedPage]:
    """Each page of a merge, with `words` wherever somebody else's text can stand."""
    member, choice = MemberView(words, words, words), LoginChoice(words, words, f"/{words}", words)
    shown, day = [ConnectionView(words, words, None, words)], datetime(2026, 3, 1, tzinfo=UTC)
    account = AccountView(member, merges=[UndoableMergeView(words, day, "/")], offers_merge=True)
    yield ParsedPage(PAGES.account("zh-CN", account))
    yield ParsedPage(PAGES.merge_start("zh-CN", member, [choice], takes_credentials=True, mistake="merge_over"))
    for refusal, until in ((None, day), (words, None)):
        yield ParsedPage(
            PAGES.merge("zh-CN", MergePreview(member, member, shown, shown, shown, [words], refusal, until))
        )
    yield ParsedPage(PAGES.merge("zh-CN", MergePreview(member, MemberView("m_1"), [], [], [], [], "", None)))


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_names_are_text(words: str) -> None:
    """Markup and template syntax in names, titles and the shop's lines is shown as it is, and builds nothing."""
    for harmless, hostile in zip(every_page(), every_page(words), strict=True):
        shape = [(tag, sorted(attributes)) for tag, attributes in harmless.elements]
        assert [(tag, sorted(attributes)) for tag, attributes in hostile.elements] == shape
        assert hostile.text.count(words) == harmless.text.count("李华")


def test_pages_hold_under_the_strictest_policy() -> None:
    """No script, nothing inline, no picture of others; one heading, and words for every picture."""
    for page in every_page():
        tags = [tag for tag, _ in page.elements]
        assert not {"script", "style", "iframe", "object"} & set(tags)
        assert not [name for _, given in page.elements for name in given if name == "style" or name.startswith("on")]
        assert (tags.count("title"), tags.count("h1"), tags.count("main")) == (1, 1, 1)
        assert len(page.values("img", "alt")) == tags.count("img")
        assert {method.lower() for method in page.values("form", "method")} <= {"post"}


def test_a_login_that_is_held_back_proves_no_account() -> None:
    """Its vendor does not answer: it has no button, and the page says why; the others have theirs."""
    wechat = LoginChoice("wechat", "WeChat", "/connect/wechat/pc/merge", "", seconds_held=15)
    qq = LoginChoice("qq", "QQ", "/connect/qq/pc/merge", "")
    page = PAGES.merge_start("en", MemberView("m_1", "A", ""), [wechat, qq])
    assert ParsedPage(page).values("button", "data-merge") == ["qq"]
    assert "WeChat does not answer at the moment. Please try again later." in page
