"""VK's sandbox: PKCE required, a device id in the callback, the person's id as a number and as a text.

https://id.vk.ru/about/business/go/docs/ru/vkid/latest/vk-id/connection/api-integration/api-description
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import PersonId, Profile
from connect_core.sandbox import DocumentedRequest, Grant, OAuth2Sandbox, Person, of_login
from connect_vk import VkProvider


class VkSandbox(OAuth2Sandbox):
    """One web app."""

    title = "VK 沙箱 · VK sandbox"
    provider = VkProvider
    client_id = "12345"
    requires_pkce = True
    error_statuses = (200, 200)
    documented = (
        # the page above: the form on which a person agrees
        DocumentedRequest(
            "GET",
            "https://id.vk.ru/authorize",
            query=of_login("response_type client_id redirect_uri state code_challenge code_challenge_method"),
            optional=("scope", "prompt", "provider", "lang_id", "scheme"),
        ),
        # the same page: a code for tokens
        DocumentedRequest(
            "POST",
            "https://id.vk.ru/oauth2/auth",
            form=of_login("grant_type client_id code redirect_uri state code_verifier device_id"),
            answer={
                "refresh_token": "XXXXX",
                "access_token": "XXXXX",
                "id_token": "XXXXX",
                "token_type": "Bearer",
                "expires_in": 3600,
                "user_id": 1234567890,
                "state": "XXX",
                "scope": "vkid.personal_info",
            },
        ),
        # the same page: data of the person (the answer without e-mail address and phone number)
        DocumentedRequest(
            "POST",
            "https://id.vk.ru/oauth2/user_info",
            form={"client_id": "{client_id}", "access_token": "{access_token}"},
            answer={
                "user": {
                    "user_id": "1234567890",
                    "first_name": "Ivan",
                    "last_name": "I.",
                    "avatar": "https://pp.userapi.com/60tZWMo4SmwcploUVl9XEt8ufnTTvDUmQ6Bj1g/mmv1pcj63C4.png",
                    "sex": 2,
                    "verified": False,
                    "birthday": "01.01.2000",
                }
            },
        ),
    )
    documented_ids = (PersonId.user_id(1234567890),)
    documented_profile = Profile(
        nickname="Ivan", face="https://pp.userapi.com/60tZWMo4SmwcploUVl9XEt8ufnTTvDUmQ6Bj1g/mmv1pcj63C4.png"
    )

    def response_parameters(self, person: Person, login: Mapping[str, str]) -> dict[str, str]:
        """Return the device id; `state` is in the callback anyway."""
        return {"device_id": f"device-{self.open_id(person.key)}", "type": "code_v2", "expires_in": "600"}

    def token_answer(self, grant: Grant, token: str) -> dict[str, Any]:
        """Return the token answer with the id of the person as a number."""
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "vkid.personal_info"}
        return {**answer, "user_id": self.user_id(grant.person.key)}

    def userinfo_answer(self, person: Person) -> dict[str, Any]:
        """Return the person, with the id as a text."""
        names = {"first_name": person.nickname, "last_name": ""}
        return {"user": {"user_id": str(self.user_id(person.key)), **names, "avatar": person.face, "verified": False}}
