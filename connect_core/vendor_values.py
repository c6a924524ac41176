"""Single values of a vendor's answer, as vendors really write them: numbers and texts alike, and absent ones empty.

Vendors send `86` in one answer and `"86"` in the next, and an empty text for what they do not have. Whatever reads a
member of an answer reads it through these functions. Ids are read by `identity.exact_id`, texts for display by
`Profile.of`.
"""

import re

MAINLAND = "86"
"""The country code of mainland China."""
_NUMBER = re.compile("-?[0-9]{1,18}")
_PHONE = re.compile("([1-9][0-9]{0,3}-)?[0-9]{5,15}")


def is_absent(value: object) -> bool:
    """Return True for what says nothing: null and the empty text. A blank is something, and no id."""
    return value is None or value == ""


def read_text(value: object) -> str:
    """Return a text as it is and a whole number as its digits; the empty text for anything else."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def read_number(value: object) -> int | None:
    """Return a whole number of at most 18 digits, which may be a text; None for anything else."""
    text = read_text(value).strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def read_phone(number: object, country_code: object) -> str:
    """Return a phone number: `13800000001` in mainland China, `852-61234567` elsewhere.

    `country_code` is such as 86, +86 or 0086, and mainland China's where it is absent. Returns the empty text for what
    is no phone number.
    """
    code = MAINLAND if is_absent(country_code) else read_text(country_code).removeprefix("+").removeprefix("00")
    digits = read_text(number).removeprefix(f"+{code}")
    full = digits if code == MAINLAND else f"{code}-{digits}"
    return full if _PHONE.fullmatch(full) else ""
