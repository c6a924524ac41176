"""Log lines: one JSON object each, and nothing in them that could be spent, whoever wrote it."""

import io
import json
import logging
import os
import subprocess
import sys
import time
from typing import Any

import pytest

from connect_core.observability.logs import JsonFormatter, redact

from ..kit.canaries import CANARY


def line_of(message: str, *arguments: object, level: int = logging.INFO, error: bool = False, **fields: Any) -> str:
    """The line that becomes of a record."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("acme", logging.DEBUG)  # noqa: LOG001 - of this call alone
    logger.addHandler(handler)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.log(level, message, *arguments, exc_info=error, extra=fields)
    return stream.getvalue()


def parsed(line: str) -> dict[str, Any]:
    """The one object of a line."""
    assert line.count("\n") == 1
    return dict(json.loads(line))


def test_a_line_says_when_who_and_what() -> None:
    """Time in UTC with its offset, level, logger, event, and the record's own fields with their types."""
    line = parsed(line_of("login_refused", code="state_invalid", status=400, share=0.5, flag=True, nothing=None))
    assert line.pop("time").endswith("+00:00")
    assert line.pop("pid") == os.getpid()
    assert line == {
        "level": "info",
        "logger": "acme",
        "event": "login_refused",
        "code": "state_invalid",
        "status": 400,
        "share": 0.5,
        "flag": True,
        "nothing": None,
    }


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "a\u2028b", "a\x85b", "\x1b[31mred\x1b[0m", "\x00", "李华 🙂", "\ud800"]
)
def test_nothing_breaks_a_line(text: str) -> None:
    """Line ends, control characters and half characters of a nickname or path are escaped, in text and fields."""
    line = line_of("found %s", text, path=text)
    assert line.isascii()
    assert line.rstrip("\n").isprintable()
    parsed(line)


def test_an_error_is_named_and_not_quoted() -> None:
    """Its text, which may hold a whole address, and its traceback stay out."""
    line = line_of("failed", level=logging.ERROR, error=True)
    assert parsed(line)["error"] == "ValueError"
    assert CANARY not in line


SPENDABLE = [
    "code={}",
    "auth_code={}&x=1",
    "authCode: {}",
    "https://acme.example/cb?code={}&state={}",
    "state={}",
    "{{'access_token': '{}'}}",
    '{{"refresh_token": "{}", "expires_in": 7200}}',
    "access_token = {}",
    "id_token={}.x.y",
    "app_secret={}",
    "AppSecret: {}",
    "wx_client_secret={}",
    "X-Access-Token: {}",
    "session_key={}",
    "private_key={}",
    "password={}",
    "sign={}",
    "ticket={}",
    "js_ticket={}",
    "Authorization: Bearer {}",
    "authorization={}",
    "'authorization': 'Basic {}'",
    "Cookie: a=1; connect_session={}; b=2",
    "set-cookie: connect_session={}; Path=/",
]


@pytest.mark.parametrize("text", SPENDABLE)
def test_what_could_be_spent_is_blotted_out(text: str) -> None:
    """In a message, in its arguments, in a field, in a structure, of any library or plugin."""
    whole = text.format(*[CANARY] * 2)
    for line in (line_of("%s", whole), line_of(whole.replace("%", "%%")), line_of("x", note=whole)):
        assert CANARY not in line
        assert "***" in line
    assert CANARY not in line_of("x", structure={"inner": [whole]})


@pytest.mark.parametrize(
    "key", ["access_token", "app_secret", "session_key", "Authorization", "cookie", "authCode", "sign", "password"]
)
def test_a_field_named_like_a_secret_is_blotted_out(key: str) -> None:
    """Whatever its value is."""
    for value in (CANARY, 7, [CANARY], {"x": CANARY}):
        fields: dict[str, Any] = {key: value}
        assert parsed(line_of("x", **fields))[key] == "***"


@pytest.mark.parametrize(
    "text",
    [
        "the plugin raised KeyError at AcmeProvider._fetch_token:127",
        "the refresh token was used before; the login is ended",
        "providers.acme.app_secret is missing",
        "the state is spent",
        "vendor_errcode 40029",
        "code_invalid",
        "unicode=yes",
        "design=1",
    ],
)
def test_what_an_operator_needs_is_left(text: str) -> None:
    """Our own reasons name keys and lines, and stay readable."""
    assert redact(text) == text


def test_redacting_a_long_text_takes_no_time() -> None:
    """A plugin that logs a page of a vendor does not hold the process up."""
    began = time.monotonic()
    for text in ("a-" * 50_000, "token" * 20_000, "code=" * 20_000, "secret: " * 10_000, "\n" * 50_000):
        redact(text)
    assert time.monotonic() - began < 3


def test_libraries_that_print_addresses_are_heard_from_warning_up() -> None:
    """Httpx prints whole URLs at INFO; whatever level the shop asks for, it does not come to that."""
    script = """
import logging
import os
from connect_core.observability.logs import configure_logging

configure_logging("debug")
for name in ("httpx", "httpcore", "asyncio", "uvicorn.access", "uvicorn.error", "acme"):
    logging.getLogger(name).info("from " + name)
    logging.getLogger(name).warning("loud")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert [event for event in events if event.startswith("from")] == ["from acme"]
    assert events.count("loud") == 6
    assert done.stdout == ""
