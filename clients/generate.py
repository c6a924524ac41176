# ruff: noqa: INP001  (a script of the clients, in no package)
"""Writes the parts of the clients that the OpenAPI document says: types, error codes, a method for each operation.

`python clients/generate.py` writes them from `connect_core/web/openapi/openapi.json`, `tests/clients` compares them.
How a request is sent is written by hand, in `transport.ts` and `transport.py`. Routes for browsers, vendors and older
front ends have no method.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DOCUMENT = json.loads((HERE.parent / "connect_core/web/openapi/openapi.json").read_text("utf-8"))
PREFIX = "/connect"
LEFT_OUT = {"get_openapi", "identify_service", "get_static_file"}
"""What programs call that are no client of a shop."""
MARK = "Written by clients/generate.py from connect_core/web/openapi/openapi.json: edit those."

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Method:
    """A method of a client: `path` has its parameters in braces, `query` and `body` are schemas or empty."""

    name: str
    summary: str
    verb: str
    path: str
    path_types: dict[str, Schema]
    query: dict[str, tuple[Schema, bool]]
    body: str
    answer: Schema
    has_answer: bool
    may_be_empty: bool


def find_methods() -> Iterator[Method]:
    """Yield a method for each operation that answers JSON, or nothing, to a program."""
    for path, operations in DOCUMENT["paths"].items():
        for verb, operation in operations.items():
            answers = operation["responses"]
            content = answers.get("200", {}).get("content", {})
            forms = operation.get("requestBody", {}).get("content", {"application/json": {}})
            is_json = "application/json" in content or "204" in answers
            takes_json = "application/json" in forms and not operation["operationId"].endswith("_by_form")
            name = operation["operationId"]
            if path.startswith(f"{PREFIX}/") and is_json and takes_json and name not in LEFT_OUT:
                yield make_method(name, verb, path, operation)


def make_method(name: str, verb: str, path: str, operation: Mapping[str, Any]) -> Method:
    """Return the method of an operation."""
    answers = operation["responses"]
    content = answers.get("200", {}).get("content", {})
    parameters = operation.get("parameters", [])
    reference = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return Method(
        name=name,
        summary=operation["summary"],
        verb=verb.upper(),
        path=path.removeprefix(PREFIX),
        path_types={item["name"]: item["schema"] for item in parameters if item["in"] == "path"},
        query={item["name"]: (item["schema"], item["required"]) for item in parameters if item["in"] == "query"},
        body=reference.get("$ref", "").rpartition("/")[2],
        answer=content.get("application/json", {}).get("schema", {}),
        has_answer="application/json" in content,
        may_be_empty="204" in answers,
    )


METHODS = [*find_methods()]


def find_used() -> list[str]:
    """Return the names of the schemas that the methods need, in the document's order."""
    schemas: dict[str, Schema] = DOCUMENT["components"]["schemas"]
    waiting = [json.dumps([method.answer, *method.path_types.values(), *method.query.values()]) for method in METHODS]
    waiting += [f'"#/components/schemas/{method.body}"' for method in METHODS if method.body]
    waiting.append('"#/components/schemas/Problem"')
    used: set[str] = set()
    while waiting:
        for name in set(re.findall(r'"#/components/schemas/(\w+)"', waiting.pop())) - used:
            used.add(name)
            waiting.append(json.dumps(schemas[name]))
    return [name for name in schemas if name in used]


