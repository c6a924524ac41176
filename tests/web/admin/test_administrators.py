"""The screen *administrators*, and setting an account up with the code that it gives, over real HTTP."""

import re

from connect_core.crypto.one_time_passwords import get_totp

from ...kit.admin_pages import PASSWORD, AdminBrowser, AdminShop, get_text

PAGE = "/administrators"


def create(browser: AdminBrowser, name: str, role: str = "support") -> str:
    """Create an administrator on the page, and return the set-up code that it shows."""
    answer = browser.post(PAGE, PAGE, name=name, role=role)
    code = re.search('id="code">([^<]+)<', answer.text)
    assert code, get_text(answer)
    return code[1]


def test_a_new_administrator_sets_up_their_own_account(admin_shop: AdminShop) -> None:
    """With the code they choose the password; the secret stays the same until its one-time password proves it."""
    with admin_shop.browsing("operator") as operator, admin_shop.browsing() as browser:
        code = create(operator, "zhao")
        assert code not in str(admin_shop.shop.rows("es_admin"))
        first = browser.request("POST", "/set-up", data={"name": "zhao", "code": code})
        secret = re.search('class="secret">([A-Z2-7 ]+)<', first.text)
        assert secret
        assert "<svg" in first.text
        fields = {"name": "zhao", "code": code, "password": "short", "totp": "000000"}
        assert "at least 8 characters" in get_text(browser.request("POST", "/set-up", data=fields))
        fields["password"] = "a password of their own"
        wrong = browser.request("POST", "/set-up", data=fields)
        assert "The one-time password is wrong." in get_text(wrong)
        assert secret[1] in wrong.text
        fields["totp"] = get_totp(secret[1].replace(" ", ""), int(admin_shop.clock()))
        assert browser.request("POST", "/set-up", data=fields).headers["location"] == "/connect/admin/sign-in"
        assert browser.sign_in("zhao", fields["totp"], fields["password"]).status_code == 401
        admin_shop.clock.advance(31)
        totp = get_totp(secret[1].replace(" ", ""), int(admin_shop.clock()))
        assert browser.sign_in("zhao", totp, fields["password"]).status_code == 303
        again = browser.request("POST", "/set-up", data=fields)
        assert again.status_code == 400
        assert "the code was used or has expired" in get_text(again)


def test_a_set_up_code_expires_and_is_replaced(admin_shop: AdminShop) -> None:
    """A new code makes the old one useless, and each lives a day."""
    with admin_shop.browsing("operator") as operator, admin_shop.browsing() as browser:
        old = create(operator, "qian")
        answer = operator.post(f"{PAGE}/qian/reset", PAGE)
        code = re.search('id="code">([^<]+)<', answer.text)
        assert code
        for used, status in ((old, 400), ("", 400), (code[1], 200)):
            assert browser.request("POST", "/set-up", data={"name": "qian", "code": used}).status_code == status
        admin_shop.clock.advance(24 * 3600 + 1)
        assert browser.request("POST", "/set-up", data={"name": "qian", "code": code[1]}).status_code == 400


def test_a_name_is_judged_beside_its_field(admin_shop: AdminShop) -> None:
    """A name that is taken or cannot be one is said, with what was typed."""
    with admin_shop.browsing("operator") as browser:
        for name, text in (("viewer", "There is an administrator of this name."), ("li hua", "A name has at most 48")):
            answer = browser.post(PAGE, PAGE, name=name, role="support")
            assert answer.status_code == 400
            assert text in get_text(answer)
            assert f'value="{name}"' in answer.text
            assert '<option value="support" selected>' in answer.text
        assert browser.post(PAGE, PAGE, name="sun", role="root").status_code == 400


def test_a_role_counts_from_the_next_request_on(admin_shop: AdminShop) -> None:
    """Nobody keeps what was taken from them until their session ends."""
    with admin_shop.browsing("operator") as operator:
        create(operator, "zhou", "operator")
        with admin_shop.browsing("zhou") as browser:
            assert browser.post(f"{PAGE}/viewer/enable", PAGE).status_code == 303
            assert operator.post(f"{PAGE}/zhou/role", PAGE, role="viewer", former="operator").status_code == 303
            assert "New administrator" not in get_text(browser.get(PAGE))


