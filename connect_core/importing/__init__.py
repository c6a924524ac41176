"""Bringing another system's members and connections in: what its rows mean, and what cannot be mapped.

Never asks a vendor and logs nobody in. Queries stand in `store`.
"""
