"""Dropbox login, through an app of the app console.

https://developers.dropbox.com/oauth-guide
Addresses and parameters: https://www.dropbox.com/developers/documentation/http/documentation#authorization
Person: https://www.dropbox.com/developers/documentation/http/documentation#users-get_current_account
Checked against Dropbox's own https://github.com/dropbox/dropbox-api-spec (the person in users.stone, the permission,
errors of calls in auth.stone) and https://github.com/dropbox/dropbox-sdk-python (addresses, parameters, statuses).
"""

from connect_core.plugin import Claims, Identity, OAuth2Provider, Quirks, provider_hook


class DropboxProvider(OAuth2Provider):
    """One app with the permission `account_info.read`. The token answer names the person."""

    union_type = "DROPBOX"
    titles = {"zh": "Dropbox", "en": "Dropbox"}
    authorize_url = "https://www.dropbox.com/oauth2/authorize"
    token_url = "https://api.dropboxapi.com/oauth2/token"
    userinfo_url = "https://api.dropboxapi.com/2/users/get_current_account"
    scope = "account_info.read"
    id_claims = Claims(user_id="account_id")
    claims = Claims(user_id="account_id", nickname="name.display_name", face="profile_photo_url")
    quirks = Quirks(
        userinfo_method="form",
        error_signs={"error..tag": ""},
        errors={
            "code_invalid": ("invalid_access_token", "expired_access_token"),
            "provider_denied": ("user_suspended",),
            "provider_config": ("missing_scope", "route_access_denied"),
        },
    )

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with the profile. Dropbox wants a POST without a body. Raises as the base provider does."""
        headers = {"authorization": f"Bearer {identity.grant}", "accept": "application/json"}
        answer = self.read_answer("userinfo", await self.http.post(self.userinfo_url, headers=headers))
        return identity.with_profile(self.read_profile(answer), self.read_ids(self.claims, answer))


connect_register_providers = provider_hook(
    "dropbox", DropboxProvider, sandbox="connect_dropbox.sandbox:DropboxSandbox", icon="connect_dropbox:icon.svg"
)