def test_who_is_disabled_or_reset_is_out_at_once(admin_shop: AdminShop) -> None:
    """All sessions end in the same transaction, and the password stops working."""
    with admin_shop.browsing("operator") as operator:
        for path in ("disable", "reset"):
            admin_shop.create(f"wu-{path}", "support")
            with admin_shop.browsing(f"wu-{path}") as browser:
                assert browser.request("GET", PAGE).status_code == 200
                assert operator.post(f"{PAGE}/wu-{path}/{path}", PAGE).status_code in (200, 303)
                assert browser.request("GET", PAGE).status_code == 303
                assert browser.sign_in(f"wu-{path}", admin_shop.get_totp(f"wu-{path}")).status_code == 401
        assert operator.post(f"{PAGE}/wu-disable/enable", PAGE).status_code == 303
        with admin_shop.browsing() as browser:
            assert browser.sign_in("wu-disable", admin_shop.get_totp("wu-disable")).status_code == 303


def test_the_last_operator_stays_one(admin_shop: AdminShop) -> None:
    """Otherwise nobody could change anything any more."""
    with admin_shop.browsing("operator") as browser:
        others = [row["name"] for row in admin_shop.shop.rows("es_admin") if row["role"] == "operator"]
        for name in others:
            if name != "operator":
                browser.post(f"{PAGE}/{name}/disable", PAGE)
        for path, fields in (("disable", {}), ("role", {"role": "viewer", "former": "operator"})):
            answer = browser.post(f"{PAGE}/operator/{path}", PAGE, **fields)
            assert answer.status_code == 400
            assert "Nobody else is an operator." in get_text(answer)


def test_the_second_of_two_operators_is_told(admin_shop: AdminShop) -> None:
    """A role that somebody else has changed meanwhile stays, and what is done already is said to be so."""
    with admin_shop.browsing("operator") as browser:
        create(browser, "feng", "viewer")
        browser.post(f"{PAGE}/feng/role", PAGE, role="support", former="viewer")
        late = browser.post(f"{PAGE}/feng/role", PAGE, role="operator", former="viewer")
        assert (late.status_code, "Somebody else changed this meanwhile" in get_text(late)) == (409, True)
        before = admin_shop.shop.rows("es_admin_audit")
        for path, fields in (("enable", {}), ("role", {"role": "support", "former": "viewer"})):
            browser.post(f"{PAGE}/feng/{path}", PAGE, **fields)
            assert "it was so already" in get_text(browser.get(PAGE))
        assert admin_shop.shop.rows("es_admin_audit") == before
        row = re.search("bdi>operator</bdi>.*?</tr>", browser.get(PAGE).text, re.DOTALL)
        assert row
        assert "operator/disable" not in row[0]


def test_sessions_of_somebody_are_ended_and_mine_stays(admin_shop: AdminShop) -> None:
    """Whoever left a browser open somewhere gets rid of it."""
    with admin_shop.browsing("operator") as mine, admin_shop.browsing("operator") as other:
        assert mine.post(f"{PAGE}/sessions/end", PAGE, name="operator", provider="").status_code == 303
        assert mine.request("GET", PAGE).status_code == 200
        assert other.request("GET", PAGE).status_code == 303
        assert mine.post(f"{PAGE}/sessions/end", PAGE, name="operator", provider="").status_code == 404


def test_every_act_is_in_the_audit_log(admin_shop: AdminShop) -> None:
    """Who, what and to whom; no code, no password; the filters find it again."""
    with admin_shop.browsing("operator") as browser:
        code = create(browser, "zheng")
        browser.post(f"{PAGE}/zheng/role", PAGE, role="viewer", former="support")
        browser.post(f"{PAGE}/zheng/disable", PAGE)
        records = [row for row in admin_shop.shop.rows("es_admin_audit") if row["target"] == "administrator zheng"]
        actions = ["administrator.created", "administrator.role_changed", "administrator.disabled"]
        assert [(row["actor"], row["via"], row["action"]) for row in records] == [
            ("operator", "page", action) for action in actions
        ]
        assert code not in str(records)
        assert PASSWORD not in str(records)
        text = get_text(browser.get("/audit", target="administrator zheng"))
        assert all(action in text for action in actions)
        assert "administrator.signed_in" not in text
        assert "There is no such record." in get_text(browser.get("/audit", actor="nobody"))


def test_the_audit_log_has_pages(admin_shop: AdminShop) -> None:
    """Fifty records on each, none twice and none left out."""
    with admin_shop.browsing("operator") as browser:
        for number in range(52):
            browser.post(f"{PAGE}/viewer/{'enable' if number % 2 else 'disable'}", PAGE)
        page = browser.get("/audit", target="administrator viewer")
        earlier = re.search('href="/connect/admin(/audit[^"]*before=[^"]*)"', page.text)
        assert earlier
        rows = re.findall('<time datetime="', page.text)
        assert len(rows) == 50
        assert '<time datetime="' in browser.get(earlier[1].replace("&amp;", "&")).text
