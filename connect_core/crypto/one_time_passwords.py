"""One-time passwords by time (TOTP, RFC 6238): six digits, SHA-1, steps of 30 seconds, as every authenticator app has.

Needs the extra `admin`, which brings pyotp; so it is imported where it is needed alone. Stores nothing.
"""

import base64
import hmac

import pyotp

STEP_SECONDS = 30
TOLERATED_STEPS = 1
"""Steps before and after now whose passwords count: clocks differ, and people type slowly (RFC 6238 §5.2)."""
_SECRET_BYTES = 20
_PLACEHOLDER = base64.b32encode(bytes(_SECRET_BYTES)).decode()


def new_totp_secret() -> str:
    """Return a new secret: 160 random bits in base32."""
    return pyotp.random_base32()


def make_totp_secret(seed: bytes) -> str:
    """Return the secret that belongs to `seed`, at least 20 bytes that nobody can guess: always the same one."""
    return base64.b32encode(seed[:_SECRET_BYTES]).decode()


def get_totp_address(secret: str, name: str, issuer: str) -> str:
    """Return the `otpauth://` address that an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def get_totp(secret: str, now: int) -> str:
    """Return the one-time password at `now` (epoch seconds)."""
    return pyotp.TOTP(secret).generate_otp(now // STEP_SECONDS)


def find_totp_step(secret: str, password: str, now: int) -> int | None:
    """Return the time step whose one-time password this is, of those that count at `now`; None for any other text.

    Blanks in `password` do not count. An empty `secret` matches nothing and takes as long. Whoever accepts the password
    notes the step, and accepts none of it or of an earlier one again (RFC 6238 §5.2).
    """
    given = "".join(password.split()).encode("utf-8", "surrogatepass")
    generator, current, matching = pyotp.TOTP(secret or _PLACEHOLDER), now // STEP_SECONDS, None
    for step in range(current - TOLERATED_STEPS, current + TOLERATED_STEPS + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), given):
            matching = step
    return matching if secret else None
