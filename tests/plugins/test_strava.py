"""Strava: a nickname out of two names."""

from typing import Any

import pytest

from connect_strava import StravaProvider

from ..kit.vendor_transport import make


@pytest.mark.parametrize(
    ("answer", "nickname"),
    [
        ({"firstname": "georges", "lastname": "camembert"}, "georges camembert"),
        ({"firstname": "georges", "lastname": None}, "georges"),
        ({"firstname": " ", "lastname": "camembert"}, "camembert"),
        ({"firstname": 1, "lastname": ["x"]}, ""),
        ({}, ""),
    ],
)
def test_nickname_is_first_and_last_name(answer: dict[str, Any], nickname: str) -> None:
    """Either may be missing."""
    assert make(StravaProvider).read_profile(answer).nickname == nickname
