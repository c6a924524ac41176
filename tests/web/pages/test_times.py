"""Times on pages: in the visitor's language and the shop's time zone, to the minute where the hour matters."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from connect_core.harness import Visitor
from connect_core.settings import PageSettings
from connect_core.web.pages import Pages
from connect_core.web.pages.messages import LANGUAGES
from connect_core.web.pages.times import format_day, format_moment
from connect_core.web.pages.views import AccountView, ConnectionView, MemberView, SessionView, UndoableMergeView

from ...kit.databases import run_shop
from ...kit.html_pages import PAGES, ParsedPage
from ...kit.web_shops import HTML

EVENING = datetime(2026, 3, 1, 20, 5, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("language", "day", "moment"),
    [
        ("zh-CN", "2026年3月2日", "2026年3月2日 04:05"),
        ("zh-TW", "2026年3月2日", "2026年3月2日 凌晨4:05"),
        ("en", "Mar 2, 2026", "Mar 2, 2026, 4:05\u202fAM"),
        ("ja", "2026/03/02", "2026/03/02 4:05"),
        ("ko", "2026. 3. 2.", "2026. 3. 2. 오전 4:05"),
        ("fr", "2 mars 2026", "2 mars 2026, 04:05"),
        ("fr-XX", "2 mars 2026", "2 mars 2026, 04:05"),
        ("tlh", "Mar 2, 2026", "Mar 2, 2026, 4:05\u202fAM"),
    ],
)
def test_times_are_written_as_people_write_them(language: str, day: str, moment: str) -> None:
    """In the language of the page and the zone of the shop, where it may be the next day already."""
    assert format_day(EVENING, language, SHANGHAI) == day
    assert format_moment(EVENING, language, SHANGHAI) == moment


@pytest.mark.parametrize("language", LANGUAGES)
def test_utc_is_named(language: str) -> None:
    """Without a zone of the shop's, a time says that it is UTC."""
    assert format_moment(EVENING, language, ZoneInfo("UTC")).endswith(" UTC")


def test_summer_time_counts() -> None:
    """A zone with summer time has the hour of that day."""
    summer = datetime(2026, 7, 1, 20, 5, tzinfo=UTC)
    assert format_moment(summer, "fr", ZoneInfo("Europe/Paris")) == "1 juil. 2026, 22:05"
    assert format_moment(EVENING, "fr", ZoneInfo("Europe/Paris")) == "1 mars 2026, 21:05"


@pytest.mark.parametrize(
    ("pages", "shown"), [(PAGES, "20:05 UTC"), (Pages(PageSettings(time_zone="Asia/Shanghai")), "04:05")]
)
def test_the_account_page_says_the_hour_where_it_matters(pages: Pages, shown: str) -> None:
    """Sessions and deadlines have the hour, a link its day; programs read ISO 8601 with the offset."""
    account = AccountView(
        MemberView("m_1"),
        [ConnectionView("Alipay", "alipay", EVENING, "", "/unbind")],
        sessions=[SessionView("pc", EVENING, "/end", True, EVENING)],
        merges=[UndoableMergeView("Maria", EVENING, "/undo")],
    )
    page = ParsedPage(pages.account("zh-CN", account))
    assert page.values("time", "datetime") == ["2026-03-01T20:05:00+00:00"] * 4
    assert page.text.count(shown) == 3


def test_the_shops_zone_reaches_its_pages() -> None:
    """`[pages] time_zone` decides, for the account page of a member too."""
    with (
        run_shop(change=lambda raw: raw.update(pages={"time_zone": "Asia/Shanghai"})) as shop,
        Visitor(shop) as visitor,
    ):
        visitor.log_in("alipay", "pc")
        page = visitor.http.get("/connect/account", headers={**HTML, "accept-language": "en"}).text
        assert "\u202fAM</time>" in page or "\u202fPM</time>" in page
        assert " UTC</time>" not in page
