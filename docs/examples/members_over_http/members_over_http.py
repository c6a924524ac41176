"""Members who live behind the shop's HTTP API.

    POST  /members               {"profile": {…}, "client_type": "pc"}, Idempotency-Key: …   200 or 201 {"id": 1}
    GET   /members/{id}          200 {"id", "uname", "nickname", "face", "sex", "disabled"}, or 404
    PATCH /members/{id}/profile  {"nickname", "face", …}                                     204

Configured by the environment: `SHOP_MEMBERS_URL`, and `SHOP_MEMBERS_TOKEN`, a bearer token. Errors are simply raised:
connect-login answers 503 `unavailable`, logs their type, and has written nothing.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import httpx

from connect_core.plugin import ClientType, MemberDirectory, Profile, hookimpl

TIMEOUT = httpx.Timeout(3, connect=1)


class MembersOverHttp:
    """The four questions, asked over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        """`url` is where `/members` is."""
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT, trust_env=False)

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return what the shop shows of a member, or None."""
        answer = await self._http.get(f"/members/{member_id}")
        if answer.status_code == 404:
            return None
        found: Mapping[str, Any] = answer.raise_for_status().json()
        return found

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Register a member; the shop knows by the key that it has answered before."""
        answer = await self._http.post(
            "/members",
            json={"profile": asdict(profile), "client_type": client_type},
            headers={"idempotency-key": key},
        )
        member_id: int = answer.raise_for_status().json()["id"]
        return member_id

    async def is_disabled(self, member_id: int) -> bool:
        """Tell whether the shop refuses this member, or has none of that id."""
        shown = await self.find(member_id)
        return shown is None or shown["disabled"] is not False

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Hand on what the vendor tells now; the shop decides what it takes over."""
        answer = await self._http.patch(f"/members/{member_id}/profile", json=asdict(profile))
        answer.raise_for_status()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


@hookimpl
def connect_member_directory(settings: Any) -> MemberDirectory:
    """Members live behind `SHOP_MEMBERS_URL`."""
    return MembersOverHttp(os.environ["SHOP_MEMBERS_URL"], os.environ["SHOP_MEMBERS_TOKEN"])
