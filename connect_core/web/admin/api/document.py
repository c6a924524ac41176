"""The OpenAPI 3.1 document of the management API, made of its routes, their bodies and what their endpoints return.

The schema of an answer is that of the type which the endpoint declares and mypy checks, so it is written once.
"""

import re
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from connect_core import __version__
from connect_core.web.admin.api.requests import ApiRoute

_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = {
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
_FILES = {
    "type": "object",
    "description": "Each file is a part that is called as its setting, such as `providers.alipay.app_cert`.",
    "properties": {"base": {"type": "integer"}, "comment": {"type": "string"}},
    "additionalProperties": {"type": "string", "contentMediaType": "application/octet-stream"},
}
_PARAMETER = re.compile(r"\{(\w+)(?::(int))?\}")
_TAG = {"ETag": {"description": "The answer's `revision`, as `If-Match` takes it.", "schema": {"type": "string"}}}


class _AnswerSchema(GenerateJsonSchema):
    """Describes every field of a dataclass as one that is always there, those with a default too."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,  # noqa: FBT001 - as pydantic calls it
    ) -> bool:
        """Tell whether an answer always has the field."""
        return super().field_is_required(field, total) or field["type"] == "dataclass-field"


def describe(routes: list[ApiRoute]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of `routes`, without its `servers`."""
    kinds = {route.endpoint.__name__: route.answer for route in routes if route.status != 204}
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (name, "serialization", TypeAdapter(kind)) for name, kind in kinds.items()
    ]
    schemas, shared = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE, schema_generator=_AnswerSchema)
    paths: dict[str, Any] = {}
    for route in routes:
        answer = schemas.get((route.endpoint.__name__, "serialization"))
        described = _describe_route(route, answer and _without_titles(answer))
        paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "connect-login management API", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**_without_titles(shared.get("$defs", {})), "Problem": _PROBLEM},
        },
    }


def _describe_route(route: ApiRoute, answer: dict[str, Any] | None) -> dict[str, Any]:
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
            str(route.status): {"description": "Done.", **_describe_answer(route, answer)},
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


def _describe_answer(route: ApiRoute, answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        return {}
    headers = {"headers": _TAG} if route.is_tagged else {}
    return {**headers, "content": {"application/json": {"schema": answer}}}


def _without_titles(schema: Any) -> Any:
    """Return a schema without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_titles(value) for name, value in schema.items() if name != "title" or isinstance(value, dict)
    }
