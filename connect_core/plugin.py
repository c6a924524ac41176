"""The plugin author's face: everything a plugin imports, and nothing else.

A plugin is a package with an entry point in the group `connect_login` that names a module (or object) with hooks:

    [project.entry-points.connect_login]
    acme = "connect_acme"
"""

from pydantic import Field, SecretStr

from connect_core.crypto import (
    Certificate,
    RsaPrivateKey,
    RsaPublicKey,
    SigningKey,
    decrypt_aes_cbc,
    encrypt_aes_cbc,
    load_certificates,
    load_private_key,
    load_public_key,
    md5_hex,
    sha1_hex,
)
from connect_core.errors import (
    BadRequest,
    CodeInvalid,
    CodeMissing,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderFault,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnsigned,
    SettingsError,
)
from connect_core.hookspecs import (
    ErasedEvent,
    LoginEvent,
    MemberDirectory,
    RefusedEvent,
    Register,
    TokenRequest,
    hookimpl,
    offer,
)
from connect_core.http import Answer, Http, encode_form, parse_object, with_query
from connect_core.identity import ClientType, Identity, IdKind, Language, PersonId, Profile
from connect_core.oauth2 import Claims, ClientAuthentication, OAuth2Provider, OAuth2Settings, Quirks
from connect_core.oidc import Issuer, Metadata, OidcProvider, OidcSettings, SignedSecret
from connect_core.provider import (
    AuthorizationRequest,
    AuthorizationResponse,
    Elsewhere,
    Entrance,
    FetchesPhone,
    Provider,
    Revokes,
    VerifiedPhone,
    WakesApp,
    WorksInSomeBrowsers,
)
from connect_core.settings import ConfiguredVendor, Endpoint, ProviderSettings

__all__ = [
    "Answer",
    "AuthorizationRequest",
    "AuthorizationResponse",
    "BadRequest",
    "Certificate",
    "Claims",
    "ClientAuthentication",
    "ClientType",
    "CodeInvalid",
    "CodeMissing",
    "ConfiguredVendor",
    "Elsewhere",
    "Endpoint",
    "Entrance",
    "ErasedEvent",
    "FetchesPhone",
    "Field",
    "Http",
    "IdKind",
    "Identity",
    "Issuer",
    "Language",
    "LoginEvent",
    "MemberDirectory",
    "Metadata",
    "OAuth2Provider",
    "OAuth2Settings",
    "OidcProvider",
    "OidcSettings",
    "PersonId",
    "Profile",
    "Provider",
    "ProviderBadResponse",
    "ProviderConfig",
    "ProviderDenied",
    "ProviderFault",
    "ProviderRefused",
    "ProviderSettings",
    "ProviderTimeout",
    "ProviderUnsigned",
    "Quirks",
    "RefusedEvent",
    "Register",
    "Revokes",
    "RsaPrivateKey",
    "RsaPublicKey",
    "SecretStr",
    "SettingsError",
    "SignedSecret",
    "SigningKey",
    "TokenRequest",
    "VerifiedPhone",
    "WakesApp",
    "WorksInSomeBrowsers",
    "decrypt_aes_cbc",
    "encode_form",
    "encrypt_aes_cbc",
    "hookimpl",
    "load_certificates",
    "load_private_key",
    "load_public_key",
    "md5_hex",
    "offer",
    "parse_object",
    "sha1_hex",
    "with_query",
]
