"""A member directory over the shop's HTTP API.

    POST  /members               {"profile": {…}, "client_type": "pc"}, Idempotency-Key: …   200 or 201 {"id": 1}
    GET   /members/{id}          200 {"id", "uname", "nickname", "face", "sex", "disabled"}, or 404
    PATCH /members/{id}/profile  {"nickname", "face", …}                                     204

Configured by two environment variables: `SHOP_MEMBERS_URL`, and `SHOP_MEMBERS_TOKEN`, a bearer token. Errors are not
caught here: connect-login answers 503 `unavailable`, logs their type, and writes nothing.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import httpx

from connect_core.plugin import ClientType, MemberDirectory, Profile, hookimpl

TIMEOUT = httpx.Timeout(3, connect=1)


class MembersOverHttp:
    """Finds, registers and updates members over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        """`url` is the address below which `/members` is; `token` goes into the `Authorization` header."""
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False)

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return the member's public data, or None for an unknown id."""
        answer = await self._http.get(f"/members/{member_id}")
        if answer.status_code == 404:
            return None
        member: Mapping[str, Any] = answer.raise_for_status().json()
        return member

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Return the id of a new member, or of the member whom an earlier call registered with the same key."""
        answer = await self._http.post(
            "/members",
            json={"profile": asdict(profile), "client_type": client_type},
            headers={"idempotency-key": key},
        )
        member_id: int = answer.raise_for_status().json()["id"]
        return member_id

    async def is_disabled(self, member_id: int) -> bool:
        """Return True for a member who may not log in, and for an unknown id."""
        member = await self.find(member_id)
        return member is None or member["disabled"] is not False

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Send the vendor's newer profile; the shop decides what it takes from it."""
        answer = await self._http.patch(f"/members/{member_id}/profile", json=asdict(profile))
        answer.raise_for_status()

    async def aclose(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()


@hookimpl
def connect_member_directory(settings: Any) -> MemberDirectory:
    """Use the members behind `SHOP_MEMBERS_URL`."""
    return MembersOverHttp(os.environ["SHOP_MEMBERS_URL"], os.environ["SHOP_MEMBERS_TOKEN"])
