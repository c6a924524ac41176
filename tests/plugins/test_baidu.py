"""Baidu: a picture is a text of which a link is made, and an old app has another name for people."""

import json

import pytest

from connect_baidu import BaiduProvider
from connect_core.plugin import PersonId, Profile

from ..kit.vendor_transport import TOKENS, Transport, log_in, make

PICTURES = "https://tb.himg.baidu.com/sys/portrait/item/"


async def log_in_as(person: dict[str, object]) -> tuple[tuple[PersonId, ...], Profile | None]:
    """Log in where user-info answers `person`; return ids and profile."""
    paths = {"/oauth/2.0/token": TOKENS, "/rest/2.0/passport/users/getInfo": json.dumps(person).encode()}
    identity = await log_in(make(BaiduProvider, Transport(paths)))
    return identity.ids, identity.profile


@pytest.mark.parametrize(
    ("portrait", "face"),
    [
        ("e2c1776c31", f"{PICTURES}e2c1776c31"),
        ("a b/../c?t=1", f"{PICTURES}a%20b/../c%3Ft%3D1"),
        ("", ""),
        (None, ""),
        (["x"], ""),
    ],
)
async def test_a_picture_is_below_the_address_of_pictures(portrait: object, face: str) -> None:
    """Whatever `portrait` is, it leads to no other host."""
    _, profile = await log_in_as({"openid": "o1", "username": "百***户", "portrait": portrait})
    assert profile == Profile(nickname="百***户", face=face)


async def test_an_old_app_names_people_by_userid() -> None:
    """`openid` counts where there are both; an id of an old app is kept for this app alone."""
    assert (await log_in_as({"userid": "123", "username": "a"}))[0] == (PersonId.open_id("123", "c-1"),)
    both = await log_in_as({"userid": "123", "openid": "o1", "unionid": "u1", "username": "a"})
    assert both[0] == (PersonId.union_id("u1"), PersonId.open_id("o1", "c-1"))
