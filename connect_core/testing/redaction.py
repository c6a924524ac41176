"""The contract's rule about secrets: none in a log line, `repr`, response or exception, whatever the vendor answers."""

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
from connect_core.testing.contract_rules import ContractRules, ContractRun, somebody
from connect_core.testing.recorder import is_secret

FAULTS = (
    ("html", ""),
    ("echo", ""),
    ("truncate", ""),
    ("charset", "utf-16"),
    ("drop", ""),
    ("status", "500"),
)
"""Faults after which a message might quote what was sent or received."""


class Redaction(ContractRules):
    """Rules about secrets of the shop and of every login."""

    def test_no_secret_is_told(self, contract_run: ContractRun, client: str, caplog: pytest.LogCaptureFixture) -> None:
        """No secret setting, code, state or token stands in a log line, a `repr`, an answer or an exception."""
        caplog.set_level(logging.DEBUG)
        shop, provider = contract_run.shop, self.configured(contract_run.shop, client).provider
        operations = self.operations(contract_run, client)
        contract_run.recorder.secrets.clear()
        texts: list[str] = []
        with _recorded_exceptions(provider) as raised:
            texts.append(self._log_in(contract_run, client))
            called = filter(None, (operations.token, operations.id, operations.profile))
            for operation, (kind, value) in product(called, FAULTS):
                self.sandbox(shop).faults.add(kind, value, on=operation)
                texts.append(self._log_in(contract_run, client))
            texts += [text for error in raised for text in _texts(error)]
        texts += [repr(self.configured(shop, client)), repr(vars(provider)), *_lines(caplog.records)]
        secrets = contract_run.recorder.secrets | self.secret_settings(shop, client)
        assert secrets or not operations.token, "no secret was seen, so none could be looked for"
        everything = "\n".join(texts)
        assert not [f"{value[:2]}… ({len(value)})" for value in secrets if value in everything]

    def _log_in(self, contract_run: ContractRun, client: str) -> str:
        """Log in and return the text of an error's response; the empty text for tokens, which are meant to be there."""
        with Visitor(contract_run.shop) as visitor:
            prepared = self.prepare(visitor, client, somebody())
            parameters = parse_qsl(urlsplit(prepared).query) if isinstance(prepared, str) else list(prepared.items())
            contract_run.recorder.secrets |= {value for name, value in parameters if is_secret(name, value)}
            answer = self.finish(visitor, client, prepared)
        return answer.text if answer.status_code >= 400 else ""


@contextmanager
def _recorded_exceptions(provider: Provider) -> Iterator[list[BaseException]]:
    """Yield a list that receives what the provider raises, before the core replaces it."""
    raised: list[BaseException] = []

    def recording(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: object) -> Any:
            try:
                return await method(*arguments)
            except BaseException as error:
                raised.append(error)
                raise

        return call

    names = ("login_callback", "fetch_profile")
    for name in names:
        setattr(provider, name, recording(getattr(provider, name)))
    try:
        yield raised
    finally:
        for name in names:
            delattr(provider, name)


def _texts(error: BaseException | None) -> Iterator[str]:
    """Yield the texts of an exception and of its causes, with their traceback."""
    if error is None:
        return
    yield "".join(traceback.format_exception(error))
    yield from (str(error), repr(error), repr(getattr(error, "__dict__", "")))
    yield from _texts(error.__cause__)
    yield from _texts(error.__context__ if error.__context__ is not error.__cause__ else None)


def _lines(records: Sequence[logging.LogRecord]) -> Iterator[str]:
    """Return what was logged, except by the visitor's HTTP client and by the sandboxes' server."""
    not_the_shop = ("httpx", "httpcore", "uvicorn.access")
    return (repr(record.__dict__) for record in records if not record.name.startswith(not_the_shop))
