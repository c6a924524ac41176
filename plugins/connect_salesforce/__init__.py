"""Salesforce login, with people of any Salesforce org, or of one org or Experience Cloud site.

Code and token: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm
PKCE: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_pkce.htm
Person: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_userinfo_endpoint.htm
Errors: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flow_errors.htm
"""

from connect_core.plugin import Claims, OAuth2Provider, Quirks, provider_hook


class SalesforceProvider(OAuth2Provider):
    """One external client app, or connected app.

    A person's id counts in their org; a sandbox org may have copies of another org's ids.
    """

    union_type = "SALESFORCE"
    titles = {"zh": "Salesforce", "en": "Salesforce"}
    authorize_url = "https://login.salesforce.com/services/oauth2/authorize"
    token_url = "https://login.salesforce.com/services/oauth2/token"
    userinfo_url = "https://login.salesforce.com/services/oauth2/userinfo"
    scope = "openid profile"
    claims = Claims(union_id="user_id", union_scope="organization_id", nickname=("name", "nickname"))
    quirks = Quirks(
        errors={
            "provider_config": ("invalid_client_id", "invalid_client_credentials", "redirect_uri_missing"),
            # the person, their org, or their administrator
            "provider_denied": ("access-denied", "inactive_user", "inactive_org", "OAUTH_APP_ACCESS_DENIED"),
        }
    )


connect_register_providers = provider_hook(
    "salesforce",
    SalesforceProvider,
    sandbox="connect_salesforce.sandbox:SalesforceSandbox",
    icon="connect_salesforce:icon.svg",
)
