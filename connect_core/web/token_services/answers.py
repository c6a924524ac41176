"""The JSON answers of the routes for other services of the shop. Nothing here is called: types and words alone."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from connect_core.identity import ClientType


class OAuthProblem(TypedDict):
    """Why a request was refused, as clients of OAuth 2.0 read it (RFC 6749 §5.2)."""

    error: Literal[
        "invalid_request", "invalid_client", "invalid_grant", "unsupported_grant_type", "unsupported_token_type"
    ]
    code: str
    """The same in our own words for programs."""
    request_id: str
    """Finds the request in the service's log."""


class TokenDescription(TypedDict):
    """What a token says (RFC 7662 §2.2). One that is not active has no other member; times are epoch seconds."""

    active: bool
    token_type: NotRequired[Literal["Bearer", "refresh_token"]]
    iss: NotRequired[str]
    """`public_url`."""
    aud: NotRequired[str]
    """The same; a refresh token has none."""
    sub: NotRequired[str]
    """The member's id."""
    username: NotRequired[str]
    sid: NotRequired[str]
    """The login: all of its tokens have the same."""
    client_id: NotRequired[ClientType]
    client_type: NotRequired[ClientType]
    iat: NotRequired[int]
    exp: NotRequired[int]
    jti: NotRequired[str]
    auth_time: NotRequired[int]
    """When the member logged in."""


class ServerMetadata(TypedDict):
    """Where the token routes are, and what they take (RFC 8414)."""

    issuer: str
    """The `iss` of access tokens."""
    jwks_uri: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    grant_types_supported: list[str]
    response_types_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint: NotRequired[str]
    """Only where services are configured that may ask."""
    introspection_endpoint_auth_methods_supported: NotRequired[list[str]]
