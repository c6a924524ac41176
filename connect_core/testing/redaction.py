"""Rules of what is told about logins: no secret, in no log line, repr, error or exception, whatever the vendor did."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connect_core.harness import Visitor
from connect_core.providers.provider import Provider
from connect_core.testing.recorder import is_secret
from connect_core.testing.running_shop import ContractRules, ContractRun, somebody

SPOILT = (
    ("html", ""),
    ("echo", ""),
    ("truncate", ""),
    ("charset", "utf-16"),
    ("drop", ""),
    ("status", "500"),
)
"""Faults under which something might be said."""


class Redaction(ContractRules):
    """Secrets of the shop and of every login."""

    def test_no_secret_is_told(self, contract_run: ContractRun, client: str, caplog: pytest.LogCaptureFixture) -> None:
        """No secret setting, code, state or token stands in a log line, a `repr`, an answer or an exception."""
        caplog.set_level(logging.DEBUG)
        shop, provider = contract_run.shop, self.configured(contract_run.shop, client).provider
        made = self.operations(contract_run, client)
        contract_run.recorder.secrets.clear()
        told: list[str] = []
        with _overheard(provider) as raised:
            told.append(self._tell(contract_run, client))
            for operation, (kind, value) in product(filter(None, (made.token, made.id, made.profile)), SPOILT):
                self.sandbox(shop).faults.add(kind, value, on=operation)
                told.append(self._tell(contract_run, client))
            told += [text for error in raised for text in _texts(error)]
        told += [repr(self.configured(shop, client)), repr(vars(provider)), *_lines(caplog.records)]
        kept = contract_run.recorder.secrets | self.secret_settings(shop, client)
        assert kept or not made.token, "no secret was seen, so none could be looked for"
        everything = "\n".join(told)
        assert not [f"{value[:2]}… ({len(value)})" for value in kept if value in everything]

    def _tell(self, contract_run: ContractRun, client: str) -> str:
        """Log in; return what the visitor is told, but for the tokens of a login that went well."""
        with Visitor(contract_run.shop) as visitor:
            prepared = self.prepare(visitor, client, somebody())
            given = parse_qsl(urlsplit(prepared).query) if isinstance(prepared, str) else list(prepared.items())
            contract_run.recorder.secrets |= {value for name, value in given if is_secret(name, value)}
            answer = self.finish(visitor, client, prepared)
        return answer.text if answer.status_code >= 400 else ""


@contextmanager
def _overheard(provider: Provider) -> Iterator[list[BaseException]]:
    """Keep what a provider raises, before anybody else makes something of it."""
    raised: list[BaseException] = []

    def overheard(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*given: object) -> Any:
            try:
                return await method(*given)
            except BaseException as error:
                raised.append(error)
                raise

        return call

    names = ("login_callback", "fetch_profile")
    for name in names:
        setattr(provider, name, overheard(getattr(provider, name)))
    try:
        yield raised
    finally:
        for name in names:
            delattr(provider, name)


def _texts(error: BaseException | None) -> Iterator[str]:
    """Everything that an exception and those behind it say, and a traceback of them."""
    if error is None:
        return
    yield "".join(traceback.format_exception(error))
    yield from (str(error), repr(error), repr(getattr(error, "__dict__", "")))
    yield from _texts(error.__cause__)
    yield from _texts(error.__context__ if error.__context__ is not error.__cause__ else None)


def _lines(records: Sequence[logging.LogRecord]) -> Iterator[str]:
    """Everything that was logged, but for the visitor's own browser and the test server's access log."""
    visitors = ("httpx", "httpcore", "uvicorn.access")
    return (repr(record.__dict__) for record in records if not record.name.startswith(visitors))
