"""Weibo (微博) login for websites.

Code: https://open.weibo.com/wiki/Oauth2/authorize
Token: https://open.weibo.com/wiki/OAuth2/access_token
Profile: https://open.weibo.com/wiki/2/users/show
Errors: https://open.weibo.com/wiki/Error_code
"""

from connect_core.plugin import Claims, InAppBrowser, OAuth2Provider, Quirks, provider_hook


class WeiboProvider(OAuth2Provider):
    """One website app. Weibo has no PKCE, and the token answer has the person's id already."""

    union_type = "WEIBO"
    titles = {"zh": "微博", "en": "Weibo"}
    own_browser = InAppBrowser.WEIBO
    authorize_url = "https://api.weibo.com/oauth2/authorize"
    token_url = "https://api.weibo.com/oauth2/access_token"
    userinfo_url = "https://api.weibo.com/2/users/show.json"
    id_claims = Claims(user_id="uid")
    claims = Claims(
        user_id=("idstr", "id"),
        nickname=("screen_name", "name"),
        face=("avatar_large", "profile_image_url"),
        sex="gender",
    )
    quirks = Quirks(
        scope_separator=",",
        pkce="never",
        authorize_h5={"display": "mobile"},
        language_name="language",
        languages={"zh": "", "ja": "en", "ko": "en"},
        userinfo_parameters={"access_token": "{access_token}", "uid": "{user_id}"},
        error_signs={"error_code": "0"},
        errors={
            "code_invalid": ("21314", "21315", "21316", "21317", "21327", "21332"),  # the access token
            # wrong App Key; no right to the call; app in review, and the person is not one of its testers
            "provider_config": ("10006", "10014", "21321"),
            "provider_denied": ("21330",),
        },
    )


connect_register_providers = provider_hook(
    "weibo", WeiboProvider, sandbox="connect_weibo.sandbox:WeiboSandbox", icon="connect_weibo:icon.svg"
)
