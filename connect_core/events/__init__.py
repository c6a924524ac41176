"""Events: stored in the transaction whose changes they report, and delivered to plugins after its commit.

Never decides whether a login or a change is allowed. No event contains an id, code, token or state of a vendor.
"""
