"""The service as an ASGI application: routes, pages, cookies. The only package of the core that imports Starlette.

Reads requests and writes responses; who may log in is decided by `connect_core.manager`.
"""

from connect_core.web.app import create_app

__all__ = ["create_app"]
