"""Mercado Libre (Mercado Livre) login, through an application of one country's site.

Login: https://developers.mercadolibre.com.ar/en_us/authentication-and-authorization
Person: https://developers.mercadolibre.com.ar/en_us/users-and-applications
Sites: https://api.mercadolibre.com/sites
"""

from typing import Literal

from connect_core.plugin import Claims, Field, Http, OAuth2Provider, OAuth2Settings, Quirks, provider_hook

HOSTS = {
    "MLA": "auth.mercadolibre.com.ar",
    "MLB": "auth.mercadolivre.com.br",
    "MLC": "auth.mercadolibre.cl",
    "MCO": "auth.mercadolibre.com.co",
    "MLM": "auth.mercadolibre.com.mx",
    "MPE": "auth.mercadolibre.com.pe",
    "MLU": "auth.mercadolibre.com.uy",
}
"""The host of the login page of each site, by the site's id."""


class MercadoLibreSettings(OAuth2Settings):
    """One application: App ID and secret key."""

    site: Literal["MLA", "MLB", "MLC", "MCO", "MLM", "MPE", "MLU"] = Field(
        "MLA", description="The site whose login page people see: MLA Argentina, MLB Brazil, MLM Mexico …"
    )


class MercadoLibreProvider(OAuth2Provider):
    """One application. People of all countries have one series of numbers."""

    union_type = "MERCADOLIBRE"
    titles = {"zh": "Mercado Libre", "en": "Mercado Libre", "pt": "Mercado Livre"}
    Settings = MercadoLibreSettings
    authorize_url = f"https://{HOSTS['MLA']}/authorization"
    token_url = "https://api.mercadolibre.com/oauth/token"
    userinfo_url = "https://api.mercadolibre.com/users/me"
    id_claims = Claims(user_id="user_id")
    claims = Claims(user_id="id", nickname=("first_name", "nickname"), face="thumbnail.picture_url")
    quirks = Quirks(
        errors={
            "provider_config": ("forbidden", "unauthorized_application"),
            "provider_denied": ("invalid_operator_user_id",),  # an employee's account, not the seller's
            "provider_refused": ("local_rate_limited",),
        }
    )

    def __init__(self, settings: MercadoLibreSettings, http: Http) -> None:
        """Choose the login page of the site. Raises as the base provider does."""
        super().__init__(settings, http)
        self.authorize_url = str(settings.authorize_url or f"https://{HOSTS[settings.site]}/authorization")


connect_register_providers = provider_hook(
    "mercadolibre",
    MercadoLibreProvider,
    sandbox="connect_mercadolibre.sandbox:MercadoLibreSandbox",
    icon="connect_mercadolibre:icon.svg",
)
