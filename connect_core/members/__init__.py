"""Who a verified identity is in the shop, and what members do with their identities, sessions, merges and data.

Members live in `es_member` or in a directory of the shop's own. Never touches cookies or pages; asks a vendor only to
revoke what an erased member once allowed.
"""