class TypeScript:
    """The source in TypeScript."""

    def write(self) -> str:
        """Return `api.ts`."""
        schemas = DOCUMENT["components"]["schemas"]
        parts = [f"// {MARK}", 'import { Transport } from "./transport.js";']
        parts += [self.declare(name, schemas[name]) for name in find_used()]
        methods = "\n\n".join(self.write_method(method) for method in METHODS)
        text = "/** Calls a connect-login service; each method is an operation of its OpenAPI document. */\n"
        return "\n\n".join([*parts, f"{text}export class ConnectLogin extends Transport {{\n{methods}\n}}"]) + "\n"

    def declare(self, name: str, schema: Schema) -> str:
        """Return the declaration of a schema."""
        head = f"/** {first_line(schema)} */\n" if schema.get("description") else ""
        if schema.get("type") != "object":
            return f"{head}export type {name} = {self.name_type(schema)};"
        required = schema.get("required", ())
        lines = []
        for key, item in schema["properties"].items():
            if item.get("description"):
                lines.append(f"  /** {first_line(item)} */")
            lines.append(f"  {key}{'' if key in required else '?'}: {self.name_type(item)};")
        if name in BODIES:
            lines.append(
                "  /** The vendor's own parameters, or those of the shop's check. */\n  [name: string]: unknown;"
            )
        return f"{head}export interface {name} {{\n" + "\n".join(lines) + "\n}"

    def name_type(self, schema: Schema) -> str:
        """Return the type of a schema."""
        match schema:
            case {"$ref": reference}:
                return str(reference).rpartition("/")[2]
            case {"anyOf": options}:
                return " | ".join(self.name_type(option) for option in options)
            case {"enum": values}:
                return " | ".join(json.dumps(value) for value in values)
            case {"const": value}:
                return json.dumps(value)
            case {"type": "array", "items": items}:
                inner = self.name_type(items)
                return f"({inner})[]" if "|" in inner else f"{inner}[]"
            case {"type": "object"}:
                more = schema.get("additionalProperties")
                return f"Record<string, {self.name_type(more) if isinstance(more, dict) else 'unknown'}>"
        return {"integer": "number", "string": "string", "boolean": "boolean", "null": "null"}[schema["type"]]

    def write_method(self, method: Method) -> str:
        """Return a method."""
        arguments = [f"{name}: {self.name_type(schema)}" for name, schema in method.path_types.items()]
        more = []
        if method.query:
            fields = [
                f"{key}{'' if required else '?'}: {self.name_type(s)}" for key, (s, required) in method.query.items()
            ]
            is_needed = any(required for _, required in method.query.values())
            arguments.append(f"query: {{ {'; '.join(fields)} }}{'' if is_needed else ' = {}'}")
            more.append("query")
        if method.body:
            is_needed = DOCUMENT["components"]["schemas"][method.body].get("required")
            arguments.append(f"body: {method.body}{'' if is_needed else ' = {}'}")
            more.append("body")
        answer = self.name_type(method.answer) if method.has_answer else ""
        answer = " | ".join(filter(None, [answer, "undefined" if method.may_be_empty else ""]))
        answer = answer if method.has_answer else "void"
        path = re.sub(r"{(\w+)}", r"${encodeURIComponent(\1)}", method.path)
        quoted = f"`{path}`" if "$" in path else f'"{path}"'
        options = f", {{ {', '.join(more)} }}" if more else ""
        return (
            f"  /** {method.summary}. */\n"
            f"  {camel(method.name)}({', '.join(arguments)}): Promise<{answer}> {{\n"
            f'    return this.send<{answer}>("{method.verb}", {quoted}{options});\n  }}'
        )


