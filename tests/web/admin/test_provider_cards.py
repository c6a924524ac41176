"""The cards of providers: what the doctor found of each, when, and what to do where it has not looked."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from connect_core.administrators.roles import Role
from connect_core.doctor.last_run import store_last_run
from connect_core.findings import Finding, Level
from connect_core.store import Database, doctor_runs

from ...kit.admin_pages import AdminShop, get_text, run_admin_shop
from ...kit.web_shops import alipay_and_wechat

NOW = 1_790_820_000
EXPIRES = Finding("certificate_expires", Level.WARNING, "It <expires> in 12 days.", "Renew it.", "alipay/pc")
REFUSED = Finding("credentials_refused", Level.BROKEN, "The vendor refuses us.", "Correct app_id.", "alipay/h5")
WELL = Finding("credentials_accepted", Level.OK, "The vendor accepts us.", "", "alipay/pc")
WECHAT = Finding("credentials_accepted", Level.OK, "The vendor accepts us.", "", "wechat/pc")
OTHERS = Finding("one_key", Level.OK, "There is one key.", "Add another.", "keys")


@pytest.fixture(scope="module")
def shop() -> Iterator[AdminShop]:
    """A shop with the sandboxes of Alipay and WeChat, and a viewer."""
    with run_admin_shop(alipay_and_wechat()) as running:
        running.create("viewer", Role.VIEWER)
        yield running


async def show_cards(shop: AdminShop, *findings: Finding, language: str = "en") -> dict[str, str]:
    """Store a run of the doctor, and return what the card of each provider says."""
    await store_last_run(shop.shop.manager.settings, findings, NOW)
    with shop.browsing("viewer", language) as browser:
        page = browser.get("/providers")
    assert "<expires>" not in page.text
    cards = page.text.split('<li class="card">')[1:]
    page_of = {found[1]: card for card in cards if (found := re.search("<code>([a-z]+)</code>", card))}
    return {name: get_text(type(page)(200, text=card)) for name, card in page_of.items()}


async def test_findings_stand_on_the_card_the_worst_first(shop: AdminShop) -> None:
    """Level, sentence, remedy, name and client type; one that two client types have comes once."""
    twice = Finding(EXPIRES.id, EXPIRES.level, EXPIRES.text, EXPIRES.remedy, "alipay/app")
    card = (await show_cards(shop, WELL, EXPIRES, twice, REFUSED, OTHERS, WECHAT))["alipay"]
    assert "Broken The vendor refuses us. What to do: Correct app_id. credentials_refused · Phone browser" in card
    shown = "Warning It <expires> in 12 days. What to do: Renew it. certificate_expires · Computer · App"
    assert shown in card
    assert card.index("Broken") < card.index("Warning")
    assert card.count("It <expires>") == 1
    assert re.search("Doctor's run: .*2026", card)
    assert "one_key" not in card


async def test_a_provider_that_is_well_has_a_quiet_line(shop: AdminShop) -> None:
    """With the time, because settings may have changed since."""
    cards = await show_cards(shop, WELL, WECHAT, OTHERS)
    for card in cards.values():
        assert re.search("The doctor found nothing to do: .*2026", card)
    chinese = await show_cards(shop, REFUSED, WECHAT, language="zh-CN")
    assert "处理方法： Correct app_id." in chinese["alipay"]
    assert "诊断未发现问题" in chinese["wechat"]


async def test_a_provider_that_was_not_examined_is_not_said_to_be_well(shop: AdminShop) -> None:
    """One that was added since, or each of them where the doctor has not run, has the command."""
    cards = await show_cards(shop, WELL)
    assert "The doctor found nothing to do" in cards["alipay"]
    assert "No doctor run yet. On the machine of the service: connect-login doctor" in cards["wechat"]
    with closing(Database(shop.shop.database_url)) as database:
        await database.write(lambda tx: doctor_runs.store_run(tx, "null", NOW))
    with shop.browsing("viewer") as browser:
        assert get_text(browser.get("/providers")).count("No doctor run yet") == 2
