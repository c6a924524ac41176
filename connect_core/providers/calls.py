"""Calling a provider: `parse_response` before it, then one function for each of its methods, under a deadline.

A plugin that raises, hangs or returns nonsense ends this login and nothing else: whatever it does becomes a
`ConnectError`, and its results are checked before the core believes them. Decides which failures of `fetch_profile`,
`fetch_phone` and `revoke` do not end a login. Never touches the database, a session or a cookie.
"""

import logging
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from connect_core.errors import (
    BadRequest,
    CodeMissing,
    ConnectError,
    ContradictingAnswer,
    ProviderBadResponse,
    ProviderDenied,
    ProviderUnsigned,
    RequestRefused,
    Unsupported,
    printable,
)
from connect_core.http import TOTAL_DEADLINE
from connect_core.identity import ID_MAX, Identity, IdKind, PersonId, Profile, VendorSession, VerifiedPhone
from connect_core.limits import CODE_LIMIT, LOGIN_URL_LIMIT, TOKEN_LIMIT
from connect_core.providers.abilities import (
    DeepLinks,
    EndsVendorSession,
    FetchesClaims,
    FetchesPhone,
    LogoutNotice,
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    ReceivesLogouts,
    ReceivesNotices,
    Revokes,
    VendorNotice,
)
from connect_core.providers.denials import ERROR_NAMES, find_error, get_error_kind, is_denial
from connect_core.providers.guarded import blame, guarded
from connect_core.providers.provider import (
    AuthorizationRequest,
    AuthorizationResponse,
    Entrance,
    Provider,
)

