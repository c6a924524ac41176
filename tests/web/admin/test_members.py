"""The screens of members, over real HTTP: what each role sees, and that every act has a reason and a record."""

import re
from collections.abc import Iterator

import pytest

from ...kit.acme import execute
from ...kit.admin_pages import AdminBrowser, AdminShop, get_text
from ...kit.admin_people import bring_conflict, log_in, run_people_shop

MOBILE = "13812345678"


@pytest.fixture(scope="module")
def shop() -> Iterator[AdminShop]:
    """A shop where members of Acme log in."""
    with run_people_shop() as running:
        yield running


@pytest.fixture
def member(shop: AdminShop, request: pytest.FixtureRequest) -> int:
    """A member who has just logged in twice, and has a mobile number."""
    person = re.sub("[^a-z]", "", request.node.name)[-24:]
    member_id, _ = log_in(shop, f"{person}.1", f"{person}.2")
    execute(shop.shop.database_url, "UPDATE es_member SET mobile = ? WHERE id = ?", MOBILE, member_id)
    return member_id


def records(shop: AdminShop, target: str) -> list[tuple[str, str, str, str]]:
    """What the audit log says about `target`, the oldest first."""
    rows = [row for row in shop.shop.rows("es_admin_audit") if row["target"] == target]
    return [(row["actor"], row["via"], row["action"], row["detail"]) for row in rows]


def act(browser: AdminBrowser, member_id: int, name: str, **fields: str) -> str:
    """Post a form of the member's page; return what the page says after it."""
    answer = browser.post(f"/members/{member_id}/{name}", page=f"/members/{member_id}", **fields)
    if answer.status_code == 303:
        answer = browser.get(answer.headers["location"].removeprefix("/connect/admin"))
    return get_text(answer)


def test_members_are_found(shop: AdminShop, member: int) -> None:
    """By number, mobile number and a vendor's id, whichever vendor's; the page also says when it is nobody."""
    with shop.browsing("support") as browser:
        for text in (str(member), MOBILE):
            assert f'href="/connect/admin/members/{member}"' in browser.get("/members", q=text).text
        person = shop.shop.rows("es_connect_alias")[-1]["value"]
        for union_type in ("", "ACME"):
            assert f"/members/{member}" in browser.get("/members", q=person, union_type=union_type).text
        assert "Nobody was found" in get_text(browser.get("/members", q="xyzzy"))
        assert browser.get("/members/999999").status_code == 404


def test_a_viewer_sees_neither_numbers_nor_ids_in_full(shop: AdminShop, member: int) -> None:
    """The mobile number and vendors' ids are masked, whatever is asked for; support sees them."""
    alias = shop.shop.rows("es_connect_alias")[-1]["value"]
    for name, sees in (("viewer", False), ("support", True)):
        with shop.browsing(name) as browser:
            found, page = browser.get("/members", q=str(member)).text, browser.get(f"/members/{member}", ids="1").text
            assert (MOBILE in found, MOBILE in page, alias in page) == (sees, sees, sees)
            assert ("138****5678" in page) is not sees
            assert alias not in browser.get(f"/members/{member}").text
            assert ('<form method="post" action="/connect/admin/members/' in page) is sees


def test_an_act_wants_a_reason(shop: AdminShop, member: int) -> None:
    """Without one, with blanks, or with one that is too long, nothing is changed, and the page says what to enter."""
    with shop.browsing("support") as browser:
        for name in ("disable", "end-sessions", "unbind"):
            for reason in ("", "   ", "x" * 161):
                assert "Enter a reason" in act(browser, member, name, reason=reason, union_type="ACME")
        assert "Logins 2" in get_text(browser.get(f"/members/{member}"))
    assert records(shop, f"member {member}") == []


def test_support_disables_and_enables(shop: AdminShop, member: int) -> None:
    """The page says so each time, a second click changes nothing, and the log says who and why."""
    with shop.browsing("support") as browser:
        assert "The member is disabled." in act(browser, member, "disable", reason="stolen phone")
        assert "it was so already" in act(browser, member, "disable", reason="again")
        assert "The member is logged in nowhere" in get_text(browser.get(f"/members/{member}"))
        assert "The member is enabled." in act(browser, member, "enable", reason="called back")
    assert records(shop, f"member {member}") == [
        ("support", "page", "member.disabled", "stolen phone"),
        ("support", "page", "member.enabled", "called back"),
    ]


