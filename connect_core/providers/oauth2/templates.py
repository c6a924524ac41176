"""Placeholders in parameters and headers: `{access_token}`, `{client_id}`, `{code}` and the like.

`quirks` says which placeholders a call may have. Makes no call.
"""

import re
from collections.abc import Mapping

_BRACES = re.compile(r"\{\{|\}\}|\{(.*?)\}")


def find_placeholders(templates: Mapping[str, str]) -> set[str]:
    """Return the names that stand in braces. `{{` and `}}` are braces that stand for themselves."""
    return {match[1] for text in templates.values() for match in _BRACES.finditer(text) if match[1] is not None}


def fill(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return `templates` with the value of each placeholder in its place, and with `{` for `{{`, `}` for `}}`.

    A value is not searched for placeholders. Raises `KeyError` for a placeholder without a value.
    """

    def replace(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else values[match[1]]

    return {name: _BRACES.sub(replace, template) for name, template in templates.items()}
