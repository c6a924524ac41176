"""The management API, `/connect/admin/api`: JSON over what the admin page does, for programs with a bearer token.

It calls the same functions as the page, and nothing is decided here that they do not decide.
"""
