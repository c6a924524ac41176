"""Django and the logins in one process: `uvicorn shop.asgi:application --port 8000 --no-access-log`."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django = get_asgi_application()

from shop.logins import connect  # noqa: E402 - Django's settings come first

LOGINS = ("/connect/", "/buyer/connect/", "/buyer/account-binder/", "/buyer/passport/", "/login/")
"""Where the routes of connect-login begin; the last four are those of older front ends."""


async def application(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Pass each request to the logins or to Django, and the lifespan to the logins: Django has none."""
    is_login = scope["type"] == "lifespan" or scope["path"].startswith(LOGINS)
    await (connect if is_login else django)(scope, receive, send)
