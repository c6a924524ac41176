"""Signing in to the admin page and out of it, over real HTTP."""

import re
from collections.abc import Iterator

import pytest

from connect_core.administrators.roles import Role

from ...kit.admin_pages import PASSWORD, AdminBrowser, AdminShop, get_text, run_admin_shop

WRONG = "Name, password or one-time password is wrong"


@pytest.fixture
def browser(admin_shop: AdminShop) -> Iterator[AdminBrowser]:
    """A browser of somebody who is not signed in."""
    with admin_shop.browsing() as browser:
        yield browser


def test_password_and_one_time_password_sign_in(admin_shop: AdminShop, browser: AdminBrowser) -> None:
    """The right three lead to the page that was wanted, with a cookie of its own that other sites cannot cause."""
    answer = browser.sign_in("operator", admin_shop.get_totp("operator"), page="/audit?actor=operator")
    assert (answer.status_code, answer.headers["location"]) == (303, "/connect/admin/audit?actor=operator")
    assert "SameSite=strict; HttpOnly" in answer.headers["set-cookie"]
    assert "administrator.signed_in" in get_text(browser.get("/audit"))
    assert browser.request("GET", "/sign-in").status_code == 303


def test_whatever_is_wrong_the_answer_is_the_same(admin_shop: AdminShop, browser: AdminBrowser) -> None:
    """An unknown name, a wrong password and a wrong one-time password cannot be told apart, and nothing is written."""
    before = [admin_shop.shop.rows(table) for table in ("es_admin", "es_admin_session", "es_admin_audit")]
    right = admin_shop.get_totp("support")
    tries = (
        ("nobody", right, PASSWORD),
        ("support", right, "another password"),
        ("support", "000000", PASSWORD),
        ("support", "", PASSWORD),
        ("Support", right, PASSWORD),
        ("support", right, ""),
    )
    pages = set()
    for name, totp, password in tries:
        answer = browser.sign_in(name, totp, password)
        assert answer.status_code == 401
        assert WRONG in get_text(answer)
        assert password not in answer.text.replace('name="password"', "") or not password
        pages.add(answer.text.replace(f'value="{name}"', ""))
    assert len(pages) == 1
    assert [admin_shop.shop.rows(table) for table in ("es_admin", "es_admin_session", "es_admin_audit")] == before
    assert browser.sign_in("support", right).status_code == 303


def test_a_one_time_password_works_once(admin_shop: AdminShop, browser: AdminBrowser) -> None:
    """Who has seen it typed cannot use it, and neither that of the step before it."""
    totp = admin_shop.get_totp("viewer")
    assert browser.sign_in("viewer", totp).status_code == 303
    for replayed in (totp, admin_shop.get_totp("viewer", steps=0, offset=-30)):
        with admin_shop.browsing() as other:
            assert other.sign_in("viewer", replayed).status_code == 401


def test_tries_are_counted_by_name() -> None:
    """After ten tries within a quarter of an hour nobody gets in by this name, not even with the right password."""
    with run_admin_shop() as admin_shop, admin_shop.browsing() as browser:
        admin_shop.create("li", Role.VIEWER)
        statuses = [browser.sign_in(name, "000000", "wrong").status_code for name in ["li"] * 11]
        assert statuses == [401] * 10 + [429]
        answer = browser.sign_in("li", admin_shop.get_totp("li"))
        assert answer.status_code == 429
        assert "Try again in 15 minutes" in get_text(answer)


def test_the_sign_in_leads_to_our_own_pages_alone(browser: AdminBrowser) -> None:
    """An address in `next` that is none of ours is dropped, wherever it is given."""
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "/a b", "@evil", ".evil", "/%0d"):
        assert 'name="next" value=""' in browser.get("/sign-in", next=target).text, target


def test_who_is_not_signed_in_comes_back_to_the_page(browser: AdminBrowser) -> None:
    """The sign-in keeps the page with its query."""
    answer = browser.request("GET", "/audit?actor=li&target=administrator+li")
    page = "%2Faudit%3Factor%3Dli%26target%3Dadministrator%2Bli"
    assert answer.headers["location"] == f"/connect/admin/sign-in?next={page}"


