"""Asking a vendor: the one call of a login and the profile after it, under a total deadline.

A provider that raises, hangs or answers nonsense ends this login and nothing else. Two things are not a provider's to
decide and stand here: which failures leave a login standing, and what counts as a person's refusal.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import TypeVar

from connect_core.errors import (
    BadRequest,
    CodeMissing,
    ConnectError,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnsigned,
)
from connect_core.http import TOTAL_DEADLINE
from connect_core.identity import Identity, Profile
from connect_core.provider import AuthorizationRequest, AuthorizationResponse, FetchesPhone, Provider, VerifiedPhone

PROFILE_DEADLINE = 4.0
"""Seconds for the profile, within the login's total."""
CODE_LIMIT = 2048
_ERROR_NAMES = ("error", "error_code", "errorCode")
_DENIALS = frozenset(
    {"access_denied", "user_denied", "user_cancelled_login", "cancelled", "consent_required", "login_required"}
)
_BUSY = frozenset({"server_error", "temporarily_unavailable"})
log = logging.getLogger("connect_login")
T = TypeVar("T")


def get_refusal(provider: Provider, parameters: Mapping[str, str]) -> ConnectError | None:
    """Return the error that a response without a usable code stands for (RFC 6749 §4.1.2.1), else None."""
    told = next((parameters[name] for name in _ERROR_NAMES if name in parameters), None)
    has_code = any(parameters.get(name) for name in ("code", *provider.code_names))
    if told is not None and has_code:
        return BadRequest("the response carries a code and an error")
    if told is not None:
        kind = ProviderDenied if told in _DENIALS else ProviderRefused if told in _BUSY else ProviderConfig
        return kind("the vendor answered the authorization request with an error", vendor={"error": printable(told)})
    if has_code:
        return None
    if provider.refuses_without_code and not any(name.endswith("code") for name in parameters):
        return ProviderDenied("the person went back without agreeing")
    return CodeMissing("there is no authorization code")


def get_code(provider: Provider, parameters: Mapping[str, str]) -> str:
    """Return the code, under whichever of its names it came. Raises `CodeMissing`, `BadRequest` for two of them."""
    names = dict.fromkeys(("code", *provider.code_names))
    given = [parameters[name] for name in names if parameters.get(name)]
    if not given:
        raise CodeMissing("there is no authorization code")
    if len(given) > 1 or len(given[0]) > CODE_LIMIT or not given[0].isascii() or not given[0].isprintable():
        raise BadRequest("the authorization code is malformed or given twice")
    return given[0]


def printable(text: str, limit: int = 64) -> str:
    """A vendor's word cut for the log: printable ASCII, short."""
    return "".join(c for c in text[:limit] if c.isascii() and c.isprintable())


async def get_login_url(provider: Provider, request: AuthorizationRequest) -> str:
    """Return what the client needs to begin."""
    login_url = await _guarded(provider.get_login_url(request), TOTAL_DEADLINE)
    if not (login_url.isascii() and login_url.isprintable()):
        raise ProviderBadResponse("the plugin answered no login URL")
    return login_url


async def redeem(provider: Provider, response: AuthorizationResponse) -> Identity:
    """Ask the vendor, once, who the code names. Raises what `Provider.login_callback` may raise, and nothing else."""
    identity = await _guarded(provider.login_callback(response), TOTAL_DEADLINE)
    return _checked(provider, identity)


async def fetch_profile(provider: Provider, identity: Identity, seconds: float) -> Identity:
    """Return `identity` with its profile, or as it is when the vendor refuses one or has none to give in time.

    Raises `ProviderUnsigned` and `ProviderBadResponse`: an answer that cannot be trusted fails the login.
    """
    try:
        told = _checked(provider, await _guarded(provider.fetch_profile(identity), min(seconds, PROFILE_DEADLINE)))
    except (ProviderUnsigned, ProviderBadResponse):
        raise
    except ConnectError as error:
        log.warning(
            "profile_refused", extra={"code": error.code, **{f"vendor_{k}": v for k, v in error.vendor.items()}}
        )
        return identity
    return told


async def fetch_phone(provider: Provider, response: AuthorizationResponse) -> VerifiedPhone | None:
    """Return the verified phone number that came with the code, if the provider knows of such."""
    if not isinstance(provider, FetchesPhone):
        return None
    phone = await _guarded(provider.fetch_phone(response), TOTAL_DEADLINE)
    if phone is not None and not isinstance(phone, VerifiedPhone):
        raise ProviderBadResponse("the plugin answered no phone number")
    return phone


def with_phone(identity: Identity, phone: VerifiedPhone | None) -> Identity:
    """Return `identity` with the number in its profile."""
    if phone is None:
        return identity
    return replace(identity, profile=replace(identity.profile or Profile(), mobile=phone.number))


def _checked(provider: Provider, identity: object) -> Identity:
    if not isinstance(identity, Identity) or identity.union_type != provider.union_type:
        raise ProviderBadResponse("the plugin answered no identity of its union type")
    return identity


async def _guarded(asking: Awaitable[T], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await asking
    except ConnectError:
        raise
    except TimeoutError:
        fault: ConnectError = ProviderTimeout("the provider did not finish in time")
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - not even SystemExit out of a plugin may stop the service
        fault = ProviderBadResponse(f"the plugin raised {type(error).__name__}{_place(error)}")
    raise fault


def _place(error: BaseException) -> str:
    """Where a plugin raised; its text may hold anything and stays out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
