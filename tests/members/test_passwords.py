"""Which passwords a member may choose."""

import pytest

from connect_core.errors import PasswordRefused
from connect_core.members.passwords import check_password


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "too_short"),
        ("1234567", "too_short"),
        ("李" * 7, "too_short"),
        ("x" * 129, "too_long"),
        ("12345678", "common"),
        ("password1", "common"),
        ("PassWord1", "common"),
        ("1qaz2wsx", "common"),
        ("iloveyou", "common"),
        ("m_4f9a8b7c6d5e", "name"),
        ("M_4F9A8B7C6D5E", "name"),
        ("Li Hua Wang", "name"),
        ("li hua wang", "name"),
        ("li hua wang2026!", "name"),
        ("...Li Hua Wang", "name"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, reason: str) -> None:
    """By length, the commonest in upper and lower case, and the member's own name with what people put around it."""
    with pytest.raises(PasswordRefused) as refusal:
        check_password(password, "m_4f9a8b7c6d5e", "Li Hua Wang")
    assert refusal.value.reason == reason
    assert not password or password not in str(refusal.value)


@pytest.mark.parametrize(
    "password", ["correct horse", "李华王芳张伟刘洋", "li hua wang likes tea", "84629173", "x" * 128, "        "]
)
def test_no_mixture_is_asked_for(password: str) -> None:
    """Eight characters of any kind that nobody guesses first are a password."""
    check_password(password, "m_4f9a8b7c6d5e", "Li Hua Wang")


def test_a_member_without_a_name_is_no_obstacle() -> None:
    """An empty nickname, or one without letters, is part of no password."""
    check_password("84629173", "", "☺")
