"""The clients in `clients/` call what the OpenAPI document describes."""

import ast
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from connect_core.errors import every_error

CLIENTS = Path(__file__).parents[2] / "clients"
GENERATOR: dict[str, Any] = runpy.run_path(str(CLIENTS / "generate.py"))
FILES: dict[str, str] = GENERATOR["make_files"]()


@pytest.mark.parametrize("name", FILES)
def test_a_client_says_what_the_document_says(name: str) -> None:
    """What changes in the document without the clients fails; `python clients/generate.py` writes them anew."""
    written = (CLIENTS / name).read_text("utf-8")
    if name.endswith(".py"):  # the formatter has been over it
        assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(FILES[name]))
    else:
        assert written == FILES[name]


@pytest.mark.parametrize("name", ["typescript/src/api.ts", "python/src/connect_login_client/models.py"])
def test_every_error_code_is_in_the_type_of_codes(name: str) -> None:
    """A program that handles each code of the type handles each refusal."""
    written = (CLIENTS / name).read_text("utf-8")
    assert [error.code for error in every_error() if json.dumps(error.code) not in written] == []
