"""The service as an ASGI application: routes, pages, cookies. The only package of the core that imports Starlette.

Reads requests and writes responses; who may log in is decided by `connect_core.manager`.
"""

from connect_core.providers.registry import Plugins
from connect_core.web.app import create_app
from connect_core.web.logged_in import LoggedInMember, current_member, open_id_of
from connect_core.web.management import create_management_app

__all__ = ["LoggedInMember", "Plugins", "create_app", "create_management_app", "current_member", "open_id_of"]
