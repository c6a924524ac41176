"""A whole plugin in one file, as an author tries one out."""

ACME_FILE = '''\
"""Login with Acme."""

from connect_core.plugin import Claims, OAuth2Provider, provider_hook
from connect_core.sandbox import OAuth2Sandbox


class AcmeProvider(OAuth2Provider):
    union_type = "ACME"
    titles = {"zh": "极品", "en": "Acme"}
    authorize_url = "https://acme.example/oauth/authorize"
    token_url = "https://api.acme.example/token"
    userinfo_url = "https://api.acme.example/me"
    claims = Claims(user_id="id", nickname="name")


class AcmeSandbox(OAuth2Sandbox):
    title = "Acme"
    provider = AcmeProvider


connect_register_providers = provider_hook("acme", AcmeProvider, sandbox="acme:AcmeSandbox")
'''
"""The text of `acme.py`."""
