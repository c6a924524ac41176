"""What happened: written in the transaction that made it happen, and handed to plugins once that is committed.

Never decides whether anything may happen. No id, code, token or state of a vendor stands in an event.
"""
