"""One-time passwords by time: those of the standard, and the steps around now that count."""

import pytest

from connect_core.crypto.one_time_passwords import (
    find_totp_step,
    get_totp,
    get_totp_address,
    make_totp_secret,
    new_totp_secret,
)

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""That of RFC 6238, appendix B, in base32."""


@pytest.mark.parametrize(
    ("now", "password"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_passwords_are_those_of_the_standard(now: int, password: str) -> None:
    """RFC 6238, appendix B, with six digits."""
    assert get_totp(SECRET, now) == password
    assert find_totp_step(SECRET, f" {password[:3]} {password[3:]} ", now) == now // 30


def test_the_steps_beside_this_one_count_and_no_other() -> None:
    """Clocks differ by some seconds, and not by minutes; the step is told, so that it is used once."""
    now = 1_800_000_000
    accepted = {seconds: find_totp_step(SECRET, get_totp(SECRET, now + seconds), now) for seconds in range(-90, 91, 30)}
    step = now // 30
    assert accepted == {-90: None, -60: None, -30: step - 1, 0: step, 30: step + 1, 60: None, 90: None}


def test_nothing_else_is_a_password() -> None:
    """Neither without a secret, nor with other digits of the same number, nor text."""
    now = 59
    assert find_totp_step("", get_totp(SECRET, now), now) is None
    for wrong in ("", "28708", "2870820", "-287082", "２８７０８２", "287082\0", "\ud800"):
        assert find_totp_step(SECRET, wrong, now) is None


def test_secrets_are_random_or_belong_to_their_seed() -> None:
    """160 bits as authenticator apps take them."""
    assert len({new_totp_secret() for _ in range(10)}) == 10
    assert make_totp_secret(b"12345678901234567890, and more") == SECRET
    assert get_totp_address(SECRET, "li", "Shop") == f"otpauth://totp/Shop:li?secret={SECRET}&issuer=Shop"
