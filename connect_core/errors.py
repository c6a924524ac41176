"""Every error that the library raises, and the codes that JSON bodies, pages and docs show.

    ConnectError
    ├── SettingsError                    start-up: the shop's configuration
    ├── PluginError                      start-up: a plugin that cannot be used
    ├── RequestRefused                   the visitor or the client can do something about it
    │   ├── BadRequest                   400 bad_request
    │   │   └── PasswordRefused          400 bad_request
    │   ├── StateMissing                 400 state_missing
    │   ├── StateInvalid                 400 state_invalid
    │   ├── StateExpired                 400 state_expired
    │   ├── RedirectNotAllowed           400 redirect_not_allowed
    │   ├── ProviderDenied               400 provider_denied
    │   │   └── PagePreviewed            400 provider_denied
    │   ├── CodeMissing                  400 code_missing
    │   ├── CodeSeen                     400 code_seen
    │   ├── CodeInvalid                  400 code_invalid
    │   ├── NotLoggedIn                  401 not_logged_in
    │   ├── TokenInvalid                 401 token_invalid
    │   ├── ClientInvalid                401 client_invalid
    │   ├── MemberDisabled               403 member_disabled
    │   ├── ConsentRequired              403 consent_required
    │   ├── Forbidden                    403 forbidden
    │   │   ├── LoginTooOld              403 forbidden
    │   │   ├── ConnectionTooYoung       403 forbidden
    │   │   ├── NotThisMember            403 forbidden
    │   │   └── RoleNeeded               403 forbidden
    │   ├── Unsupported                  404 unsupported
    │   │   ├── PageNotFound             404 unsupported
    │   │   ├── NotThere                 404 unsupported
    │   │   ├── MethodNotAllowed         405 unsupported
    │   │   ├── NothingToMerge           404 unsupported
    │   │   └── NobodyToJoin             404 unsupported
    │   ├── AlreadyBound                 409 already_bound
    │   │   └── BelongsToAnother         409 already_bound
    │   ├── LastConnection               409 last_connection
    │   ├── ChangedMeanwhile             409 changed_meanwhile
    │   │   └── PageOutdated             409 changed_meanwhile
    │   └── RateLimited                  429 rate_limited
    │       └── TooManyTries             429 rate_limited
    ├── ProviderFault                    the vendor, or our registration with it
    │   ├── ProviderUnsigned             502 provider_unsigned
    │   ├── ProviderBadResponse          502 provider_bad_response
    │   │   ├── ContradictingAnswer      502 provider_bad_response
    │   │   └── PluginFailed             502 provider_bad_response
    │   ├── ProviderRefused              502 provider_refused
    │   │   ├── AuthorizationRefused     502 provider_refused
    │   │   └── ProviderDown             502 provider_refused
    │   ├── ProviderConfig               502 provider_config
    │   └── ProviderTimeout              504 provider_timeout
    └── Unavailable                      503 unavailable

A text names keys and codes, never values: no secret, code, token or state may appear in it. What the vendor answered
(its own error code, its trace id) is in `vendor`, which is logged and never shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self


class ConnectError(Exception):
    """The root of the tree. Each class has a constant `code` and the HTTP `status` that goes with it.

    The list of codes is closed, because clients rely on it: a subclass outside this module may not have its own.
    """

    code: ClassVar[str] = "unavailable"
    status: ClassVar[int] = 503

    def __init_subclass__(cls) -> None:
        """Raise `TypeError` for a subclass elsewhere with a `code` or `status` of its own."""
        super().__init_subclass__()
        if cls.__module__ != __name__ and {"code", "status"} & vars(cls).keys():
            raise TypeError(f"{cls.__name__}: the list of error codes is closed; remove code and status")

    def __init__(
        self,
        text: str = "",
        *,
        vendor: Mapping[str, str] | None = None,
        retry_after: int | None = None,
        needs_operator: bool = False,
    ) -> None:
        """`text` is for the log; `vendor` is the vendor's own code and trace id; `retry_after` is in seconds.

        `needs_operator` makes the log line of a refusal a warning that otherwise is about the visitor alone.
        """
        super().__init__(text or self.code)
        self.needs_operator = needs_operator
        self.vendor: Mapping[str, str] = vendor or {}
        self.retry_after = retry_after


class SettingsError(ConnectError):
    """The configuration cannot be used. Lists every mistake, each with the path of its key."""

    code = "provider_config"
    status = 502

    def __init__(self, mistakes: Sequence[str]) -> None:
        """`mistakes` are lines of the form `key.path: what is wrong`."""
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class PluginError(ConnectError):
    """A plugin cannot be used: two have the same name, a hook is misspelt, or the like."""


class RequestRefused(ConnectError):
    """The request is refused, and nothing was written. The visitor can start again."""

    code = "bad_request"
    status = 400


class BadRequest(RequestRefused):
    """A parameter is repeated, malformed or too long."""


class PasswordRefused(BadRequest):
    """The new password is not accepted. `reason` says why in one word, `detail` in a sentence for the client."""

    def __init__(self, reason: str, detail: str) -> None:
        """`reason` is `too_short`, `too_long`, `common` or `name`; neither text contains the password."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class StateMissing(RequestRefused):
    """The authorization response has no `state` (RFC 6749 §10.12), or an app's login no ticket."""

    code = "state_missing"