def test_sessions_end_one_by_one_and_all(shop: AdminShop, member: int) -> None:
    """Another member's session cannot be ended from here."""
    with shop.browsing("support") as browser:
        sessions = re.findall('name="session" value="([0-9a-f]+)"', browser.get(f"/members/{member}").text)
        assert len(sessions) == 2
        assert "does not exist" in act(browser, member, "end-sessions", reason="x", session="f" * 32)
        assert "has ended" in act(browser, member, "end-sessions", reason="lost", session=sessions[0])
        assert browser.get(f"/members/{member}").text.count('name="session"') == 1
        assert "logged in nowhere" in act(browser, member, "end-sessions", reason="lost")
    assert [action for _, _, action, _ in records(shop, f"member {member}")] == ["member.sessions_ended"] * 2


def test_the_last_connection_wants_a_second_tick(shop: AdminShop, member: int) -> None:
    """Else the member would be locked out by a slip."""
    with shop.browsing("support") as browser:
        assert "only way" in act(browser, member, "unbind", reason="asked", union_type="ACME")
        assert records(shop, f"member {member}") == []
        assert "has ended" in act(browser, member, "unbind", reason="asked", union_type="ACME", force="on")
        assert "does not exist" in act(browser, member, "unbind", reason="asked", union_type="ACME", force="on")
    assert records(shop, f"member {member}") == [("support", "page", "member.unbound", "ACME: asked")]


def test_events_are_read_page_by_page(shop: AdminShop) -> None:
    """Each page has the next twenty events, and the last one has no link to another."""
    member_id, *_ = log_in(shop, *(f"oftenhere.{number}" for number in range(22)))
    with shop.browsing("viewer") as browser:
        first = browser.get(f"/members/{member_id}").text
        link = re.search(r'href="/connect/admin(/members/\d+)\?before=(\d+)#events"', first)
        assert link
        last = browser.get(link[1], before=link[2]).text
    assert first.count("logged_in") == 20
    assert last.count("logged_in") == 2
    assert "Earlier events" not in last


def test_support_resolves_a_conflict(shop: AdminShop) -> None:
    """Both members are shown with their ids, shortened; the decision moves them, and the log names both."""
    first, second = bring_conflict(shop, "zhang")
    with shop.browsing("support") as browser:
        listed = re.findall(r"/members/conflicts/(\d+)", browser.get("/members/conflicts").text)
        path = f"/members/conflicts/{listed[0]}"
        page = browser.get(path)
        version = re.search('name="version" value="([^"]+)"', page.text)
        assert version
        assert "u-zhang" not in page.text
        assert "u-zhang" in browser.get(path, ids="1").text
        fields = {"version": version[1], "receiver": str(second)}
        assert "Enter a reason" in get_text(browser.post(path, page=path, **fields))
        assert "Choose a decision" in get_text(browser.post(path, page=path, reason="x", version=version[1]))
        assert "only way" in get_text(browser.post(path, page=path, reason="one person", **fields))
        stale = browser.post(path, page=path, reason="x", receiver=str(second), version="stale", force="on")
        assert stale.status_code == 409
        done = browser.post(path, page=path, reason="one person", force="on", **fields)
        assert done.headers["location"] == "/connect/admin/members/conflicts"
        assert browser.get(path).status_code == 404
    assert log_in(shop, "zhang-first.2", "zhang-second.2", "zhang-both.2") == [second] * 3
    assert [action for _, _, action, _ in records(shop, f"member {first}")] == [
        "member.conflict_settled",
        "member.unbound",
    ]


def test_a_conflict_can_be_kept(shop: AdminShop) -> None:
    """It is no longer listed; a viewer sees it before that, without the form."""
    bring_conflict(shop, "wang")
    with shop.browsing("viewer") as viewer, shop.browsing("support") as browser:
        [number] = re.findall(r"/members/conflicts/(\d+)", viewer.get("/members/conflicts").text)
        path = f"/members/conflicts/{number}"
        assert 'name="receiver"' not in viewer.get(path).text
        browser.post(path, page=path, reason="two people", receiver="keep")
        assert "no conflict to resolve" in get_text(browser.get("/members/conflicts"))
