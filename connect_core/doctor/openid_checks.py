"""The documents of an OpenID provider: its discovery document, its keys, and how clients authenticate with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from connect_core.doctor.calls_to_vendors import find_trouble
from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT, get_failure
from connect_core.errors import ConnectError, PluginFailed
from connect_core.findings import Finding, Level
from connect_core.http import TOTAL_DEADLINE
from connect_core.providers.guarded import guarded
from connect_core.providers.oauth2 import NoSecret, SecretInForm, SecretInHeader
from connect_core.providers.oidc import Metadata, OidcProvider, PrivateKeyJwt, SignedSecret
from connect_core.providers.oidc.jwks import KeySet
from connect_core.providers.provider import Entrance

DISCOVERY_USABLE = Kind(
    "discovery_usable",
    Level.OK,
    SUBJECT,
    "The discovery document of an OpenID provider names the configured issuer and all endpoints.",
)
DISCOVERY_UNUSABLE = Kind(
    "discovery_unusable",
    Level.BROKEN,
    SUBJECT,
    "The discovery document of an OpenID provider cannot be used: it is none, names another issuer, or lacks an "
    "endpoint. No login can begin.",
    "Set issuer exactly as the provider's discovery document spells it, and discovery_url if it is elsewhere.",
)
JWKS_USABLE = Kind("jwks_usable", Level.OK, SUBJECT, "An OpenID provider publishes keys that can sign its ID tokens.")
JWKS_UNUSABLE = Kind(
    "jwks_unusable",
    Level.BROKEN,
    SUBJECT,
    "The key set of an OpenID provider cannot be fetched or read, or has no key for the expected algorithms, so no ID "
    "token can be checked.",
    "Open jwks_uri of the discovery document; name what the provider signs with in id_token_algorithms.",
)
METHOD_UNSUPPORTED = Kind(
    "auth_method_unsupported",
    Level.WARNING,
    SUBJECT,
    "The way in which this client authenticates is not among those that the discovery document lists.",
    "Set token_endpoint_auth_method to one that the document lists, as registered at the provider.",
)
_METHODS = {
    SecretInHeader: "client_secret_basic",
    SecretInForm: "client_secret_post",
    SignedSecret: "client_secret_post",
    PrivateKeyJwt: "private_key_jwt",
    NoSecret: "none",
}
"""Our ways to authenticate, with their names in discovery documents (OpenID Connect Core §9)."""


@dataclass(frozen=True, slots=True)
class OpenidResult:
    """What the documents say. `issuer` is the one that answers carry (RFC 9207), empty where they carry none.

    `is_usable` is False when a login cannot even begin.
    """

    findings: list[Finding]
    issuer: str = ""
    is_usable: bool = False


async def check_openid(provider: OidcProvider, entrance: Entrance) -> OpenidResult:
    """Fetch discovery document and keys, and return what is to be said of them.

    For the entrance `credential` the client never authenticates.
    """
    try:
        metadata = await guarded("get_metadata", provider.get_metadata, TOTAL_DEADLINE, provider)
    except ConnectError as error:
        return OpenidResult([_judge(error, DISCOVERY_UNUSABLE, "the discovery document cannot be used")])
    findings = [DISCOVERY_USABLE.report("the issuer's endpoints are known")]
    try:
        keys = await guarded("get_keys", provider.get_keys, TOTAL_DEADLINE, provider)
    except ConnectError as error:
        findings.append(_judge(error, JWKS_UNUSABLE, "the provider's keys cannot be used"))
    else:
        findings += _find_unusable_keys(provider, keys)
    if entrance is not Entrance.CREDENTIAL:
        findings += _find_unlisted_method(provider, metadata)
    return OpenidResult(findings, metadata.issuer if metadata.names_itself else "", is_usable=True)


def _judge(error: ConnectError, kind: Kind, text: str) -> Finding:
    if isinstance(error, PluginFailed):
        return get_failure(error)
    return find_trouble(error) or kind.report(f"{text}: {error}")


def _find_unusable_keys(provider: OidcProvider, keys: KeySet) -> Iterator[Finding]:
    if any(set(key.algorithms) & set(provider.algorithms) for key in keys.keys):
        yield JWKS_USABLE.report("the provider has keys for its ID tokens")
    elif set(provider.algorithms) != {"HS256"}:
        yield JWKS_UNUSABLE.report(f"none of the provider's keys is for {', '.join(provider.algorithms)}")


def _find_unlisted_method(provider: OidcProvider, metadata: Metadata) -> Iterator[Finding]:
    method = _METHODS.get(type(provider.make_authentication(metadata)), "")
    if method and metadata.lists_auth_methods and method not in metadata.auth_methods:
        listed = ", ".join(metadata.auth_methods)
        yield METHOD_UNSUPPORTED.report(
            f"this client authenticates with {method}; the discovery document lists {listed}"
        )
