"""Everything that a plugin imports. A plugin imports no other module of connect-login.

For its sandbox and its tests there are `connect_core.sandbox` and `connect_core.testing`.

A plugin is a package with an entry point in the group `connect_login`. The entry point names a module or an object with
hooks:

    [project.entry-points.connect_login]
    acme = "connect_acme"

The module derives a provider class from `OAuth2Provider`, `OidcProvider` or `Provider`, and registers it:

    connect_register_providers = provider_hook("acme", AcmeProvider, sandbox="connect_acme.sandbox:AcmeSandbox")

A name that was renamed works for one release under its old name, with a `DeprecationWarning`.
"""

from pydantic import Field, SecretStr

from connect_core.crypto import (
    Certificate,
    RsaPrivateKey,
    RsaPublicKey,
    SigningKey,
    decrypt_aes_cbc,
    decrypt_aes_frame,
    encrypt_aes_cbc,
    load_certificates,
    load_private_key,
    load_public_key,
    md5_hex,
    sha1_hex,
)
from connect_core.display import clean_picture, clean_text
from connect_core.errors import (
    BadRequest,
    CodeInvalid,
    CodeMissing,
    ConnectError,
    ContradictingAnswer,
    PagePreviewed,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderFault,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnsigned,
    SettingsError,
)
from connect_core.findings import Finding, Level
from connect_core.http import Answer, Http, encode_form, note_trace, parse_object, with_query
from connect_core.identity import (
    ClientType,
    Identity,
    IdKind,
    Language,
    PersonId,
    Profile,
    VendorSession,
    VerifiedPhone,
)
from connect_core.providers.abilities import (
    ChecksItself,
    DeepLinks,
    EndsVendorSession,
    FetchesPhone,
    HasCertificates,
    LogoutNotice,
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    ReceivesLogouts,
    ReceivesNotices,
    RequiredBrowser,
    Revokes,
    VendorNotice,
    WorksInSomeBrowsers,
    get_notice_expiry,
)
from connect_core.providers.diagnosis import Diagnosis, Registered
from connect_core.providers.hookspecs import (
    ErasedEvent,
    LoginEvent,
    MemberDirectory,
    MergeEvent,
    MergePlan,
    RefusedEvent,
    Register,
    TokenRequest,
    hookimpl,
    provider_hook,
)
from connect_core.providers.oauth2 import (
    Claims,
    ClientAuthentication,
    Credentials,
    MiniProgramSettings,
    OAuth2Provider,
    OAuth2Settings,
    Quirks,
)
from connect_core.providers.oidc import (
    AuthMethod,
    EventToken,
    Issuer,
    Metadata,
    OidcProvider,
    OidcSettings,
    SignedSecret,
)
from connect_core.providers.parameters import get_display_text
from connect_core.providers.provider import (
    AuthorizationRequest,
    AuthorizationResponse,
    Entrance,
    Provider,
)
from connect_core.renamed import find_renamed as _find_renamed
from connect_core.settings import ConfiguredVendor, Duration, Endpoint, ProviderSettings
from connect_core.user_agents import InAppBrowser, find_in_app_browser
from connect_core.vendor_values import is_absent, read_number, read_phone, read_text

__all__ = [
    "Answer",
    "AuthMethod",
    "AuthorizationRequest",
    "AuthorizationResponse",
    "BadRequest",
    "Certificate",
    "ChecksItself",
    "Claims",
    "ClientAuthentication",
    "ClientType",
    "CodeInvalid",
    "CodeMissing",
    "ConfiguredVendor",
    "ConnectError",
    "ContradictingAnswer",
    "Credentials",
    "DeepLinks",
    "Diagnosis",
    "Duration",
    "Endpoint",
    "EndsVendorSession",
    "Entrance",
    "ErasedEvent",
    "EventToken",
    "FetchesPhone",
    "Field",
    "Finding",
    "HasCertificates",
    "Http",
    "IdKind",
    "Identity",
    "InAppBrowser",
    "Issuer",
    "Language",
    "Level",
    "LoginEvent",
    "LogoutNotice",
    "MemberDirectory",
    "MergeEvent",
    "MergePlan",
    "Metadata",
    "MiniProgramSettings",
    "NoticeAnswer",
    "NoticeKind",
    "NoticeRequest",
    "OAuth2Provider",
    "OAuth2Settings",
    "OidcProvider",
    "OidcSettings",
    "PagePreviewed",
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
    "ReceivesLogouts",
    "ReceivesNotices",
    "RefusedEvent",
    "Register",
    "Registered",
    "RequiredBrowser",
    "Revokes",
    "RsaPrivateKey",
    "RsaPublicKey",
    "SecretStr",
    "SettingsError",
    "SignedSecret",
    "SigningKey",
    "TokenRequest",
    "VendorNotice",
    "VendorSession",
    "VerifiedPhone",
    "WorksInSomeBrowsers",
    "clean_picture",
    "clean_text",
    "decrypt_aes_cbc",
    "decrypt_aes_frame",
    "encode_form",
    "encrypt_aes_cbc",
    "find_in_app_browser",
    "get_display_text",
    "get_notice_expiry",
    "hookimpl",
    "is_absent",
    "load_certificates",
    "load_private_key",
    "load_public_key",
    "md5_hex",
    "note_trace",
    "parse_object",
    "provider_hook",
    "read_number",
    "read_phone",
    "read_text",
    "sha1_hex",
    "with_query",
]

_RENAMED = {"Elsewhere": "RequiredBrowser", "WakesApp": "DeepLinks", "offer": "provider_hook"}


def __getattr__(name: str) -> object:
    return _find_renamed(__name__, name, _RENAMED, globals())