PROFILE_DEADLINE = 4.0
"""Seconds that `fetch_profile`, or `fetch_phone`, may take of the login's `TOTAL_DEADLINE`."""
CREDENTIAL = "id_token"
"""The parameter that holds the ID token of the entrance `credential`."""
LOGOUT_URL_LIMIT = 2 * TOKEN_LIMIT
"""Characters of the address of a vendor's log-out, which may hold an ID token."""
_PROFILE_NAMES = tuple(attribute.name for attribute in fields(Profile))
log = logging.getLogger("connect_login")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReceivedCode:
    """The person agreed: `code` is the authorization code or, for the entrance `credential`, the ID token."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """There is no usable code: `error` says why, for the caller to raise once it has spent the flow."""

    error: ConnectError


def parse_response(
    provider: Provider, parameters: Mapping[str, str], entrance: Entrance = Entrance.REDIRECT
) -> ReceivedCode | Refusal:
    """Return what the `parameters` of a callback or token request say: a code, or the reason that there is none.

    A redirect is an authorization response of RFC 6749 §4.1.2 and may carry an error instead (§4.1.2.1). Any other
    `entrance` hands in a code or ID token, and an error among its parameters has no meaning. Never raises.

    A parameter that is there but empty is absent. Some vendors send a word of `denials` in place of the code.

    The error of a `Refusal` is `ProviderDenied` when the person refused, what `denials` says for other errors of the
    vendor, `CodeMissing` without a code, and `BadRequest` for a malformed code or for a code beside an error.
    """
    try:
        return _parse_response(provider, parameters, entrance)
    except BadRequest as error:  # a parameter that is read here is malformed, or contradicts itself
        return Refusal(error)


def _parse_response(provider: Provider, parameters: Mapping[str, str], entrance: Entrance) -> ReceivedCode | Refusal:
    if entrance is Entrance.CREDENTIAL:
        return _parse_code(parameters, (CREDENTIAL,), TOKEN_LIMIT, "ID token")
    names = get_code_names(provider)
    codes = [parameters[name] for name in names if parameters.get(name)]
    if any(is_denial(code, provider) for code in codes):
        return Refusal(ProviderDenied("the person refused: a word stands in place of the code"))
    if entrance is Entrance.REDIRECT:
        if vendor_error := find_error(parameters):
            return Refusal(_get_refusal(vendor_error, provider, has_code=bool(codes)))
        has_code = bool(codes) or any(value for name, value in parameters.items() if _is_code(name))
        if provider.refuses_without_code and not has_code:
            return Refusal(ProviderDenied("the person went back without agreeing"))
    return _parse_code(parameters, names, CODE_LIMIT, "authorization code")


def is_handed_in(provider: Provider, parameters: Container[str]) -> bool:
    """Tell whether a client hands in a code or ID token, by any name that `parse_response` reads; it may be empty."""
    return any(name in parameters for name in (*get_code_names(provider), CREDENTIAL))


def _is_code(name: str) -> bool:
    return name.endswith("code") and name not in ERROR_NAMES


def get_code_names(provider: Provider) -> tuple[str, ...]:
    """Return the names under which a code of the provider may come."""
    return tuple(dict.fromkeys(("code", *provider.code_names)))


def _get_refusal(vendor_error: str, provider: Provider, *, has_code: bool) -> ConnectError:
    if has_code:
        return BadRequest("the response carries a code and an error")
    kind, vendor = get_error_kind(vendor_error, provider), {"error": printable(vendor_error)}
    return kind("the vendor answered the authorization request with an error", vendor=vendor)


def _parse_code(
    parameters: Mapping[str, str], names: Iterable[str], limit: int, description: str
) -> ReceivedCode | Refusal:
    codes = list({parameters[name]: name for name in names if parameters.get(name)})
    if not codes:
        return Refusal(CodeMissing(f"there is no {description}"))
    if len(codes) > 1 or len(codes[0]) > limit or not codes[0].isascii() or not codes[0].isprintable():
        return Refusal(BadRequest(f"the {description} is malformed, or there are two"))
    return ReceivedCode(codes[0])


def find_codes(provider: Provider, parameters: Iterable[tuple[str, str]]) -> list[str]:
    """Return at most four codes or ID tokens among `parameters`, which are pairs of name and value.

    For a response that is refused: its codes are remembered, so that no other flow can use them. Takes parameters that
    `parse_response` would refuse, such as a code that came twice.
    """
    names = (*get_code_names(provider), CREDENTIAL)
    codes = dict.fromkeys(value for name, value in parameters if name in names and 0 < len(value) <= TOKEN_LIMIT)
    return list(codes)[:4]


async def get_login_url(provider: Provider, request: AuthorizationRequest, seconds: float = TOTAL_DEADLINE) -> str:
    """Return the provider's login URL, or the string that a native SDK takes.

    Waits at most `seconds`. Raises what `Provider.get_login_url` may raise, `ProviderTimeout`, and
    `ProviderBadResponse` for a result that is not 1 to 8192 printable ASCII characters.
    """
    return _checked_url(
        await guarded("get_login_url", lambda: provider.get_login_url(request), seconds, provider, request)
    )


def _checked_url(login_url: object, limit: int = LOGIN_URL_LIMIT) -> str:
    if not (isinstance(login_url, str) and 0 < len(login_url) <= limit):
        raise ProviderBadResponse("the plugin answered no login URL")
    if not (login_url.isascii() and login_url.isprintable()):
        raise ProviderBadResponse("the plugin answered no login URL")
    return login_url


def get_deep_link(provider: DeepLinks, start_url: str, user_agent: str) -> str | None:
    """Return the link that opens `start_url` in the vendor's app, or None for a visitor who is inside it.

    Raises `ProviderBadResponse` when the plugin raises, or returns no link.
    """
    try:
        link: object = provider.get_deep_link(start_url, user_agent)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - as in `guarded`
        fault = blame(error)
    else:
        return None if link is None else _checked_url(link)
    raise fault


async def login_callback(
    provider: Provider, response: AuthorizationResponse, seconds: float = TOTAL_DEADLINE
) -> Identity:
    """Return the person whom the code of `response` names: the one call of a login to the vendor.

    Waits at most `seconds`. Raises what `Provider.login_callback` may raise, `ProviderTimeout`, and
    `ProviderBadResponse` for a result that the tables cannot hold.
    """
    return _checked(
        provider,
        await guarded("login_callback", lambda: provider.login_callback(response), seconds, provider, response),
    )


async def fetch_claims(provider: Provider, response: AuthorizationResponse) -> Mapping[str, Any]:
    """Return the verified claims of the person whom the code of `response` names.

    Raises as `login_callback`, and `Unsupported` for a provider without this ability.
    """
    if not isinstance(provider, FetchesClaims):
        raise Unsupported("this provider tells no claims")
    claims: object = await guarded(
        "fetch_claims", lambda: provider.fetch_claims(response), TOTAL_DEADLINE, provider, response
    )
    if isinstance(claims, Mapping):
        return claims
    raise ProviderBadResponse("the plugin answered no claims")


async def fetch_profile(provider: Provider, identity: Identity, seconds: float) -> Identity:
    """Return `identity` with its profile, or unchanged when there is none that can be used.

    The person is proved already, and a profile is for display only. So the login goes on whatever becomes of this
    call: the vendor refuses, is down or late, answers what nobody can read, or the plugin fails at it. The log says why
    (`profile_refused`). Waits at most `seconds`, and never longer than `PROFILE_DEADLINE`.

    Raises `ContradictingAnswer` for an answer about another person, and `ProviderUnsigned` for a forged one: somebody
    may have changed the proof too.
    """
    try:
        within = min(seconds, PROFILE_DEADLINE)
        answer = await guarded("fetch_profile", lambda: provider.fetch_profile(identity), within, provider, identity)
        return _described(provider, identity, answer)
    except (ProviderUnsigned, ContradictingAnswer):
        raise
    except ConnectError as error:
        _log_refusal("profile_refused", error)
        return identity


def _described(provider: Provider, identity: Identity, answer: object) -> Identity:
    described = _checked(provider, answer)
    if not set(identity.ids) <= set(described.ids):
        raise ContradictingAnswer("the profile does not name the person whose it is")
    return described


def _log_refusal(event: str, error: ConnectError, level: int = logging.WARNING) -> None:
    vendor = {f"vendor_{key}": value for key, value in error.vendor.items()}
    log.log(level, event, extra={"code": error.code, "reason": str(error), **vendor})


def log_refused_phone(error: ConnectError) -> None:
    """Log why a login goes on without a phone number; what the client sent wrong calls no operator."""
    _log_refusal("phone_refused", error, logging.INFO if isinstance(error, RequestRefused) else logging.WARNING)


async def fetch_phone(
    provider: Provider, response: AuthorizationResponse, identity: Identity, seconds: float = TOTAL_DEADLINE
) -> VerifiedPhone | None:
    """Return the verified phone number that came with the code; None for a provider without this ability.

    The person is proved already, and the number is an extra. So None is also the result when the client posted
    something else than a number, or one that does not verify, and when the vendor refuses it, is down or late, or the
    plugin fails: the login goes on without a number, and the log says why (`phone_refused`). Waits at most `seconds`,
    and never longer than `PROFILE_DEADLINE`.

    Raises `ContradictingAnswer` for a number that the vendor says is another person's, and `ProviderUnsigned` for an
    answer of the vendor that is forged.
    """
    if not isinstance(provider, FetchesPhone):
        return None
    within = min(seconds, PROFILE_DEADLINE)
    try:
        phone: object = await guarded(
            "fetch_phone", lambda: provider.fetch_phone(response, identity), within, provider, response, identity
        )
        return _checked_phone(phone)
    except (ProviderUnsigned, ContradictingAnswer):
        raise
    except ConnectError as error:
        log_refused_phone(error)
        return None


def _checked_phone(phone: object) -> VerifiedPhone | None:
    match phone:
        case None | VerifiedPhone(number=str(), proof=str()):
            return phone
    raise ProviderBadResponse("the plugin answered no phone number")


async def revoke(provider: Provider, identity: Identity, seconds: float = TOTAL_DEADLINE) -> bool:
    """Withdraw the person's consent at the vendor; return True when that worked.

    Waits at most `seconds`. Returns False for a provider without this ability, and after a failure, which is logged as
    `revoke_failed`. Raises nothing.
    """
    if not isinstance(provider, Revokes):
        return False
    try:
        await guarded("revoke", lambda: provider.revoke(identity), seconds, provider, identity)
    except ConnectError as error:
        _log_refusal("revoke_failed", error)
        return False
    return True


async def read_logout(provider: Provider, logout_token: str, seconds: float = TOTAL_DEADLINE) -> LogoutNotice:
    """Return the checked content of a vendor's logout token.

    Waits at most `seconds`. Raises `Unsupported` for a provider without this ability, what
    `ReceivesLogouts.read_logout` may raise, `ProviderTimeout`, and `ProviderBadResponse` for a result that is no
    `LogoutNotice` about a session or a person.
    """
    if not isinstance(provider, ReceivesLogouts):
        raise Unsupported("this provider ends no logins")
    notice: object = await guarded(
        "read_logout", lambda: provider.read_logout(logout_token), seconds, provider, logout_token
    )
    match notice:
        case LogoutNotice(scope=str(), key=str(key), expiry_time=int(), sid=str(), subject=None | PersonId()):
            if key and (notice.sid or notice.subject):
                return notice
    raise ProviderBadResponse("the plugin answered no notice of a log-out")


async def read_notice(provider: Provider, request: NoticeRequest, seconds: float = TOTAL_DEADLINE) -> NoticeAnswer:
    """Return the checked content of what a vendor told.

    Waits at most `seconds`. Raises as `read_logout`, with `ReceivesNotices.read_notice` in its place.
    """
    if not isinstance(provider, ReceivesNotices):
        raise Unsupported("this provider takes no notices")
    given = (request.text, *request.parameters.values())
    answer: object = await guarded("read_notice", lambda: provider.read_notice(request), seconds, provider, *given)
    match answer:
        case NoticeAnswer(tuple(notices), str(), str(), int(status)) if 200 <= status < 300:
            if all(map(_is_notice, notices)):
                return answer
    raise ProviderBadResponse("the plugin answered no notice")


def _is_notice(notice: object) -> bool:
    match notice:
        case VendorNotice(kind=NoticeKind(), person=PersonId() as person, key=str(key), expiry_time=int()):
            return bool(key) and _is_sound(person)
    return False


async def get_logout_url(provider: Provider, hint: str, return_to: str, seconds: float) -> str | None:
    """Return where a member logs out at the vendor; None for a provider without this ability.

    Waits at most `seconds`. Raises as `get_login_url`.
    """
    if not isinstance(provider, EndsVendorSession):
        return None
    url: object = await guarded(
        "get_logout_url", lambda: provider.get_logout_url(hint, return_to), seconds, provider, hint
    )
    return None if url is None else _checked_url(url, LOGOUT_URL_LIMIT)


def _checked(provider: Provider, identity: object) -> Identity:
    """Return a plugin's result if the tables can hold it. Checks types too: not every author runs a type checker."""
    if not isinstance(identity, Identity):
        raise ProviderBadResponse("the plugin answered no identity")
    if identity.union_type != provider.union_type:
        raise ContradictingAnswer("the plugin answered an identity of another union type")
    ids: object = identity.ids
    if not (isinstance(ids, tuple) and all(map(_is_sound, ids))):
        raise ProviderBadResponse("the plugin answered something else than ids")
    if len({(person_id.kind, person_id.scope) for person_id in identity.ids}) < len(identity.ids):
        raise ContradictingAnswer("the plugin answered two ids of one kind")
    match identity.vendor_session:
        case None | VendorSession(sid=str(), hint=str()):
            pass
        case _:
            raise ProviderBadResponse("the plugin answered something else than a session of the vendor's")
    if identity.profile is None:
        return identity
    cleaned = _cleaned(identity.profile)
    return identity if cleaned == identity.profile else replace(identity, profile=cleaned)


def _is_sound(person_id: object) -> bool:
    match person_id:
        case PersonId(kind=IdKind(), scope=str(scope)):
            return len(scope) <= ID_MAX
    return False


def _cleaned(profile: object) -> Profile:
    if not isinstance(profile, Profile) or not isinstance(profile.is_certified, bool | None):
        raise ProviderBadResponse("the plugin answered something else than a profile")
    return Profile.of(**{name: getattr(profile, name) for name in _PROFILE_NAMES})