def test_a_link_from_another_site_arrives(admin_shop: AdminShop) -> None:
    """A browser that holds the strict cookie back is sent round by a page of ours, once."""
    with admin_shop.browsing("viewer") as browser:
        held_back = {"sec-fetch-site": "cross-site", "cookie": ""}
        answer = browser.request("GET", "/audit?actor=li", headers=held_back)
        refresh = re.search('http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
        assert refresh
        assert refresh[1] == "/connect/admin/audit?actor=li"
    with admin_shop.browsing() as browser:
        assert browser.request("GET", "/audit", headers={"sec-fetch-site": "same-origin"}).status_code == 303


def test_signing_out_ends_the_session(admin_shop: AdminShop) -> None:
    """The token is useless afterwards, for whoever has it."""
    with admin_shop.browsing("viewer") as browser:
        token = browser.http.cookies["connect_admin"]
        answer = browser.post("/sign-out", page="/audit")
        assert (answer.status_code, answer.headers["location"]) == (303, "/connect/admin/sign-in")
        assert "You are signed out." in get_text(browser.get("/sign-in"))
        assert "You are signed out." not in get_text(browser.get("/sign-in"))
        browser.take_session(token)
        assert browser.request("GET", "/audit").status_code == 303


def test_something_dangerous_needs_a_recent_proof(admin_shop: AdminShop) -> None:
    """After ten minutes the password is asked for again; the session gets a new token and ends when it would have."""
    with admin_shop.browsing("operator") as browser:
        before = max(row["expiry_time"] for row in admin_shop.shop.rows("es_admin_session"))
        admin_shop.clock.advance(601)
        answer = browser.post("/administrators", page="/administrators", name="wang", role="viewer")
        assert answer.headers["location"] == "/connect/admin/confirm?next=%2Fadministrators"
        old = browser.http.cookies["connect_admin"]
        wrong = browser.post("/confirm", page="/confirm?next=/administrators", password="wrong", next="/administrators")
        assert wrong.status_code == 401
        assert "The password is wrong." in get_text(wrong)
        right = browser.post("/confirm", page="/confirm", password=PASSWORD, next="/administrators")
        assert right.headers["location"] == "/connect/admin/administrators"
        assert browser.http.cookies["connect_admin"] != old
        assert max(row["expiry_time"] for row in admin_shop.shop.rows("es_admin_session")) == before
        created = browser.post("/administrators", page="/administrators", name="wang", role="viewer")
        assert created.status_code == 200
        browser.take_session(old)
        assert browser.request("GET", "/audit").status_code == 303


def test_a_session_ends_unused_and_at_last(admin_shop: AdminShop) -> None:
    """After half an hour without use, and after twelve hours in any case."""
    with admin_shop.browsing("viewer") as browser:
        admin_shop.clock.advance(1700)
        assert browser.request("GET", "/audit").status_code == 200
        admin_shop.clock.advance(1700)
        assert browser.request("GET", "/audit").status_code == 200
        admin_shop.clock.advance(1801)
        assert browser.request("GET", "/audit").status_code == 303
    with admin_shop.browsing("viewer") as browser:
        for _ in range(27):
            admin_shop.clock.advance(1600)
            used = browser.request("GET", "/audit").status_code
        assert used == 303


def test_a_session_of_a_member_opens_nothing_here(admin_shop: AdminShop) -> None:
    """A repeated cookie counts for nothing, and neither does another one of ours."""
    with admin_shop.browsing() as browser:
        token = admin_shop.open_session("viewer")
        headers = {"cookie": f"connect_session={token}"}
        assert browser.request("GET", "/audit", headers=headers).status_code == 303
        twice = {"cookie": f"connect_admin={token}; connect_admin=planted"}
        assert browser.request("GET", "/audit", headers=twice).status_code == 303
