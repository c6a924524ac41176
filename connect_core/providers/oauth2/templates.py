"""Filling in the placeholders of parameters: `{access_token}`, `{client_id}`, `{code}` and the like.

`quirks` says which placeholders a call may have. Makes no call.
"""

import re
from collections.abc import Mapping

from connect_core.providers.oauth2.quirks import CODE_PLACEHOLDERS, PHONE_PLACEHOLDERS

_PLACEHOLDER = re.compile(f"{{({'|'.join(sorted(CODE_PLACEHOLDERS | PHONE_PLACEHOLDERS))})}}")


def fill(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Return `templates` with the value of each placeholder in its place. A value is not searched for placeholders."""
    return {name: _PLACEHOLDER.sub(lambda match: values[match[1]], template) for name, template in templates.items()}
