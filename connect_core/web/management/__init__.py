"""The management port: `/healthz`, `/readyz` and `/metrics`, apart from the port that visitors reach.

Reads what the service has counted, and looks at the service's state; changes nothing.
"""

from connect_core.web.management.app import create_management_app, create_management_app_of_workers
from connect_core.web.management.sampling import publish_snapshots

__all__ = ["create_management_app", "create_management_app_of_workers", "publish_snapshots"]
