"""The schemas of bodies and parameters: JSON Schema 2020-12, made by pydantic of `answers` and `parameters`.

Used when the OpenAPI document is written, and never by a running service.
"""

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import is_typeddict

from connect_core.errors import every_error
from connect_core.web import answers
from connect_core.web.legacy import answers as legacy
from connect_core.web.openapi import parameters

REFERENCE = "#/components/schemas/{model}"

Schema = dict[str, Any]


class Schemas:
    """The schemas of some types: `of` returns that of one, `components` those that it refers to."""

    def __init__(self, kinds: Iterable[Any]) -> None:
        """`kinds` are all types that `of` will be called with."""
        for module in (answers, legacy, parameters):
            _read_docstrings(module)
        named: dict[str, Any] = {str(kind): kind for kind in kinds}
        adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
            (name, "serialization", TypeAdapter(kind)) for name, kind in named.items()
        ]
        schemas, shared = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE)
        self._schemas = {name: _without_titles(schema) for (name, _), schema in schemas.items()}
        self.components: dict[str, Schema] = {
            name: _without_titles(schema) for name, schema in sorted(shared.get("$defs", {}).items())
        }
        self.components["ErrorCode"] = _describe_codes()
        for name in ("Problem", "NotReadyAnswer", "InvalidLogoutToken", "OAuthProblem"):
            if name in self.components:
                self.components[name]["properties"]["code"] = {"$ref": REFERENCE.format(model="ErrorCode")}

    def of(self, kind: object) -> Schema:
        """Return the schema of a type."""
        return self._schemas[str(kind)]

    def get_properties(self, kind: type) -> tuple[dict[str, Schema], frozenset[str]]:
        """Return the schemas of the fields of a `TypedDict` by name, which may be changed, and those required."""
        declared = self.components[kind.__name__]
        return declared["properties"], frozenset(declared.get("required", ()))


def _read_docstrings(module: ModuleType) -> None:
    """Let pydantic read the docstrings below the fields of the types in `module`."""
    for kind in vars(module).values():
        if is_typeddict(kind):
            kind.__pydantic_config__ = ConfigDict(use_attribute_docstrings=True)


def _without_titles(schema: Schema) -> Schema:
    """Return a schema without the titles that pydantic makes of names, and with each docstring on one line."""

    def tidy(value: Any) -> Any:
        match value:
            case list():
                return [tidy(item) for item in value]
            case {"title": str(), **rest}:
                return tidy(rest)
            case {"description": str(text), **rest}:
                return {"description": " ".join(text.split()), **{name: tidy(item) for name, item in rest.items()}}
            case dict():
                return {name: tidy(item) for name, item in value.items()}
        return value

    tidied: Schema = tidy(schema)
    return tidied


def _describe_codes() -> Schema:
    lines = [f"- `{error.code}` ({error.status}): {' '.join(str(error.__doc__).split())}" for error in every_error()]
    return {
        "type": "string",
        "description": "What happened.\n\n" + "\n".join(lines),
        "enum": [error.code for error in every_error()],
    }
