"""The documents of an OpenID provider: its discovery document, its keys, and how clients authenticate with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from connect_core.doctor.calls_to_vendors import find_trouble
from connect_core.doctor.plugin_checks import get_failure
from connect_core.errors import ConnectError, PluginFailed
from connect_core.findings import Finding, Level
from connect_core.http import TOTAL_DEADLINE
from connect_core.providers.guarded import guarded
from connect_core.providers.oauth2 import NoSecret, SecretInForm, SecretInHeader
from connect_core.providers.oidc import Metadata, OidcProvider, PrivateKeyJwt, SignedSecret
from connect_core.providers.oidc.jwks import KeySet
from connect_core.providers.provider import Entrance

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
        return OpenidResult([_judge_metadata(error)])
    findings = [Finding("discovery_usable", Level.OK, "The endpoints of the issuer are known.")]
    try:
        keys = await guarded("get_keys", provider.get_keys, TOTAL_DEADLINE, provider)
    except ConnectError as error:
        findings.append(_judge_keys(error))
    else:
        findings += _find_unusable_keys(provider, keys)
    if entrance is not Entrance.CREDENTIAL:
        findings += _find_unlisted_method(provider, metadata)
    return OpenidResult(findings, metadata.issuer if metadata.names_itself else "", is_usable=True)


def _judge_metadata(error: ConnectError) -> Finding:
    return _judge(
        error,
        Finding(
            "discovery_unusable",
            Level.BROKEN,
            f"The discovery document cannot be used: {error}.",
            "Set issuer exactly as the provider's discovery document spells it, and discovery_url if it is elsewhere.",
        ),
    )


def _judge_keys(error: ConnectError) -> Finding:
    return _judge(
        error,
        Finding(
            "jwks_unusable",
            Level.BROKEN,
            f"The provider's keys cannot be used: {error}.",
            "Open jwks_uri of the discovery document, and set jwks_uri if the keys are elsewhere.",
        ),
    )


def _judge(error: ConnectError, finding: Finding) -> Finding:
    if isinstance(error, PluginFailed):
        return get_failure(error)
    return find_trouble(error) or finding


def _find_unusable_keys(provider: OidcProvider, keys: KeySet) -> Iterator[Finding]:
    if any(set(key.algorithms) & set(provider.algorithms) for key in keys.keys):
        yield Finding("jwks_usable", Level.OK, "The provider has keys for its ID tokens.")
    elif set(provider.algorithms) != {"HS256"}:
        yield Finding(
            "jwks_unusable",
            Level.BROKEN,
            f"None of the provider's keys is for {', '.join(provider.algorithms)}: no ID token can be checked.",
            "Let the provider publish a signing key, or name what it signs with in id_token_algorithms.",
        )


def _find_unlisted_method(provider: OidcProvider, metadata: Metadata) -> Iterator[Finding]:
    method = _METHODS.get(type(provider.make_authentication(metadata)), "")
    if method and metadata.lists_auth_methods and method not in metadata.auth_methods:
        yield Finding(
            "auth_method_unsupported",
            Level.WARNING,
            f"This client authenticates with {method}, which the discovery document does not list.",
            f"Set token_endpoint_auth_method to one of {', '.join(metadata.auth_methods)}, as registered there.",
        )
