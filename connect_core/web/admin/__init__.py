"""The admin page: screens for operators, off by default. Nothing imports this package unless `[admin]` is enabled.

Server-rendered, without a script. Every screen module registers itself with one line in `routes.SCREENS`.
"""
