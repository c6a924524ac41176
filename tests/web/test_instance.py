"""The route by which the doctor knows which instance answers: who learns what from it."""

import secrets
from collections.abc import Iterator

import pytest

from connect_core import __version__
from connect_core.doctor.proof import PATH, Prover
from connect_core.harness import RunningShop, Visitor

from ..kit.databases import run_shop
from ..kit.web_shops import check_headers, refused

ADDRESS = f"/connect{PATH}"
NONCE = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop without providers that trusts a proxy on this machine."""

    def trust(raw: dict[str, dict[str, object]]) -> None:
        raw["service"]["trusted_proxies"] = ["127.0.0.1"]

    with run_shop({}, change=trust) as running:
        yield running


def ask(shop: RunningShop, prover: Prover, nonce: str = NONCE, **headers: str) -> dict[str, object]:
    """The answer to a question under these keys."""
    with Visitor(shop) as visitor:
        parameters = {"nonce": nonce, "codes": prover.make_question(nonce)}
        response = visitor.http.get(ADDRESS, params=parameters, headers=headers)
    assert response.status_code == 200
    check_headers(response)
    answer: dict[str, object] = response.json()
    return answer


def test_whoever_has_a_key_learns_how_the_request_arrived(shop: RunningShop) -> None:
    """The service proves its keys, and tells version, workers, and the way of the request."""
    keys = shop.manager.settings.service.keys
    prover = Prover(keys)
    answer = ask(shop, prover, **{"x-forwarded-for": "198.51.100.7"})
    assert answer["codes"] == prover.make_answer(NONCE)
    assert (answer["version"], answer["workers"]) == (__version__, 1)
    request = answer["request"]
    assert isinstance(request, dict)
    assert request["path"] == ADDRESS
    assert (request["peer"], request["client"]) == ("127.0.0.1", "198.51.100.7")
    assert (request["is_peer_trusted"], request["is_forwarded"]) == (True, True)


def test_one_key_of_several_is_enough(shop: RunningShop) -> None:
    """While keys are rotated, the doctor may have one more or one less than the service."""
    keys = shop.manager.settings.service.keys
    assert "codes" in ask(shop, Prover([secrets.token_bytes(32), *keys]))


@pytest.mark.parametrize("nonce", ["", "x" * 32, NONCE + "0", NONCE.upper()])
def test_a_nonce_of_another_form_is_not_answered(shop: RunningShop, nonce: str) -> None:
    """What is put into a cookie is what the doctor makes, 32 hexadecimal digits."""
    assert ask(shop, Prover(shop.manager.settings.service.keys), nonce) == {"service": "connect-login"}


def test_nobody_else_learns_anything(shop: RunningShop) -> None:
    """Without a key, with another one, and with the codes of another nonce: only that this is connect-login."""
    keys = shop.manager.settings.service.keys
    answers = [ask(shop, Prover([secrets.token_bytes(32)]))]
    with Visitor(shop) as visitor:
        codes = Prover(keys).make_question("f" * 32)
        for parameters in (
            {},
            {"nonce": NONCE},
            {"nonce": NONCE, "codes": codes},
            {"nonce": NONCE, "codes": "." * 999},
        ):
            response = visitor.http.get(ADDRESS, params=parameters)
            assert "set-cookie" not in response.headers
            answers.append(response.json())
    assert answers == [{"service": "connect-login"}] * 5


def test_an_answer_is_no_question(shop: RunningShop) -> None:
    """Who saw an answer cannot ask with it."""
    keys = shop.manager.settings.service.keys
    with Visitor(shop) as visitor:
        codes = ".".join(Prover(keys).make_answer(NONCE))
        response = visitor.http.get(ADDRESS, params={"nonce": NONCE, "codes": codes})
    assert response.json() == {"service": "connect-login"}


def test_only_get_is_answered(shop: RunningShop) -> None:
    """A POST is refused as everywhere."""
    with Visitor(shop) as visitor:
        refused(visitor.http.post(ADDRESS), 405, "unsupported")
