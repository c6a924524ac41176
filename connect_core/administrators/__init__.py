"""Administrators: who may use the admin page and the management API, and how they prove who they are.

They are no members and never become any. Nothing here reads a request or writes a page.
"""
