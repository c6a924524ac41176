"""Log lines: each is one JSON object with one event name, and no credential.

Our own code never logs a credential. As a last line of defence the formatter replaces what looks like one, since the
texts of other libraries and of plugins may contain anything.
"""

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_NAME = r"(?:[\w-]{0,32}(?:secret|password|token|private_key|session_key|ticket)|auth_?code|sign)"
_HEADER = re.compile(r"(?i)\b(authorization|cookie)([\"']?\s*[=:]\s*).+")
_CREDENTIAL = re.compile(  # short numbers stay: they are line numbers that an error names
    rf"""(?ix) \b ({_NAME}|code|state) (["']?\s*[=:]\s*["']?) (?!\d{{1,5}}(?:[\s,;)]|$)) [^\s"'&,;}}]+"""
)
_FIELD = re.compile(_NAME + "|authorization|cookie", re.IGNORECASE)


def redact(text: str) -> str:
    """Return `text` on one line, with `***` for each value that follows a credential's name."""
    if "=" in text or ":" in text:
        for credential in (_HEADER, _CREDENTIAL):
            text = credential.sub(r"\1\2***", text)
    return text if text.isprintable() else text.replace("\r", "\\r").replace("\n", "\\n")


@lru_cache(maxsize=1024)
def _is_credential(field_name: str) -> bool:
    return _FIELD.fullmatch(field_name) is not None


def _redact_field(key: str, value: object) -> object:
    if _is_credential(key):
        return "***"
    return value if value is None or isinstance(value, int | float) else redact(str(value))


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time (UTC), level, process id, logger, event, and the record's own fields."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "pid": os.getpid(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        for key, value in record.__dict__.items():
            if key not in _STANDARD:
                line[key] = _redact_field(key, value)
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True)


def configure_logging(level: str = "info") -> None:
    """Send the lines of all loggers to standard error as JSON, from `level` (a name such as `info`) upwards.

    Libraries that log whole URLs at INFO log from WARNING upwards.
    """
    # not shown in a line, so not collected: https://docs.python.org/3/howto/logging.html#optimization
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("alembic", "asyncio", "httpcore", "httpx", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