class StateInvalid(RequestRefused):
    """The `state` is unknown, altered, already used, or was issued to another browser."""

    code = "state_invalid"
    reason = ""
    """Which of these, in a word of `Measurements.count_refused_state`; empty for what is no state."""

    def because(self, reason: str) -> Self:
        """Set `reason`, and return the error itself."""
        self.reason = reason
        return self


class StateExpired(RequestRefused):
    """The login was started more than ten minutes ago."""

    code = "state_expired"


class RedirectNotAllowed(RequestRefused):
    """The return target is outside `redirect_allow`."""

    code = "redirect_not_allowed"


class ProviderDenied(RequestRefused):
    """The person refused or cancelled the login at the vendor."""

    code = "provider_denied"


class PagePreviewed(ProviderDenied):
    """The vendor's app only previews the page, with a made-up person; the visitor has to leave the preview first."""


class CodeMissing(RequestRefused):
    """The request has no authorization code."""

    code = "code_missing"


class CodeSeen(RequestRefused):
    """This authorization code was presented before. A code can be used once."""

    code = "code_seen"


class CodeInvalid(RequestRefused):
    """The vendor rejects the authorization code: it has expired, was used, or is another app's."""

    code = "code_invalid"


class NotLoggedIn(RequestRefused):
    """Nobody is logged in: there is no valid session."""

    code = "not_logged_in"
    status = 401


class TokenInvalid(RequestRefused):
    """The access or refresh token is unknown, expired, revoked or reused."""

    code = "token_invalid"
    status = 401


class ClientInvalid(RequestRefused):
    """The service that asks about a token has no or a wrong client id or secret (RFC 6749 §2.3)."""

    code = "client_invalid"
    status = 401


class MemberDisabled(RequestRefused):
    """The shop has disabled this member."""

    code = "member_disabled"
    status = 403


class ConsentRequired(RequestRefused):
    """The person has to agree to the shop's terms before a member is registered; `consent` names their version."""

    code = "consent_required"
    status = 403


class Forbidden(RequestRefused):
    """The request is not allowed."""

    code = "forbidden"
    status = 403


class LoginTooOld(Forbidden):
    """The request needs a more recent login (RFC 9470)."""


class ConnectionTooYoung(Forbidden):
    """The connection cannot be ended yet; `retry_after` says in how many seconds it can (`unbind_after`)."""


class NotThisMember(Forbidden):
    """The login that was to confirm who the member is leads to somebody else, or to nobody."""


class RoleNeeded(Forbidden):
    """An administrator may not do this. `role` is the least role that may; empty where the person has none at all."""

    def __init__(self, role: str, text: str) -> None:
        super().__init__(text)
        self.role = role


