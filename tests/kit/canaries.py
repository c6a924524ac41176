"""A value that no error and no log record may hold, and all the text that errors and records do hold."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

CANARY = "c4n4ry-7f3e"


def every_text(error: BaseException | None) -> str:
    """Everything an error reporter could print of an error and of what hangs on it."""
    if error is None:
        return ""
    printed = f"{error} {error!r} {error.args} {''.join(traceback.format_exception(error))}"
    return printed + every_text(error.__cause__) + every_text(error.__context__)


class Records(logging.Handler):
    """Keeps every record as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Note the record as any formatter could print it."""
        self.text += f"{record.name} {record.getMessage()} {record.args!r} {record.exc_info!r}\n"


@contextmanager
def every_record() -> Iterator[Records]:
    """Collect what anybody logs, at DEBUG."""
    root, records = logging.getLogger(), Records()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(records)
    try:
        yield records
    finally:
        root.removeHandler(records)
        root.setLevel(level)
