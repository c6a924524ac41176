"""Log lines: one JSON object each, one event name, nothing that could be spent.

A last line of defence stands in the formatter: what looks like a credential in a foreign library's or plugin's text
is blotted out. Our own code never puts one there.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_CREDENTIAL = re.compile(
    r"""(?ix) \b (code|auth_?code|state|secret|app_?secret|client_secret|password|token|access_?token|refresh_?token|
    auth_token|id_token|session_key|ticket|sign|private_key|authorization|cookie)
    (["']?\s*[=:]\s*["']?) [^\s"'&,;}]+"""
)


def redact(text: str) -> str:
    """Return `text` with what stands behind a credential's name blotted out, and on one line."""
    return _CREDENTIAL.sub(r"\1\2***", text).replace("\r", "\\r").replace("\n", "\\n")


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time (UTC), level, logger, event, and the record's own fields."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        for key, value in record.__dict__.items():
            if key not in _STANDARD:
                line[key] = redact(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True, default=str)


def configure_logging(level: str = "info") -> None:
    """Send every logger's lines to standard error; those that print whole URLs at INFO are heard from warning up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "asyncio", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
