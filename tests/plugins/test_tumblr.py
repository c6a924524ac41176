"""Tumblr's ids: the primary blog's, and never that of a blog which several people share."""

import json
from typing import Any

import pytest

from connect_core.plugin import PersonId, ProviderBadResponse
from connect_tumblr import TumblrProvider

from ..kit.vendor_transport import TOKENS, Transport, log_in, make

SHARED = {"name": "shared", "uuid": "t:shared", "primary": False}
PRIMARY = {"name": "derekg", "title": "Derek Gottfrid", "uuid": "t:0aY0xL2Fi1OFJg4YxpmegQ", "primary": True}


def answering(blogs: Any) -> Transport:
    """Return a Tumblr that answers user-info with `blogs`."""
    me = {"meta": {"status": 200}, "response": {"user": {"name": "derekg", "blogs": blogs}}}
    return Transport({"/v2/oauth2/token": TOKENS, "/v2/user/info": json.dumps(me).encode()})


@pytest.mark.parametrize("blogs", [[PRIMARY], [SHARED, PRIMARY], [PRIMARY, SHARED], [None, "x", PRIMARY]])
async def test_primary_blog_names_the_person(blogs: Any) -> None:
    """Wherever it stands in the list."""
    identity = await log_in(make(TumblrProvider, answering(blogs)))
    assert identity.ids == (PersonId.user_id("t:0aY0xL2Fi1OFJg4YxpmegQ"),)


@pytest.mark.parametrize("blogs", [[], [SHARED], [PRIMARY, PRIMARY], [{**PRIMARY, "primary": 1}], {}, None, "x"])
async def test_nobody_without_one_primary_blog(blogs: Any) -> None:
    """No blog, a shared one alone, or several primary ones: the answer names nobody."""
    with pytest.raises(ProviderBadResponse):
        await log_in(make(TumblrProvider, answering(blogs)))


async def test_nobody_without_an_id() -> None:
    """A primary blog without a `uuid` names nobody: its name can pass to another person."""
    with pytest.raises(ProviderBadResponse):
        await log_in(make(TumblrProvider, answering([{"name": "derekg", "primary": True}])))
