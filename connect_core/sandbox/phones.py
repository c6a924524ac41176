"""Phone numbers of people at a vendor. A person of whom only the key is known has a made-up one.

Keeps nothing.
"""

import hashlib

from connect_core.sandbox.vendor_server import Person


def split_mobile(mobile: str) -> tuple[str, str]:
    """Return the country code and the number of a mobile number: `852-61234567`, or one of mainland China (86)."""
    country_code, _, number = mobile.rpartition("-")
    return country_code or "86", number


def mobile_of(person: Person) -> str:
    """Return the person's mobile number; without one, a made-up number that is the same at every call."""
    digest = hashlib.sha256(f"mobile\0{person.key}".encode()).hexdigest()
    return person.mobile or f"139{int(digest[:12], 16) % 10**8:08}"
