"""The screen *keys*, over real HTTP: fingerprints, and how much is sealed with which key."""

import base64
import os
import re
from typing import Any

from connect_core.administrators.roles import Role
from connect_core.crypto import Sealer
from connect_core.members import vendor_sessions
from connect_core.web.admin.key_counts import FIRST_ROWS

from ...kit.acme import execute
from ...kit.admin_pages import get_text, run_admin_shop

NEW, OLD = (base64.urlsafe_b64encode(os.urandom(32)).decode() for _ in range(2))


def test_the_page_says_what_is_sealed_with_which_key() -> None:
    """New values count for the first key, what a removed key has sealed is said, and no key is shown."""

    def have_two(raw: dict[str, Any]) -> None:
        raw["service"]["secret_keys"] = [NEW, OLD]

    with run_admin_shop(change=have_two) as shop:
        shop.create("operator", Role.OPERATOR)
        with shop.browsing("operator") as browser:
            page = browser.get("/keys")
            assert NEW not in page.text
            assert OLD not in page.text
            prints = re.findall('scope="row"><code class="mono">([0-9a-f]{16})<', page.text)
            assert len(set(prints)) == 2
            counts = [re.findall(r">(\d+)</td>", row) for row in page.text.split('scope="row"')[1:3]]
            assert counts == [["0", "0", "1"], ["0", "0", "0"]]
            assert "None of these keys" not in page.text
            execute(shop.shop.database_url, "UPDATE es_admin SET totp_secret = 'v1.00000000.AAAA'")
            rest = get_text(browser.get("/keys")).partition("None of these keys")[2]
            assert rest.split()[:3] == ["0", "0", "1"]


def test_a_large_table_is_counted_on_demand() -> None:
    """The page reads a bounded number of rows, says what it has left out, and another one counts all, step by step."""
    rows = FIRST_ROWS + 1
    with run_admin_shop() as shop:
        shop.create("viewer", Role.VIEWER)
        [key] = shop.shop.manager.settings.service.keys
        prefix = Sealer([key], vendor_sessions.PURPOSE).prefix
        values = ", ".join(f"('{number:032}', 1, 'acme', 'pc', '', '{prefix}A', {2**40})" for number in range(rows))
        columns = "family, member_id, provider, client_type, sid_hash, hint, expiry_time"
        execute(shop.shop.database_url, f"INSERT INTO es_connect_vendor_session ({columns}) VALUES {values}")
        with shop.browsing("viewer") as browser:
            page = get_text(browser.get("/keys"))
            assert "not counted" in page
            assert "Count everything" in page
            counted = browser.get("/keys/count")
        text = get_text(counted)
    assert counted.headers["x-accel-buffering"] == "no"
    assert re.search(rf"One-time passwords [0-9a-f]{{16}} 0 {rows} 1 ", text)
    assert text.index(str(rows)) < text.index("Everything has been counted.")
