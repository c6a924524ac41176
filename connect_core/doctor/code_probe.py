"""Tries a login with a made-up code. The vendor's refusal shows what it thinks of the app that sent the code.

A vendor checks who calls before it looks at the code. So a vendor that calls the code invalid has accepted app id,
secret, signature and clock. Owns what each refusal means; `Diagnosis` says where a vendor's means less.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from connect_core.doctor.calls_to_vendors import find_trouble
from connect_core.doctor.kinds import Kind
from connect_core.doctor.plugin_checks import SUBJECT, get_credential_names, get_failure
from connect_core.errors import (
    CodeInvalid,
    ConnectError,
    PluginFailed,
    ProviderConfig,
    ProviderRefused,
    ProviderUnsigned,
)
from connect_core.findings import Finding, Level
from connect_core.http import count_answers
from connect_core.providers import calls
from connect_core.providers.provider import AuthorizationResponse, Entrance
from connect_core.providers.registry import ConfiguredProvider

ACCEPTED = Kind(
    "credentials_accepted",
    Level.OK,
    SUBJECT,
    "The vendor refused a made-up code, and nothing else: it accepts this app, with its id, secret or signature.",
)
NOT_TOLD = Kind(
    "credentials_not_told",
    Level.OK,
    SUBJECT,
    "A made-up code does not show whether the app's settings are right: the vendor says the same of a wrong secret, "
    "documents no errors, or is not called with such a code.",
)
KEY_NOT_TOLD = Kind(
    "vendor_key_not_told",
    Level.OK,
    SUBJECT,
    "The vendor accepts this app, but did not sign its refusal of a made-up code, so its public key was not tried.",
)
REFUSED = Kind(
    "credentials_refused",
    Level.BROKEN,
    SUBJECT,
    "The vendor refuses the app itself: its id, secret, key, certificate, address or rights. Every login fails.",
    "Compare the app's id and its secret or key with the vendor's console.",
)
REDIRECT_REFUSED = Kind(
    "redirect_uri_refused",
    Level.BROKEN,
    SUBJECT,
    "The vendor does not accept our callback address, because another one is registered with it.",
    "Register at the vendor exactly the address that the finding callback_address shows.",
)
KEY_WRONG = Kind(
    "vendor_key_wrong",
    Level.BROKEN,
    SUBJECT,
    "The vendor's answer is not signed by the key or certificate that the settings have for it, so no login is taken.",
    "Copy the vendor's public key, or its certificate, from its console again; the app's own key is another one.",
)
CODE_ACCEPTED = Kind(
    "made_up_code_accepted",
    Level.BROKEN,
    SUBJECT,
    "A made-up code logged somebody in: anybody could log in as anybody.",
    "Take this provider out of [clients] at once, and look at its addresses and its plugin.",
)
BUSY = Kind(
    "vendor_busy",
    Level.WARNING,
    SUBJECT,
    "The vendor's server is overloaded or down (HTTP 429 or 5xx), so nothing was learned of the app's settings.",
    "Try again in a few minutes, and look at the vendor's status page.",
)
UNEXPECTED = Kind(
    "vendor_answer_unexpected",
    Level.WARNING,
    SUBJECT,
    "The answer to a made-up code was neither the refusal of the code nor that of the app.",
    "Look the vendor's word up in its documentation, and check that the addresses in the settings are its own.",
)
SIGNATURE, MISSING = "signature", "missing"
"""The member of `ConnectError.vendor`, with its value, by which a provider says that a refusal was not signed."""
_NO_WORDS = frozenset({SIGNATURE, "rid", "trace", "trace_id"})
"""Members of `ConnectError.vendor` that are not the vendor's error."""
_REMEDIES = {
    "": "Compare {credentials} with the vendor's console.",
    "invalid_scope": "Ask for scopes only that the vendor has granted this app (setting scope).",
    "unauthorized_client": "Allow this app in the vendor's console to log people in, and compare {credentials} there.",
}
"""What the operator does about an error that standards have (RFC 6749 §5.2), and about any other."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """How a made-up code was refused: by which error, with which words of the vendor's, after an answer or without.

    A word may be several, where the vendor has an error in two places or says it in a sentence.
    """

    error: ConnectError
    words: tuple[str, ...]
    was_answered: bool

    @property
    def said(self) -> str:
        """The vendor's own words, as part of a sentence."""
        return f" ({' '.join(self.words)})" if self.words else ""

    @property
    def single_words(self) -> tuple[str, ...]:
        """The words as they are, and what they consist of."""
        return tuple(dict.fromkeys((*self.words, *" ".join(self.words).split())))


