"""Taobao: applications with account numbers and without, and the encoded nickname."""

from typing import Any

import pytest

from connect_core.plugin import PersonId, ProviderBadResponse
from connect_taobao import TaobaoProvider

from ..kit.vendor_transport import make

NUMBER = PersonId.user_id("2207644947900")
OPEN_ID = PersonId.open_id("AAHa7xgf", "c-1")


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"taobao_user_id": "2207644947900", "taobao_open_uid": "AAHa7xgf"}, (NUMBER, OPEN_ID)),
        ({"taobao_user_id": "2207644947900"}, (NUMBER,)),
        ({"taobao_user_id": "-1", "taobao_open_uid": "AAHa7xgf"}, (OPEN_ID,)),
        ({"taobao_user_id": -1, "taobao_open_uid": "AAHa7xgf"}, (OPEN_ID,)),
        ({"taobao_user_id": "", "taobao_open_uid": "AAHa7xgf"}, (OPEN_ID,)),
        ({"taobao_open_uid": "AAHa7xgf"}, (OPEN_ID,)),
    ],
)
def test_ids_are_those_that_name_a_person(answer: dict[str, Any], ids: tuple[PersonId, ...]) -> None:
    """A newer application sees -1 in place of every account number."""
    provider = make(TaobaoProvider)
    assert provider.read_ids(provider.id_claims, answer) == ids


@pytest.mark.parametrize("answer", [{}, {"taobao_user_id": "-1"}, {"taobao_user_id": "-1", "taobao_open_uid": ""}])
def test_nobody_is_named_without_an_id(answer: dict[str, Any]) -> None:
    """Minus one is no id: it is the same for everybody."""
    provider = make(TaobaoProvider)
    with pytest.raises(ProviderBadResponse):
        provider.read_ids(provider.id_claims, answer)


def test_nickname_is_decoded() -> None:
    """It comes as in an address."""
    profile = make(TaobaoProvider).read_profile({"taobao_user_nick": "%E6%97%97%E8%88%B0+%E5%BA%97"})
    assert profile.nickname == "旗舰 店"