class Unsupported(RequestRefused):
    """This provider is not configured for this client type."""

    code = "unsupported"
    status = 404


class PageNotFound(Unsupported):
    """There is nothing at this address, or this shop has switched it off."""


class NotThere(Unsupported):
    """The session, connection or merge that the request names does not exist, or not any more."""


class MethodNotAllowed(Unsupported):
    """The address exists, and takes other methods (RFC 9110 §15.5.6)."""

    status = 405

    def __init__(self, allowed: Sequence[str]) -> None:
        """`allowed` are the methods that the address takes."""
        super().__init__("the address does not take this method")
        self.allowed = tuple(allowed)


class NothingToMerge(Unsupported):
    """The identity that the person has just proved belongs to no other member."""


class NobodyToJoin(Unsupported):
    """The identity by which a person wants to prove their account belongs to no member."""


class AlreadyBound(RequestRefused):
    """The identity belongs to another member, or the member has another identity of this vendor."""

    code = "already_bound"
    status = 409


class BelongsToAnother(AlreadyBound):
    """The identity belongs to another member. The person may merge the two members."""


class LastConnection(RequestRefused):
    """The member could not log in any more without this connection."""

    code = "last_connection"
    status = 409


class ChangedMeanwhile(RequestRefused):
    """Somebody else changed it since it was read: read it again, and repeat the change if it is still wanted."""

    code = "changed_meanwhile"
    status = 409


class PageOutdated(ChangedMeanwhile):
    """The form's page showed another member or login than the browser has now: look at the page again."""


class RateLimited(RequestRefused):
    """Too many requests from this address."""

    code = "rate_limited"
    status = 429


class TooManyTries(RateLimited):
    """Too many tries to log in with this member name and a password."""


class ProviderFault(ConnectError):
    """The vendor's side of a login failed; no member, connection or session was written.

    `trouble` says what kept a call from being answered: `dns`, `connect`, `tls` or `timeout`; or `outage`, where the
    answer was that the vendor is down for everybody. Else it is empty.
    """

    code = "provider_bad_response"
    status = 502
    trouble = ""


class ProviderUnsigned(ProviderFault):
    """The vendor's answer has no valid signature, so it is not used."""

    code = "provider_unsigned"


class ProviderBadResponse(ProviderFault):
    """The vendor's answer cannot be used: not as documented, too large, or with ids that contradict each other."""


class ContradictingAnswer(ProviderBadResponse):
    """A later answer contradicts the proof of who the person is: it names somebody else, or is for another client."""


class PluginFailed(ProviderBadResponse):
    """The plugin itself failed: its code raised something that is no error of this tree."""


class ProviderRefused(ProviderFault):
    """The vendor refuses for now: it is busy or down, or its call limit is reached."""

    code = "provider_refused"


class AuthorizationRefused(ProviderRefused):
    """The vendor sent the person back with an error that nobody here knows.

    It is logged as information, since anybody can send such a word. If it means that the person refused, name it in the
    setting `denial_words`.
    """


class ProviderDown(ProviderRefused):
    """The last logins found the vendor down, so none is begun for now; `retry_after` says for how long."""


class ProviderConfig(ProviderFault):
    """The vendor refuses the shop's registration: keys, app id, certificate or permission. The operator must act."""

    code = "provider_config"


class ProviderTimeout(ProviderFault):
    """The vendor did not answer within the deadline."""

    code = "provider_timeout"
    status = 504


class Unavailable(ConnectError):
    """Our database does not answer, or too many calls to this vendor wait already. Sent with `Retry-After`."""


def every_error() -> Iterator[type[ConnectError]]:
    """Yield the errors that a visitor can meet: the direct subclasses of two branches, then `Unavailable`."""
    for family in (RequestRefused, ProviderFault):
        yield from family.__subclasses__()
    yield Unavailable


def printable(text: str, limit: int = 64) -> str:
    """Return the printable ASCII characters among the first `limit` characters of a vendor's text, for the log."""
    return "".join(c for c in text[:limit] if c.isascii() and c.isprintable())
