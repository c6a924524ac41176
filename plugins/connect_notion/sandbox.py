"""Notion's sandbox: a token call that takes JSON, with the person who agreed in its answer.

https://developers.notion.com/reference/create-a-token
"""

from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, of_login
from connect_notion import NotionProvider


class NotionSandbox(OAuth2Sandbox):
    """One public integration."""

    title = "Notion 沙箱 · Notion sandbox"
    provider = NotionProvider
    client_id = "463558a3-725e-4f37-b6d3-0889894f68de"
    documented = (
        # https://developers.notion.com/guides/get-started/authorization, step 1
        DocumentedRequest(
            "GET",
            "https://api.notion.com/v1/oauth/authorize",
            query=of_login("response_type client_id redirect_uri state", owner="user"),
        ),
        # https://developers.notion.com/reference/create-a-token; the person: the example in the changelog of
        # 4 October 2021, https://github.com/ramnes/notion-sdk-py/issues/257
        DocumentedRequest(
            "POST",
            "https://api.notion.com/v1/oauth/token",
            json={"grant_type": "authorization_code", "code": "{code}", "redirect_uri": "{redirect_uri}"},
            headers={"Authorization": "Basic {basic_credentials}", "Content-Type": "application/json"},
            answer={
                "access_token": "e202e8c9-0990-40af-855f-ff8f872b1ec6",
                "token_type": "bearer",
                "refresh_token": "nrt_4991090011501Ejc6Xn4sHguI7jZIN449mKe9PRhpMfNK",
                "bot_id": "16d84278-ab0e-484c-9bdd-b35da3bd8905",
                "workspace_icon": "https://website.domain/images/image.png",
                "workspace_name": "Ada's Notion Workspace",
                "workspace_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
                "owner": {
                    "type": "user",
                    "user": {
                        "object": "user",
                        "id": "5389a034-eb5c-47b5-8a9e-f79c99ef166c",
                        "name": "christine makenotion",
                        "avatar_url": None,
                        "type": "person",
                        "person": {"email": "christine@makenotion.com"},
                    },
                },
                "duplicated_template_id": None,
                "request_id": "3c90c3cc-0d44-4b50-8888-8dd25736052a",
            },
        ),
    )
    documented_ids = (PersonId.user_id("5389a034-eb5c-47b5-8a9e-f79c99ef166c"),)
    documented_profile = Profile(nickname="christine makenotion")

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the person as owner."""
        person = grant.person
        user = {
            "object": "user",
            "id": self.union_id(person.key),
            "name": person.nickname,
            "avatar_url": person.face,
            "type": "person",
        }
        workspace = {"workspace_id": "made-up-workspace", "workspace_name": "Sandbox", "workspace_icon": None}
        owner = {"type": "user", "user": user}
        return {"access_token": token, "token_type": "bearer", "bot_id": "made-up-bot", **workspace, "owner": owner}
