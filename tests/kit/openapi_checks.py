"""Holds answers to what the OpenAPI document says: status, media type, and a body without undocumented members."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

Found = Iterator[str]
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


class Document:
    """An OpenAPI document; `check` compares an answer with it, `seen` are the operations that were answered well."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.operations: dict[str, tuple[str, re.Pattern[str], dict[str, Any]]] = {
            operation["operationId"]: (method, re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self.seen: set[str] = set()
        self._document = document

    def check(self, response: httpx.Response) -> None:
        """Fail unless the document allows this answer. A path or method that it does not know is passed over."""
        request = response.request
        if (name := self._find(request.method, request.url.path)) is None:
            return
        response.read()
        described = self.operations[name][2]["responses"]
        where = f"{name}: {request.method} {request.url.path} {response.status_code}"
        answer = described.get(str(response.status_code), described.get("default"))
        assert answer is not None, f"{where} is not described: {response.text[:300]}"
        content = self._follow(answer).get("content", {})
        media = response.headers.get("content-type", "").partition(";")[0]
        if content or response.content:
            schema = content.get(media, content.get("*/*"))
            assert schema is not None, f"{where}: {media} is not described: {response.text[:200]}"
            if "json" in media and "*/*" not in content:
                mistakes = [*self._compare(response.json(), schema["schema"], "body")]
                assert mistakes == [], f"{where}: {mistakes} in {response.text[:300]}"
        if response.status_code < 400:
            self.seen.add(name)

    def find_untyped(self) -> list[str]:
        """Return where a JSON answer of a success may be an object of which nothing is said."""
        return sorted(
            f"{name}: {place}"
            for name, (_, _, operation) in self.operations.items()
            for status, answer in operation["responses"].items()
            if status.startswith("2")
            for media, content in self._follow(answer).get("content", {}).items()
            if "json" in media
            for place in self._find_open(content.get("schema", {}), "body", frozenset())
        )

    def _find_open(self, schema: Mapping[str, Any], path: str, above: frozenset[str]) -> Found:
        """Yield the places in a schema that are an object without members, or nothing at all below a list."""
        if (name := schema.get("$ref", "")) in above:
            return
        schema, above = self._follow(schema), above | ({name} if name else set())
        members, more = schema.get("properties", {}), schema.get("additionalProperties", False)
        is_object = schema.get("type") == "object"
        if (is_object and not members and not isinstance(more, dict)) or (not schema and path.endswith(("]", "body"))):
            yield path
        parts = [*schema.get("anyOf", ()), *schema.get("allOf", ()), *([more] if isinstance(more, dict) else [])]
        for part in parts:
            yield from self._find_open(part, path, above)
        if schema.get("type") == "array" and "prefixItems" not in schema:
            yield from self._find_open(schema.get("items", {}), f"{path}[]", above)
        for member, part in members.items():
            yield from self._find_open(part, f"{path}.{member}", above)

    def _find(self, method: str, path: str) -> str | None:
        matching = [
            (pattern.pattern.count("[^/]+"), name)
            for name, (verb, pattern, _) in self.operations.items()
            if verb == method.lower() and pattern.fullmatch(path)
        ]
        return min(matching)[1] if matching else None

    def _follow(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        place: Any = self._document
        for step in part["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        return self._follow(place)

    def _compare(self, value: object, schema: Mapping[str, Any], path: str) -> Found:
        """Yield what is wrong with a value: JSON Schema as far as the document uses it."""
        schema = self._follow(schema)
        for part in schema.get("allOf", ()):
            yield from self._compare(value, part, path)
        if (options := schema.get("anyOf")) and all([*self._compare(value, option, path)] for option in options):
            yield f"{path} is none of what it may be"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{path} is not in the list"
        if "const" in schema and value != schema["const"]:
            yield f"{path} is another value"
        if (kind := schema.get("type")) and not self._has_type(value, kind):
            yield f"{path} is no {kind}"
            return
        if isinstance(value, list):
            for place, item in enumerate(value):
                yield from self._compare(item, schema.get("items", {}), f"{path}[{place}]")
        if isinstance(value, dict):
            yield from self._compare_members(value, schema, path)

    def _has_type(self, value: object, kind: str) -> bool:
        return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))

    def _compare_members(self, value: dict[str, Any], schema: Mapping[str, Any], path: str) -> Found:
        properties, more = schema.get("properties", {}), schema.get("additionalProperties")
        yield from (f"{path}.{name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            if name in properties:
                yield from self._compare(item, properties[name], f"{path}.{name}")
            elif isinstance(more, dict):
                yield from self._compare(item, more, f"{path}.{name}")
            elif "type" in schema and more is None:
                yield f"{path}.{name} is not described"
