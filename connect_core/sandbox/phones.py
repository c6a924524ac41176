"""Phone numbers of people at a vendor. A person of whom only the key is known has a made-up one.

Keeps nothing.
"""

import hashlib

from connect_core.sandbox.vendor_server import Person


def mobile_of(person: Person) -> str:
    """Return the person's mobile number; without one, a made-up number that is the same at every call."""
    digest = hashlib.sha256(f"mobile\0{person.key}".encode()).hexdigest()
    return person.mobile or f"139{int(digest[:12], 16) % 10**8:08}"
