"""`GET /connect/openapi.json`: the routes as an OpenAPI 3.1 document, for the address and the prefix of this shop.

The file beside this module, which `docs/reference/generate.py` writes from `operations` and `document`, is read at the
first request. Says nothing about the routes of operators.
"""

import hashlib
import json
from functools import lru_cache
from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.endpoints import route
from connect_core.web.mounting import get_root

FILE = "openapi.json"
PREFIX, SESSION_COOKIE = "/connect", "__Host-connect_session"
"""What the file has in place of the shop's own prefix and cookie."""
_HEADERS = {"cache-control": "public, max-age=3600", "access-control-allow-origin": "*"}


def openapi_routes(context: WebContext) -> list[BaseRoute]:
    """Return the route of this module."""
    public_url, session_cookie = context.manager.settings.service.public_url, context.cookies.session

    @lru_cache(maxsize=4)  # a mounted application may be reached below more than one root
    def get_document(root: str) -> tuple[bytes, str]:
        content = write_document(public_url + root, context.route_prefix, session_cookie)
        return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'

    async def openapi(request: Request) -> Response:
        content, tag = get_document(get_root())
        headers = {**responses.HEADERS, **_HEADERS, "etag": tag}
        if responses.is_known(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    return [route(context, f"{context.route_prefix}/{FILE}", openapi, "GET")]


def write_document(server_url: str, prefix: str, session_cookie: str) -> bytes:
    """Return the document of a service at `server_url`, as JSON.

    `prefix` is where its routes begin, such as `/connect`, and `session_cookie` the name of its session cookie.
    """
    document: dict[str, Any] = json.loads(resources.files(__package__).joinpath(FILE).read_text("utf-8"))
    document["servers"] = [{"url": server_url}]
    document["paths"] = {_move(path, prefix): operations for path, operations in document["paths"].items()}
    document["components"]["securitySchemes"]["session"]["name"] = session_cookie
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _move(path: str, prefix: str) -> str:
    """Return a path of the file as this shop has it; that of metadata ends with the prefix (RFC 8414 §3.1)."""
    if path.startswith(f"{PREFIX}/"):
        return prefix + path.removeprefix(PREFIX)
    return path.removesuffix(PREFIX) + prefix if path.endswith(PREFIX) else path
