"""VK login (VK ID), by OAuth 2.1.

https://id.vk.ru/about/business/go/docs/ru/vkid/latest/vk-id/connection/api-integration/api-description
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class VkProvider(OAuth2Provider):
    """One web app. It has no secret in the token call, but PKCE and the id of the device, which the callback brings."""

    union_type = "VK"
    titles = {"zh": "VK", "en": "VK"}
    authorize_url = "https://id.vk.ru/authorize"
    token_url = "https://id.vk.ru/oauth2/auth"
    userinfo_url = "https://id.vk.ru/oauth2/user_info"
    id_claims = Claims(user_id="user_id")
    claims = Claims(user_id="user.user_id", nickname=("user.first_name", "user.last_name"), face="user.avatar")
    quirks = Quirks(
        client_auth="none",
        token_from_callback=("device_id", "state"),
        userinfo_method="form",
        userinfo_parameters={"access_token": "{access_token}", "client_id": "{client_id}"},
    )


connect_register_providers = provider_hook(
    "vk", VkProvider, sandbox="connect_vk.sandbox:VkSandbox", icon="connect_vk:icon.svg"
)
