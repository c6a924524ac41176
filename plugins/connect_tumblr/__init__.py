"""Tumblr login, by OAuth 2.0.

https://www.tumblr.com/docs/en/api/v2#oauth2-authorization
Person: https://www.tumblr.com/docs/en/api/v2#userinfo--get-a-users-information
Ids: https://www.tumblr.com/docs/en/api/v2#blog-unique-identifiers
"""

from collections.abc import Mapping
from typing import Any

from connect_core.plugin import Answer, Claims, OAuth2Provider, ProviderBadResponse, Quirks, provider_hook


class TumblrProvider(OAuth2Provider):
    """One app. An account has no id; its primary blog has one, and it is no other account's primary blog."""

    union_type = "TUMBLR"
    titles = {"zh": "Tumblr", "en": "Tumblr"}
    authorize_url = "https://www.tumblr.com/oauth2/authorize"
    token_url = "https://api.tumblr.com/v2/oauth2/token"
    userinfo_url = "https://api.tumblr.com/v2/user/info"
    scope = "basic"
    claims = Claims(user_id="primary_blog.uuid", nickname=("primary_blog.title", "name"))
    quirks = Quirks(
        pkce="never",
        userinfo_envelope="response.user",
        error_signs={"meta.status": "200"},
        errors={"code_invalid": ("401",), "provider_config": ("403",)},
    )

    def read_answer(self, operation: str, answer: Answer) -> Mapping[str, Any]:
        """Return the object in an answer, as the base provider does; that of user-info with `primary_blog`.

        `blogs` has every blog to which the person may post, those of others too.
        """
        content = super().read_answer(operation, answer)
        if operation != "userinfo":
            return content
        blogs = content.get("blogs")
        primary = [blog for blog in blogs if is_primary(blog)] if isinstance(blogs, list) else []
        if len(primary) != 1:
            raise ProviderBadResponse("user-info has no primary blog, or several")
        return {**content, "primary_blog": primary[0]}


def is_primary(blog: object) -> bool:
    """Return True for the object of an account's primary blog."""
    return isinstance(blog, Mapping) and blog.get("primary") is True


connect_register_providers = provider_hook(
    "tumblr", TumblrProvider, sandbox="connect_tumblr.sandbox:TumblrSandbox", icon="connect_tumblr:icon.svg"
)
