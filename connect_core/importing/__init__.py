"""Imports the members and connections of another shop system: what its rows mean, and which of them cannot be used.

Never calls a vendor and logs nobody in. Its queries are in `store.bulk` and `store.javashop`.
"""
