"""Where the token routes are and what they take, for gateways that want discovery (RFC 8414).

The same document is at every address that clients derive from `public_url`, or from where our routes begin. It names
nothing that this service does not do: there is no authorization endpoint, since logins begin at a provider.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.token_services.clients import METHODS, ResourceServers

OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
"""The name of RFC 8414 §3, and that of OpenID Connect Discovery, under which gateways look as well (§5)."""


def metadata_routes(context: WebContext, servers: ResourceServers) -> list[BaseRoute]:
    """Return the routes of this module."""

    async def answer_metadata(request: Request) -> Response:
        return responses.json_response(_describe(context, has_servers=bool(servers)))

    prefix = context.route_prefix
    paths = (OAUTH, f"{OAUTH}{prefix}", OPENID, f"{prefix}{OAUTH}", f"{prefix}{OPENID}")
    return [route(context, path, answer_metadata, "GET") for path in dict.fromkeys(paths)]


def _describe(context: WebContext, *, has_servers: bool) -> dict[str, object]:
    """Return the document. `issuer` is the `iss` of access tokens."""
    issuer = context.manager.sessions.access_tokens.issuer
    base = f"{context.manager.settings.service.public_url}{context.prefix}"
    methods = list(METHODS) if has_servers else []
    introspection = {
        "introspection_endpoint": f"{base}/introspect",
        "introspection_endpoint_auth_methods_supported": methods,
    }
    return {
        "issuer": issuer,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "token_endpoint": f"{base}/token/refresh",
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["refresh_token"],
        # required by §2, although nothing here has a response type
        "response_types_supported": [],
        "revocation_endpoint": f"{base}/revoke",
        "revocation_endpoint_auth_methods_supported": [*methods, "none"],
        **(introspection if has_servers else {}),
    }
