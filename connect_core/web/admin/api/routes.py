"""The routes of the management API, and the OpenAPI document that is written from them."""

import re
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core import __version__
from connect_core.administrators.api_tokens import ApiTokens
from connect_core.errors import ConnectError
from connect_core.web import endpoints, responses
from connect_core.web.admin.api.administrators import administrator_routes
from connect_core.web.admin.api.events import event_routes
from connect_core.web.admin.api.guard import answer_api_error, guard
from connect_core.web.admin.api.members import member_routes
from connect_core.web.admin.api.providers import provider_routes
from connect_core.web.admin.api.requests import ApiRoute
from connect_core.web.admin.api.service import service_routes
from connect_core.web.admin.api.settings import setting_routes
from connect_core.web.admin.context import AdminContext
from connect_core.web.context import WebContext
from connect_core.web.surfaces import Surface

_ANSWER = {"content": {"application/json": {"schema": {"type": "object"}}}}
_FILES = {
    "type": "object",
    "description": "Each file is a part that is called as its setting, such as `providers.alipay.app_cert`.",
    "properties": {"base": {"type": "integer"}, "comment": {"type": "string"}},
    "additionalProperties": {"type": "string", "contentMediaType": "application/octet-stream"},
}
_PARAMETER = re.compile(r"\{(\w+)(?::(int))?\}")


def api_routes(admin: AdminContext) -> list[BaseRoute]:
    """Return the routes of the management API, below `/connect/admin/api`."""
    manager, web = admin.manager, admin.web
    tokens = ApiTokens(manager.database, manager.services.now)
    declared = list_routes(admin)
    base = f"{web.route_prefix}/admin/api"

    @cache
    def make_document() -> dict[str, Any]:
        return describe(declared)

    async def answer_document(request: Request) -> Response:
        url = f"{manager.settings.service.public_url}{admin.prefix}/api"
        return responses.json_response({**make_document(), "servers": [{"url": url}]})

    return [
        endpoints.route(web, f"{base}/openapi.json", answer_document, "GET", style=answer_api_error),
        *(
            endpoints.route(web, base + route.path, guard(web, tokens, route), route.method, style=answer_api_error)
            for route in declared
        ),
    ]


def api_surface(context: WebContext) -> Surface:
    """Return the surface of the management API, which has no pages."""

    async def answer_error(request: Request, error: ConnectError) -> Response:
        return answer_api_error(request, error)

    return Surface(f"{context.route_prefix}/admin/api", answer_error)


def list_routes(admin: AdminContext) -> list[ApiRoute]:
    """Return what the management API can do, one group after the other."""
    return [
        *member_routes(admin.manager),
        *provider_routes(admin),
        *setting_routes(admin),
        *event_routes(admin.manager),
        *administrator_routes(admin),
        *service_routes(admin),
    ]


def describe(routes: list[ApiRoute]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of `routes`, without its `servers`."""
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _describe_route(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "connect-login management API", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "code", "request_id"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "code": {"type": "string"},
                        "request_id": {"type": "string"},
                        "detail": {"type": "string"},
                        "mistakes": {"type": "array", "items": {"type": "string"}},
                    },
                }
            },
        },
    }


def _describe_route(route: ApiRoute) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "integer" if kind else "string"}}
        for name, kind in _PARAMETER.findall(route.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in route.query]
    described: dict[str, Any] = {
        "summary": route.summary,
        "description": f"Needs the scope `{route.scope}`.",
        "operationId": route.endpoint.__name__,
        "security": [{"token": [route.scope.value]}],
        "parameters": parameters,
        "responses": {
            str(route.status): {"description": "Done.", **({} if route.status == 204 else _ANSWER)},
            "default": {"description": "Refused.", "content": problem},
        },
    }
    if route.body is not None:
        content = {"application/json": {"schema": _inline(route.body.model_json_schema())}}
        described["requestBody"] = {"required": True, "content": content}
    elif route.takes_files:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _FILES}}}
    return described


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose definitions stand where they are used: their references are relative to the document."""
    definitions = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolve(definitions[part["$ref"].rpartition("/")[2]])
        return {name: resolve(value) for name, value in part.items()}

    resolved: dict[str, Any] = resolve(schema)
    return resolved
