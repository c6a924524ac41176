"""Battle.net login (Blizzard).

https://community.developer.battle.net/documentation/guides/using-oauth/authorization-code-flow
Addresses and scope: https://community.developer.battle.net/documentation/guides/using-oauth
The names of the person's members are from two libraries, not the vendor's page, which says that they are the account's
id and the BattleTag: pennersr/django-allauth, nextauthjs/next-auth.
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class BattlenetProvider(OAuth2Provider):
    """One client, for every region but mainland China. The name is the BattleTag; there is no picture."""

    union_type = "BATTLENET"
    titles = {"zh": "战网", "en": "Battle.net"}
    authorize_url = "https://oauth.battle.net/authorize"
    token_url = "https://oauth.battle.net/token"
    userinfo_url = "https://oauth.battle.net/userinfo"
    scope = "openid"
    claims = Claims(user_id="id", nickname="battletag")
    quirks = Quirks(pkce="never", client_auth="basic")


connect_register_providers = provider_hook(
    "battlenet",
    BattlenetProvider,
    sandbox="connect_battlenet.sandbox:BattlenetSandbox",
    icon="connect_battlenet:icon.svg",
)
