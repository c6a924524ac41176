"""Single values of a vendor's answer: what is absent, and numbers and texts alike."""

import pytest

from connect_core.vendor_values import is_absent, read_number, read_phone, read_text


@pytest.mark.parametrize(("value", "absent"), [(None, True), ("", True), (" ", False), ("0", False), (0, False)])
def test_empty_is_absent(value: object, *, absent: bool) -> None:
    """Null and the empty text say nothing; a blank, zero, false, an empty list or object say something, if not what."""
    assert is_absent(value) is absent
    assert not any(is_absent(other) for other in (False, [], {}, 0.0))


@pytest.mark.parametrize(("value", "text"), [("a ", "a "), (7, "7"), (2**70, str(2**70)), (-1, "-1")])
def test_a_text_or_whole_number_is_a_text(value: object, text: str) -> None:
    """Digits are kept, and nothing is trimmed."""
    assert read_text(value) == text


@pytest.mark.parametrize("value", [None, True, False, 1.0, [], ["7"], {}, b"7"])
def test_anything_else_is_no_text(value: object) -> None:
    """Neither booleans, which Python counts as numbers, nor fractions."""
    assert read_text(value) == ""
    assert read_number(value) is None


@pytest.mark.parametrize(("value", "number"), [(86, 86), ("86", 86), (" 86 ", 86), ("-1", -1), (0, 0), ("007", 7)])
def test_a_number_may_be_a_text(value: object, number: int) -> None:
    """Vendors write both."""
    assert read_number(value) == number


@pytest.mark.parametrize("value", ["", "8.6", "８６", "86a", "1e3", "9" * 19, 10**400, "--1", "0x1"])
def test_what_is_no_number_is_none(value: object) -> None:
    """Digits of another script, exponents and floods."""
    assert read_number(value) is None


@pytest.mark.parametrize("country", [86, "86", "+86", "0086", "", None])
@pytest.mark.parametrize("number", [13800000001, "13800000001", "+8613800000001"])
def test_a_mainland_number_stands_alone(number: object, country: object) -> None:
    """Whatever form it and its country have."""
    assert read_phone(number, country) == "13800000001"


@pytest.mark.parametrize("country", [852, "852", "+852", "00852"])
@pytest.mark.parametrize("number", [61234567, "61234567", "+85261234567"])
def test_a_number_from_abroad_has_its_country_once(number: object, country: object) -> None:
    """Also where the vendor writes the country into the number and beside it."""
    assert read_phone(number, country) == "852-61234567"


@pytest.mark.parametrize(("number", "country"), [(True, 86), (8.6, 86), ("13800000001", True), ("1", 86), ("<b>", "")])
def test_what_is_no_phone_number_is_empty(number: object, country: object) -> None:
    """A country that is wrong is not taken for an absent one."""
    assert read_phone(number, country) == ""
