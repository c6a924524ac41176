"""What operators read about a value that is out of its bounds, and about a file that cannot be read."""

from pathlib import Path

import pytest

from connect_core.errors import SettingsError
from connect_core.settings import load_settings

from ..kit.configurations import mistakes


@pytest.mark.parametrize(
    ("section", "values", "expected"),
    [
        ("events", {"keep": "29d"}, "events.keep: give 30d or more"),
        ("events", {"keep_unbound": 5}, "events.keep_unbound: give 30d or more"),
        ("sessions", {"idle": "59s"}, "sessions.idle: give 1m or more"),
        ("limits", {"vendor_calls": -1}, "limits.vendor_calls: give 1 or more"),
        ("service", {"database_pool_size": 1001}, "service.database_pool_size: give 1000 or less"),
        (
            "limits",
            {"per_address": "60 a minute"},
            'limits.per_address: is not in the form that it must have, such as "600/minute"',
        ),
    ],
)
def test_a_value_out_of_bounds_is_answered_with_what_to_give(
    section: str, values: dict[str, object], expected: str
) -> None:
    """Durations have units, and a form has an example: no pattern, and no count of seconds in a month."""
    assert mistakes(**{section: values}) == [expected]


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    """The mistake has words, not the number of an error."""
    with pytest.raises(SettingsError, match=": it cannot be read: Is a directory"):
        load_settings(tmp_path)
