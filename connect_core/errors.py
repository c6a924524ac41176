"""Every error the product raises, and the one list of codes that JSON bodies, pages and docs show.

    ConnectError
    ├── SettingsError                    start-up: the shop's configuration
    ├── PluginError                      start-up: a plugin that cannot be used
    ├── RequestRefused                   the visitor or the client can do something about it
    │   ├── BadRequest                   400 bad_request
    │   ├── StateMissing                 400 state_missing
    │   ├── StateInvalid                 400 state_invalid
    │   ├── StateExpired                 400 state_expired
    │   ├── RedirectNotAllowed           400 redirect_not_allowed
    │   ├── ProviderDenied               400 provider_denied
    │   ├── CodeMissing                  400 code_missing
    │   ├── CodeSeen                     400 code_seen
    │   ├── CodeInvalid                  400 code_invalid
    │   ├── NotLoggedIn                  401 not_logged_in
    │   ├── TokenInvalid                 401 token_invalid
    │   ├── MemberDisabled               403 member_disabled
    │   ├── Forbidden                    403 forbidden
    │   │   └── LoginTooOld              403 forbidden
    │   ├── Unsupported                  404 unsupported
    │   │   └── NothingToMerge           404 unsupported
    │   ├── AlreadyBound                 409 already_bound
    │   │   └── BelongsToAnother         409 already_bound
    │   ├── LastConnection               409 last_connection
    │   └── RateLimited                  429 rate_limited
    ├── ProviderFault                    the vendor, or our registration with it
    │   ├── ProviderUnsigned             502 provider_unsigned
    │   ├── ProviderBadResponse          502 provider_bad_response
    │   ├── ProviderRefused              502 provider_refused
    │   ├── ProviderConfig               502 provider_config
    │   └── ProviderTimeout              504 provider_timeout
    └── Unavailable                      503 unavailable

Texts name keys and codes, never values: no secret, code, token or state may stand in one. What the vendor said
(its own code, its trace id) travels in `vendor` and reaches the log only.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar


class ConnectError(Exception):
    """Root of the tree; carries a constant `code` and the HTTP `status` that goes with it."""

    code: ClassVar[str] = "unavailable"
    status: ClassVar[int] = 503

    def __init__(
        self, text: str = "", *, vendor: Mapping[str, str] | None = None, retry_after: int | None = None
    ) -> None:
        """`text` is for the log; `vendor` holds the vendor's own code and trace id; `retry_after` is in seconds."""
        super().__init__(text or self.code)
        self.vendor: Mapping[str, str] = vendor or {}
        self.retry_after = retry_after


class SettingsError(ConnectError):
    """The configuration cannot be used; lists every mistake, each with the path of its key."""

    code = "provider_config"
    status = 502

    def __init__(self, mistakes: Sequence[str]) -> None:
        """`mistakes`: one line each, `key.path: what is wrong`."""
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class PluginError(ConnectError):
    """A plugin breaks the rules of the seam (two of one name, a misspelt hook)."""


class RequestRefused(ConnectError):
    """The request is refused, nothing was written; the visitor can start again."""

    code = "bad_request"
    status = 400


class BadRequest(RequestRefused):
    """A parameter is repeated, malformed or too long."""


class StateMissing(RequestRefused):
    """The response carries no `state` (RFC 6749 §10.12), or the app's login no ticket."""

    code = "state_missing"


class StateInvalid(RequestRefused):
    """The `state` is unknown, altered, spent, or was minted for another browser."""

    code = "state_invalid"


class StateExpired(RequestRefused):
    """The flow is older than its ten minutes."""

    code = "state_expired"


class RedirectNotAllowed(RequestRefused):
    """The return target is outside `redirect_allow`."""

    code = "redirect_not_allowed"


class ProviderDenied(RequestRefused):
    """The person refused or cancelled at the vendor."""

    code = "provider_denied"


class CodeMissing(RequestRefused):
    """No authorization code was handed in."""

    code = "code_missing"


class CodeSeen(RequestRefused):
    """This authorization code was presented before; codes are used once."""

    code = "code_seen"


class CodeInvalid(RequestRefused):
    """The vendor does not take the authorization code: expired, used, or another app's."""

    code = "code_invalid"


class NotLoggedIn(RequestRefused):
    """There is no live session."""

    code = "not_logged_in"
    status = 401


class TokenInvalid(RequestRefused):
    """The access or refresh token is unknown, expired, revoked or reused."""

    code = "token_invalid"
    status = 401


class MemberDisabled(RequestRefused):
    """The shop has disabled this member."""

    code = "member_disabled"
    status = 403


class Forbidden(RequestRefused):
    """The request is understood and not allowed."""

    code = "forbidden"
    status = 403


class LoginTooOld(Forbidden):
    """What was asked for wants a fresh login (RFC 9470)."""


class Unsupported(RequestRefused):
    """This provider is not offered for this client type."""

    code = "unsupported"
    status = 404


class NothingToMerge(Unsupported):
    """What was proved leads to no other member."""


class AlreadyBound(RequestRefused):
    """The identity belongs to another member, or the member has another identity of this vendor."""

    code = "already_bound"
    status = 409


class BelongsToAnother(AlreadyBound):
    """The identity belongs to another member, into whom or from whom a member may merge."""


class LastConnection(RequestRefused):
    """Unbinding would take the member's last way in."""

    code = "last_connection"
    status = 409


class RateLimited(RequestRefused):
    """Too many requests from this address."""

    code = "rate_limited"
    status = 429


class ProviderFault(ConnectError):
    """The vendor's side of a login failed; no member, connection or session was written."""

    code = "provider_bad_response"
    status = 502


class ProviderUnsigned(ProviderFault):
    """A success whose signature is missing or wrong; it is never used."""

    code = "provider_unsigned"


class ProviderBadResponse(ProviderFault):
    """The answer cannot be used: not what the vendor documents, too large, or ids that disagree."""


class ProviderRefused(ProviderFault):
    """The vendor refused for now (busy, over its call limit, out of order)."""

    code = "provider_refused"


class ProviderConfig(ProviderFault):
    """The vendor refuses our registration: keys, app id, certificate or permission. The operator must act."""

    code = "provider_config"


class ProviderTimeout(ProviderFault):
    """The vendor did not answer within the deadline."""

    code = "provider_timeout"
    status = 504


class Unavailable(ConnectError):
    """Our own database is down, or too many calls to one vendor wait already. Carries `Retry-After`."""


def every_error() -> Iterator[type[ConnectError]]:
    """Yield the leaves of the tree, the errors a visitor can meet, in the order of the drawing above."""
    for family in (RequestRefused, ProviderFault):
        yield from family.__subclasses__()
    yield Unavailable


def printable(text: str, limit: int = 64) -> str:
    """A vendor's word cut for the log: printable ASCII, short."""
    return "".join(c for c in text[:limit] if c.isascii() and c.isprintable())
