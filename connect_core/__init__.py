"""connect-login: every third-party login a shop's customers have, per client type.

Shops start at `connect_core.web.create_app` or the `connect-login` command; plugin authors at `connect_core.plugin`.
"""

__version__ = "0.1.0"