async def probe_with_code(configured: ConfiguredProvider, callback_url: str, issuer: str = "") -> list[Finding]:
    """Return what the vendor's answer to a made-up code shows.

    `callback_url` is sent where a login comes back through it. `issuer` is the `iss` of an authorization response that
    the provider expects (RFC 9207), or empty.
    """
    response = _make_up_response(configured, callback_url, issuer)
    with count_answers() as answers:
        try:
            await calls.login_callback(configured.provider, response)
        except ConnectError as error:
            words = _get_words(error.vendor)
            return _judge(configured, _Refusal(error, words, was_answered=answers.value > 0))
    return [CODE_ACCEPTED.report("a made-up code logged somebody in")]


def _make_up_response(configured: ConfiguredProvider, callback_url: str, issuer: str) -> AuthorizationResponse:
    is_redirect = configured.entrance is Entrance.REDIRECT
    code, verifier = f"connect-login-doctor-{secrets.token_hex(8)}", secrets.token_urlsafe(32)
    parameters = {"code": code, "state": secrets.token_hex(16)}
    if issuer:
        parameters["iss"] = issuer
    if not is_redirect:  # some clients make a verifier of their own, and hand it in
        parameters["code_verifier"] = verifier
    return AuthorizationResponse.of_spent_flow(
        client_type=configured.client_type,
        code=code,
        parameters=parameters,
        redirect_uri=callback_url if is_redirect else "",
        nonce=secrets.token_hex(16) if is_redirect or configured.entrance.is_ticketed else "",
        code_verifier=verifier if is_redirect else "",
    )


def _get_words(vendor: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for key, value in vendor.items() if value and key not in _NO_WORDS))


def _judge(configured: ConfiguredProvider, refusal: _Refusal) -> list[Finding]:
    error = refusal.error
    if isinstance(error, PluginFailed):
        return [get_failure(error)]
    if trouble := find_trouble(error):
        return [trouble]
    match error:
        case ProviderUnsigned():
            return [KEY_WRONG.report(f"the vendor's answer is not signed by the configured key: {error}")]
        case ProviderConfig():
            return [_find_wrong_setting(configured, refusal)]
    if not refusal.was_answered:
        return [NOT_TOLD.report("this login calls the vendor only with what the vendor has given a person")]
    is_refused = isinstance(error, CodeInvalid) or (isinstance(error, ProviderRefused) and bool(refusal.words))
    if is_refused and configured.client_type in configured.provider.diagnosis.ambiguous_refusals:
        return [NOT_TOLD.report(f"the vendor's refusal of a made-up code{refusal.said} can mean a wrong app, too")]
    if isinstance(error, CodeInvalid):
        return _get_acceptance(refusal)
    if isinstance(error, ProviderRefused) and not refusal.words:
        return [BUSY.report(f"the vendor refuses calls for now: {error}")]
    return [UNEXPECTED.report(f"the vendor answered a made-up code in an unexpected way{refusal.said}: {error}")]


def _get_acceptance(refusal: _Refusal) -> list[Finding]:
    text = f"the vendor accepted this app and refused a made-up code{refusal.said}, as it should"
    is_unsigned = refusal.error.vendor.get(SIGNATURE) == MISSING
    further = [KEY_NOT_TOLD.report("the vendor did not sign its refusal, so its public key was not tried")]
    return [ACCEPTED.report(text), *(further if is_unsigned else [])]


def _find_wrong_setting(configured: ConfiguredProvider, refusal: _Refusal) -> Finding:
    diagnosis, words = configured.provider.diagnosis, refusal.single_words
    if any("redirect" in word.lower() or word in diagnosis.redirect_errors for word in words):
        return REDIRECT_REFUSED.report(f"the vendor does not accept our callback address{refusal.said}")
    credentials = " and ".join(get_credential_names(configured.provider)) or "the settings"
    known = (diagnosis.remedies.get(word) or _REMEDIES.get(word) for word in words)
    remedy = next(filter(None, known), _REMEDIES[""]).replace("{credentials}", credentials)
    return REFUSED.report(f"the vendor refuses this app{refusal.said or f': {refusal.error}'}", remedy)
