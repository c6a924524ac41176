"""What the error in an authorization response means: the person refused, the vendor is busy, or the shop must act.

Owns the standards' words and the commonest of vendors. A provider adds its vendor's (`Provider.denial_words`), and a
shop further ones (the setting `denial_words`). Makes no call.
"""

from collections.abc import Mapping

from connect_core.errors import AuthorizationRefused, ConnectError, ProviderConfig, ProviderDenied, ProviderRefused
from connect_core.providers.provider import Provider

ERROR_NAMES = ("error", "error_code", "errorCode")
"""RFC 6749's name of the error in a callback, and those of vendors."""
NO_ERRORS = frozenset({"0", "false"})
"""Values of these parameters that mean no error."""
DENIALS = frozenset(
    {
        # RFC 6749 §4.1.2.1
        "access_denied",
        # OpenID Connect Core §3.1.2.6: the person would have had to do something, and did not
        *("account_selection_required", "consent_required", "interaction_required", "login_required"),
        # vendors' words
        *("authdeny", "cancel", "canceled", "cancelled", "declined", "denied", "user_cancel", "user_canceled"),
        *("user_cancelled", "user_declined", "user_denied", "user_refused"),
        *("user_canceled_authorize", "user_canceled_login", "user_cancelled_authorize", "user_cancelled_login"),
    }
)
"""Errors that mean the person refused or cancelled, in lower case."""
_BUSY = frozenset({"server_error", "temporarily_unavailable"})
_OF_THE_SHOP = frozenset(
    {
        # RFC 6749 §4.1.2.1 and vendors after it
        *("invalid_client", "invalid_redirect_uri", "invalid_request", "invalid_scope", "redirect_uri_mismatch"),
        *("redirect_mismatch", "unauthorized_client", "unsupported_response_type"),
        # OpenID Connect Core §3.1.2.6, RFC 9101 §7
        *("invalid_request_object", "invalid_request_uri", "registration_not_supported", "request_not_supported"),
        *("request_uri_not_supported", "unsupported_response_mode"),
    }
)
"""Errors that only a change of the registration or of the settings ends, in lower case."""


def find_error(parameters: Mapping[str, str]) -> str:
    """Return the vendor's error in the `parameters` of a callback, or the empty text when there is none."""
    words = (parameters.get(name, "").strip() for name in ERROR_NAMES)
    return next((word for word in words if word and word.lower() not in NO_ERRORS), "")


def is_denial(word: str, provider: Provider) -> bool:
    """Return True when `word` means that the person refused at this provider. Capitals do not matter."""
    further = (*provider.denial_words, *getattr(getattr(provider, "settings", None), "denial_words", ()))
    return word.lower() in DENIALS or word.lower() in {other.lower() for other in further}


def get_error_kind(word: str, provider: Provider) -> type[ConnectError]:
    """Return the error of ours for the vendor's `word`: one that nobody knows calls no operator."""
    if is_denial(word, provider):
        return ProviderDenied
    if word.lower() in _BUSY:
        return ProviderRefused
    return ProviderConfig if word.lower() in _OF_THE_SHOP else AuthorizationRefused
