"""The door to starlette: requests in, answers out. Decides nothing about who may log in."""

from connect_core.web.app import create_app

__all__ = ["create_app"]
