"""Steam by OpenID 2.0: what a response must say before Steam is asked, and what Steam says of it."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from connect_core.testing import ProviderContract, RunningShop, Visitor, run_shop
from connect_steam.sandbox import SteamSandbox

CLAIMED = "https://steamcommunity.com/openid/id/"
SIGNED = "signed,op_endpoint,claimed_id,identity,return_to,response_nonce,assoc_handle"
VICTIM = "76561197960435530"
FORGED = [
    ({"openid.ns": "http://openid.net/signon/1.1"}, "provider_bad_response"),
    ({"openid.mode": "check_authentication"}, "provider_bad_response"),
    ({"openid.op_endpoint": "https://evil.example/openid/login"}, "provider_bad_response"),
    ({"openid.return_to": "https://evil.example/callback"}, "provider_bad_response"),
    ({"openid.return_to": ""}, "provider_bad_response"),
    ({"openid.identity": CLAIMED + VICTIM}, "provider_bad_response"),
    *(
        ({"openid.claimed_id": claimed_id, "openid.identity": claimed_id}, "provider_bad_response")
        for claimed_id in (
            f"http://steamcommunity.com/openid/id/{VICTIM}",
            f"https://steamcommunity.com.evil.example/openid/id/{VICTIM}",
            f"https://evil.example/?https://steamcommunity.com/openid/id/{VICTIM}",
            f"https://steamcommunityxcom/openid/id/{VICTIM}",
            f"{CLAIMED}{VICTIM}/",
            f"{CLAIMED}{VICTIM}#a",
            f"{CLAIMED}robinwalker",
            f"{CLAIMED}７6561197960435530",
            CLAIMED,
        )
    ),
    *(
        ({"openid.signed": ",".join(name for name in SIGNED.split(",") if name != left_out)}, "provider_unsigned")
        for left_out in SIGNED.split(",")[1:]
    ),
]
"""Fields that replace those of Steam's response, with the code of the refusal. Steam is not asked about any."""


class TestContract(ProviderContract):
    """With a key."""

    plugin = "steam"
    token_operation = "verify"
    profile_operation = "players"


class TestContractWithoutAKey(ProviderContract):
    """Without names and pictures."""

    plugin = "steam"
    token_operation = "verify"
    profile_operation = ""
    documented = SteamSandbox.documented[:-1]
    untrusted = ("missing_id", "unsigned")

    @classmethod
    def make_sandbox(cls) -> SteamSandbox:
        """Return the sandbox in that mode."""
        return SteamSandbox(has_key=False)


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with Steam."""
    with run_shop({"steam": SteamSandbox()}) as running:
        yield running


def changed(callback: str, fields: dict[str, str]) -> str:
    """Return the callback URL with other fields."""
    query = dict(parse_qsl(urlsplit(callback).query))
    return f"{callback.partition('?')[0]}?{urlencode({**query, **fields})}"


def finish_with(shop: RunningShop, fields: dict[str, str]) -> httpx.Response:
    """Log in with `fields` in place of those of Steam's response."""
    with Visitor(shop) as visitor:
        callback = visitor.consent(visitor.begin("steam", "pc"))
        shop.sandboxes["steam"].calls.clear()
        return visitor.http.get(changed(callback, fields))


@pytest.mark.parametrize(("fields", "code"), FORGED)
def test_steam_is_not_asked_about_what_cannot_be_right(shop: RunningShop, fields: dict[str, str], code: str) -> None:
    """Each is refused before Steam is asked."""
    answer = finish_with(shop, fields)
    assert (answer.status_code, answer.json()["code"]) == (502, code)
    assert not shop.sandboxes["steam"].calls
    assert VICTIM not in {row["value"] for row in shop.rows("es_connect_alias")}


@pytest.mark.parametrize(
    "fields",
    [
        {"openid.claimed_id": CLAIMED + VICTIM, "openid.identity": CLAIMED + VICTIM},
        {"openid.sig": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"openid.response_nonce": "2026-11-28T08:00:00Zanother"},
        {"openid.assoc_handle": "another"},
        {"openid.ext": "added"},
    ],
)
def test_steam_says_that_a_response_is_not_its_own(shop: RunningShop, fields: dict[str, str]) -> None:
    """What only Steam can tell is `code_invalid` by its word."""
    answer = finish_with(shop, fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")
    assert shop.sandboxes["steam"].called("verify") == 1
    assert VICTIM not in {row["value"] for row in shop.rows("es_connect_alias")}


def test_a_response_belongs_to_one_login(shop: RunningShop) -> None:
    """A victim's response, with the state of the thief's login beside it, is refused: `return_to` has another one."""
    with Visitor(shop) as visitor:
        theirs, ours = (visitor.consent(visitor.begin("steam", "pc"), person) for person in ("maria", "lihua"))
        state = dict(parse_qsl(urlsplit(ours).query))["state"]
        shop.sandboxes["steam"].calls.clear()
        answer = visitor.http.get(changed(theirs, {"state": state}))
    assert answer.json()["code"] == "provider_bad_response"
    assert not shop.sandboxes["steam"].calls


def test_a_front_end_hands_the_response_in(shop: RunningShop) -> None:
    """A page of the shop's own, whose address has a query, posts everything that it was opened with."""
    with Visitor(shop) as visitor:
        begun = visitor.http.post("/connect/steam/pc/login-url", json={"redirect_uri": f"{shop.url}/done?a=b"}).json()
        back = dict(parse_qsl(urlsplit(visitor.consent(begun["login_url"])).query))
        assert back["a"] == "b"
        assert visitor.who(visitor.http.post("/connect/steam/pc/token", json=back)) is not None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("is_valid:true\n", "provider_bad_response"),
        ("ns:http://specs.openid.net/auth/2.0\nis_valid:TRUE\n", "provider_bad_response"),
        ("ns:http://specs.openid.net/auth/2.0\nis_valid:true\nis_valid:true\n", "provider_bad_response"),
        ("ns:http://specs.openid.net/auth/2.0\nis_valid:false\nis_valid:true\n", "provider_bad_response"),
        ('{"is_valid": true}', "provider_bad_response"),
        ("ns:http://specs.openid.net/auth/2.0\nis_valid:false\n", "code_invalid"),
    ],
)
def test_only_a_clear_yes_is_one(shop: RunningShop, body: str, code: str) -> None:
    """Anything but the line `is_valid:true`, once and in the right namespace, logs nobody in."""
    shop.sandboxes["steam"].faults.add("garbage", body, on="verify")
    assert finish_with(shop, {}).json()["code"] == code


def test_without_a_key_a_person_has_no_name() -> None:
    """The login stands on the id, and Steam is asked for nothing else."""
    with run_shop({"steam": SteamSandbox(has_key=False)}) as shop, Visitor(shop) as visitor:
        who = visitor.who(visitor.log_in("steam", "pc"))
        assert who is not None
        assert who["nickname"].startswith("m_")
        assert [call.operation for call in shop.sandboxes["steam"].calls] == ["verify"]
