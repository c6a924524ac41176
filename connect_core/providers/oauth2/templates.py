"""Placeholders in parameters and headers: `{access_token}`, `{client_id}`, `{code}`, `{settings.NAME}` and the like.

`quirks` says which placeholders a call may have. Makes no call.
"""

import re
from collections.abc import Mapping

_BRACES = re.compile(r"\{\{|\}\}|\{(.*?)\}")
_SETTING = re.compile(r"(?<!\{)(?P<before>(?:\{\{)*)\{settings\.(?P<name>\w+)\}")


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


def find_settings(templates: Mapping[str, str]) -> set[str]:
    """Return the names of the settings that stand in braces as `{settings.NAME}`."""
    return {match["name"] for text in templates.values() for match in _SETTING.finditer(text)}


def fill_settings(templates: Mapping[str, str], settings: Mapping[str, str], *, is_final: bool) -> dict[str, str]:
    """Return `templates` with the values of `settings`; everything else in braces stays as it is.

    Without `is_final` the result goes through `fill`, so braces of a value are doubled. Raises `KeyError` for a setting
    without a value.
    """

    def replace(match: re.Match[str]) -> str:
        value = settings[match["name"]]
        return match["before"] + (value if is_final else value.replace("{", "{{").replace("}", "}}"))

    return {name: _SETTING.sub(replace, template) for name, template in templates.items()}
