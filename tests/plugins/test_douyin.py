"""Douyin: apps and mini programs have codes of their own kinds, and the union id comes with every login."""

from typing import Any

import pytest

from connect_core.errors import SettingsError
from connect_core.identity import ClientType
from connect_core.plugin import RsaPrivateKey
from connect_core.sandbox import Person
from connect_core.testing import Visitor, run_shop
from connect_douyin.sandbox import DouyinCodeSandbox, DouyinSandbox

MEI = Person("mei", "Mei", mobile="852-61234567")


@pytest.mark.parametrize(
    ("client", "calls"),
    [("pc", {"token": 1, "userinfo": 1}), ("app", {"token": 1, "userinfo": 1}), ("mini", {"code": 1})],
)
def test_a_code_is_redeemed_where_it_belongs(client: str, calls: dict[str, int]) -> None:
    """The code of an app goes where that of a website goes; a returning member costs the same calls."""
    sandbox = DouyinSandbox()
    with run_shop({"douyin": sandbox}) as shop, Visitor(shop) as visitor:
        for _ in range(2):
            sandbox.calls.clear()
            assert visitor.log_in("douyin", client).status_code in (200, 303)
            assert {
                name: sandbox.called(name) for name in ("token", "userinfo", "code") if sandbox.called(name)
            } == calls


def test_one_person_is_one_member_everywhere() -> None:
    """The union id is the same for a website, an app and a mini program of one developer account."""
    with run_shop({"douyin": DouyinSandbox()}) as shop:
        for client in ("pc", "app", "mini"):
            with Visitor(shop) as visitor:
                assert visitor.log_in("douyin", client).status_code in (200, 303)
        assert len(shop.rows("es_member")) == 1


def test_a_code_of_another_kind_logs_nobody_in() -> None:
    """A mini program's code is worth nothing in an app, and the other way round."""
    with run_shop({"douyin": DouyinSandbox()}) as shop, Visitor(shop) as visitor:
        for client, other in (("app", "mini"), ("mini", "app")):
            body = visitor.client_parameters("douyin", client)
            answer = visitor.http.post(f"/connect/douyin/{other}/token", json=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "code_invalid")


def log_in_with_phone(sandbox: DouyinSandbox, **posted: str) -> tuple[int, str, str | None]:
    """Log in once with what the phone button gave; returns status, code, and the member's number."""
    with run_shop({"douyin": sandbox}) as shop, Visitor(shop) as visitor:
        given = posted or sandbox.phone_parameters(ClientType.MINI, "mei")
        body = visitor.client_parameters("douyin", "mini", "mei") | given
        answer = visitor.http.post("/connect/douyin/mini/token", json=body)
        members = shop.rows("es_member")
        return answer.status_code, answer.json().get("code", ""), members[0]["mobile"] if members else None


def test_a_phone_code_is_redeemed_with_the_apps_token() -> None:
    """The number is opened with the app's own key, and keeps its country."""
    sandbox = DouyinCodeSandbox(people=(MEI,))
    assert log_in_with_phone(sandbox) == (200, "", "852-61234567")
    assert [sandbox.called(name) for name in ("code", "app_token", "phone")] == [1, 1, 1]


def test_a_phone_code_that_is_unknown_costs_no_login(caplog: pytest.LogCaptureFixture) -> None:
    """The member has no number, and the log has the vendor's refusal."""
    caplog.set_level("INFO")
    assert log_in_with_phone(DouyinCodeSandbox(people=(MEI,)), phone_code="made-up") == (200, "", "")
    assert reasons(caplog) == ["code_invalid"]


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The codes of the numbers that were refused."""
    return [record.__dict__["code"] for record in caplog.records if record.msg == "phone_refused"]


def test_without_the_key_the_code_is_not_read() -> None:
    """The number is the one in the encrypted data, and no call asks for it."""
    sandbox = DouyinSandbox(people=(MEI,))
    given = sandbox.phone_parameters(ClientType.MINI, "mei")
    assert log_in_with_phone(sandbox, phone_code="of-the-button", **given) == (200, "", "852-61234567")
    assert sandbox.called("phone") == 0


class OtherApp(DouyinCodeSandbox):
    """Answers with a number that another app got."""

    def describe_phone(self, person: Person) -> dict[str, Any]:
        """Return the number with the other app's mark."""
        return {**super().describe_phone(person), "watermark": {"appid": "tt-other", "timestamp": 1}}


def test_a_number_of_another_app_or_key_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    """The login stands on its own code."""
    assert log_in_with_phone(OtherApp(people=(MEI,))) == (200, "", "")
    other = RsaPrivateKey.generate()

    class OtherKey(DouyinCodeSandbox):
        def settings(self, base_url: str, client_type: ClientType) -> dict[str, Any]:
            return {**super().settings(base_url, client_type), "private_key": other.pkcs1_pem()}

    assert log_in_with_phone(OtherKey(people=(MEI,))) == (200, "", "")
    assert reasons(caplog) == ["provider_bad_response"] * 2


def test_a_key_that_is_none_ends_the_start() -> None:
    """The mistake names the setting, and does not quote it."""

    class NoKey(DouyinSandbox):
        def settings(self, base_url: str, client_type: ClientType) -> dict[str, Any]:
            return {**super().settings(base_url, client_type), "private_key": "secret-nonsense"}

    with pytest.raises(SettingsError, match="private_key: ") as caught, run_shop({"douyin": NoKey()}):
        pass
    assert "nonsense" not in str(caught.value)
