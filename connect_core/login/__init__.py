"""A login from its start to its end: flows, the callback, the question put to newcomers, completion, QR logins.

Decides the order of things inside one login. Who a person is in the shop is decided in `members`; cookies and pages are
`web`'s.
"""
