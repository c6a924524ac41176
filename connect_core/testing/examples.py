"""What a vendor's example answers say of the person, and what their author may have forgotten.

Values only: makes no request and decides about no rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connect_core.providers.oauth2 import Claims, OAuth2Provider
from connect_core.providers.oauth2.responses import find_value
from connect_core.providers.provider import Provider
from connect_core.testing.wire import WireRequest
from connect_core.vendor_values import is_absent

_KINDS = ("user_id", "union_id", "open_id")
ENVELOPE_HINT = ". Does the answer need `userinfo_envelope`?"


def find_hint(provider: type[Provider], example: object) -> str:
    """Return a question about the envelope, where all of a user-info `example` lies inside one of its members."""
    if not issubclass(provider, OAuth2Provider) or provider.quirks.userinfo_envelope:
        return ""
    holds_objects = isinstance(example, Mapping) and any(isinstance(value, Mapping) for value in example.values())
    return ENVELOPE_HINT if holds_objects else ""


def find_contradiction(provider: type[Provider], examples: Sequence[tuple[WireRequest, Any]]) -> str:
    """Return which ids of one kind differ between the example answers, each with its request; else the empty text."""
    for kind in _KINDS:
        stated: dict[str, str] = {}
        for wire, body in examples:
            for value in _find_ids(provider, wire, body, kind):
                stated.setdefault(value, f"{value} in {wire}")
        if len(stated) > 1:
            return ", ".join(stated.values())
    return ""


def _find_ids(provider: type[Provider], wire: WireRequest, body: Any, kind: str) -> Iterator[str]:
    if not isinstance(body, Mapping):
        return
    for claims, envelope in _find_claims(provider, wire):
        inner = find_value(body, envelope) if envelope else body
        paths = getattr(claims, kind)
        for path in (paths,) if isinstance(paths, str) else paths:
            value = find_value(inner, path) if isinstance(inner, Mapping) else None
            if not is_absent(value):
                yield str(value)
                break


def _find_claims(provider: type[Provider], wire: WireRequest) -> Iterator[tuple[Claims, str]]:
    """Yield where ids may stand in the answer to `wire`, each with the path of the object that holds it."""
    if not issubclass(provider, OAuth2Provider):
        yield Claims(user_id=("id_token.sub", "sub")), ""
        return
    quirks = provider.quirks
    named = provider.id_claims if provider.id_claims.has_ids else Claims()
    calls = (
        (provider.token_url, Claims() if provider.id_url else named, quirks.token_envelope),
        (provider.id_url, named, quirks.id_envelope),
        (provider.userinfo_url, provider.claims, quirks.userinfo_envelope),
        (provider.code_url, provider.code_claims, quirks.code_envelope),
    )
    yield from ((claims, envelope) for url, claims, envelope in calls if url and url == wire.url)
