"""Takes secrets out of the errors that a plugin raises, before anybody logs them or hands them to a hook.

Knows only what the core itself gave the plugin: the code, the state and what else the client sent, the grant, the
secret settings. What a vendor answered is unknown here; the log's formatter masks what looks like a credential.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

from connect_core.errors import ConnectError
from connect_core.identity import Identity
from connect_core.providers.provider import AuthorizationRequest, AuthorizationResponse, Provider

MASK = "[removed]"
SHORTEST = 6
"""Characters below which a value is a word, such as a language, and no secret."""
PUBLIC_PARAMETERS = frozenset({"error", "error_description", "error_uri", "iss", "scope", "app_id", "appid", "source"})
"""Parameters of a redirect that are no secrets and say what went wrong: RFC 6749 §4.1.2.1, RFC 9207 §2, Alipay's."""


Given: TypeAlias = AuthorizationRequest | AuthorizationResponse | Identity | str
"""What a plugin was handed. A text is a secret as a whole, such as a logout token."""


def redact(error: ConnectError, provider: Provider, *given: Given) -> None:
    """Replace in the text and the `vendor` values of `error` every secret that is in `given` or in the settings.

    A `vendor` that is no mapping is dropped: whoever logs the error would fail on it.
    """
    secrets = {form for secret in _find_secrets(provider, given) for form in (secret, quote(secret, safe=""))}
    longest_first = sorted((secret for secret in secrets if len(secret) >= SHORTEST), key=len, reverse=True)

    def clean(text: object) -> str:
        cleaned = str(text)
        for secret in longest_first:
            cleaned = cleaned.replace(secret, MASK)
        return cleaned

    error.args = tuple(map(clean, error.args))
    vendor: object = error.vendor
    error.vendor = {clean(key): clean(value) for key, value in vendor.items()} if isinstance(vendor, Mapping) else {}


def _find_secrets(provider: Provider, given: Iterable[Given]) -> Iterator[str]:
    for value in dict(getattr(provider, "settings", ())).values():
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    for source in given:
        match source:
            case AuthorizationRequest():
                yield from (source.state, source.nonce)
            case AuthorizationResponse():
                yield from (source.code, source.nonce, source.code_verifier)
                yield from (value for name, value in source.parameters.items() if name not in PUBLIC_PARAMETERS)
            case Identity():
                yield from (source.grant, source.session_key)
                yield source.vendor_session.hint if source.vendor_session else ""
            case str():
                yield source