class Python:
    """The source in Python."""

    def write_models(self) -> str:
        """Return `models.py`."""
        schemas = DOCUMENT["components"]["schemas"]
        answers = [name for name in find_used() if name not in BODIES]
        head = [
            f'"""What a connect-login service answers.\n\n{MARK}\n"""',
            "from typing import Literal, NotRequired, TypedDict",
        ]
        # classes may name each other in any order, in quotes; the names of other types come first
        ordered = sorted(answers, key=lambda name: schemas[name].get("type") == "object")
        return "\n\n".join([*head, *(self.declare(name, schemas[name]) for name in ordered)]) + "\n"

    def declare(self, name: str, schema: Schema) -> str:
        """Return the declaration of a schema."""
        if schema.get("type") != "object":
            return f'{name} = {self.name_type(schema)}\n"""{first_line(schema)}"""'
        required = schema.get("required", ())
        lines = [f'class {name}(TypedDict):\n    """{first_line(schema)}"""\n']
        for key, item in schema["properties"].items():
            kind = self.name_type(item)
            kind = f'"{kind}"' if "$ref" in json.dumps(item) else kind
            lines.append(f"    {key}: {kind if key in required else f'NotRequired[{kind}]'}")
            if item.get("description"):
                lines.append(f'    """{first_line(item)}"""')
        return "\n".join(lines)

    def name_type(self, schema: Schema) -> str:
        """Return the type of a schema."""
        match schema:
            case {"$ref": reference}:
                return str(reference).rpartition("/")[2]
            case {"anyOf": options}:
                return " | ".join(self.name_type(option) for option in options)
            case {"enum": values}:
                return f"Literal[{', '.join(json.dumps(value) for value in values)}]"
            case {"const": value}:
                return f"Literal[{json.dumps(value)}]"
            case {"type": "array", "items": items}:
                return f"list[{self.name_type(items)}]"
            case {"type": "object"}:
                more = schema.get("additionalProperties")
                return f"dict[str, {self.name_type(more) if isinstance(more, dict) else 'Any'}]"
        return {"integer": "int", "string": "str", "boolean": "bool", "null": "None"}[schema["type"]]

    def write_api(self) -> str:
        """Return `api.py`."""
        used = sorted(find_used())
        names = [name for name in used if name not in BODIES | {"ErrorCode", "Problem"} and self.is_named(name)]
        head = [
            f'"""A method for each operation of a connect-login service.\n\n{MARK}\n"""',
            "from typing import Any, Literal",
            "from connect_login_client.models import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"
            "from connect_login_client.transport import AsyncTransport, Transport, fill",
        ]
        sync = "\n\n".join(self.write_method(method, "", "") for method in METHODS)
        awaiting = "\n\n".join(self.write_method(method, "async ", "await ") for method in METHODS)
        classes = [
            f'class ConnectLogin(Transport):\n    """Calls a connect-login service."""\n\n{sync}',
            f'class AsyncConnectLogin(AsyncTransport):\n    """The same for asynchronous code."""\n\n{awaiting}',
        ]
        return "\n\n".join([*head, *classes]) + "\n"

    def is_named(self, name: str) -> bool:
        """Tell whether a method's signature names a schema."""
        shown = [json.dumps([method.answer, *method.path_types.values(), *method.query.values()]) for method in METHODS]
        bodies = [json.dumps(DOCUMENT["components"]["schemas"][method.body]) for method in METHODS if method.body]
        return any(f'/{name}"' in text for text in [*shown, *bodies])

    def write_method(self, method: Method, prefix: str, wait: str) -> str:
        """Return a method; `prefix` and `wait` are of asynchronous code."""
        arguments = ["self", *(f"{safe(name)}: {self.name_type(schema)}" for name, schema in method.path_types.items())]
        fields = [(name, schema, required) for name, (schema, required) in method.query.items()]
        body: Schema = DOCUMENT["components"]["schemas"].get(method.body, {})
        needed = body.get("required", ())
        fields += [(name, schema, name in needed) for name, schema in body.get("properties", {}).items()]
        fields.sort(key=lambda item: not item[2])
        if fields:
            arguments.append("*")
        arguments += [
            f"{name}: {self.name_type(schema)}" if required else f"{name}: {self.name_type(schema)} | None = None"
            for name, schema, required in fields
        ]
        if method.body:
            arguments.append("**more: object")
        answer = self.name_type(method.answer) if method.has_answer else "None"
        if method.has_answer and method.may_be_empty:
            answer += " | None"
        listed = "".join(f"        {argument},\n" for argument in arguments)
        return (
            f"    {prefix}def {method.name}(\n{listed}    ) -> {answer}:\n"
            f'        """{method.summary}."""\n' + self.write_call(method, wait, answer, [*body.get("properties", {})])
        )

    def write_call(self, method: Method, wait: str, answer: str, fields: list[str]) -> str:
        """Return the lines that send the request."""
        names = ", ".join(safe(name) for name in method.path_types)
        path = re.sub(r"{\w+}", "{}", method.path)
        target = f'fill("{path}", {names})' if names else f'"{path}"'
        more = ""
        if method.query:
            more += ", query={" + ", ".join(f'"{name}": {name}' for name in method.query) + "}"
        if method.body:
            more += ", body={" + "".join(f'"{name}": {name}, ' for name in fields) + "**more}"
        call = f'{wait}self._send("{method.verb}", {target}{more})'
        return f"        {call}" if answer == "None" else f"        answer: {answer} = {call}\n        return answer"


BODIES = {method.body for method in METHODS if method.body}


def first_line(schema: Schema) -> str:
    """Return the first paragraph of a description, and what makes it a sentence."""
    line = str(schema.get("description", "")).partition("\n")[0]
    return line if line.endswith((".", "?")) else f"{line}."


def camel(name: str) -> str:
    """Return `list_providers` as `listProviders`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def safe(name: str) -> str:
    """Return a name that hides none of Python's own."""
    return {"id": "id_"}.get(name, name)


def make_files() -> dict[str, str]:
    """Return the text of each file, by its path below `clients/`, before the formatter."""
    python = Python()
    return {
        "typescript/src/api.ts": TypeScript().write(),
        "python/src/connect_login_client/models.py": python.write_models(),
        "python/src/connect_login_client/api.py": python.write_api(),
    }


if __name__ == "__main__":
    for file_name, text in make_files().items():
        (HERE / file_name).write_text(text, "utf-8")
