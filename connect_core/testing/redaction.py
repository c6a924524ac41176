"""The contract's rule about secrets: none in a log line, `repr`, response or exception, whatever the vendor answers."""

import logging
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from connect_core.harness import RunningShop, Visitor
from connect_core.testing.contract_rules import ContractRules, ContractRun, somebody
from connect_core.testing.recorder import is_secret
from connect_core.testing.watching import watching
from connect_core.testing.written_files import recorded_files

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

    def test_no_secret_is_told(
        self,
        contract_run: ContractRun,
        client: str,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """No secret setting, code, state or token stands in a log, an output, a file, a `repr` or an exception."""
        caplog.set_level(logging.DEBUG)
        shop, provider = contract_run.shop, self.configured(contract_run.shop, client).provider
        operations = self.operations(contract_run, client)
        contract_run.recorder.secrets.clear()
        texts: list[str] = []
        with watching(provider) as watch, recorded_files(_folder_of(shop)) as written:
            texts.append(self._log_in_for_texts(contract_run, client))
            for operation, (kind, value) in product(operations.all, [*FAULTS, *self._errors(shop)]):
                self.sandbox(shop).faults.add(kind, value, on=operation)
                texts.append(self._log_in_for_texts(contract_run, client))
                self.sandbox(shop).faults.misfired.clear()
            texts += [*watch.raised_texts, written()]
        texts += [repr(self.configured(shop, client)), repr(vars(provider)), *_lines(caplog.records)]
        texts += capfd.readouterr()
        secrets = contract_run.recorder.secrets | self.secret_settings(shop, client)
        assert secrets or not operations.token, "no secret was seen, so none could be looked for"
        everything = "\n".join(texts)
        leaked = [f"{value[:2]}… ({len(value)} characters)" for value in secrets if value in everything]
        assert not leaked, f"told: {', '.join(leaked)}"

    def _errors(self, shop: RunningShop) -> list[tuple[str, str]]:
        """Return the vendor's own errors as faults, two of them: more would say the same."""
        sandbox = self.sandbox(shop)
        outcomes = sandbox.get_outcomes() if self.refusals is None else self.refusals
        return [("error", value) for value in list(outcomes)[:2] if "error" in sandbox.own_faults]

    def _log_in_for_texts(self, contract_run: ContractRun, client: str) -> str:
        """Log in and return the text of an error's response; the empty text for tokens, which are meant to be there."""
        with Visitor(contract_run.shop) as visitor:
            prepared = self.prepare(visitor, client, somebody())
            parameters = parse_qsl(urlsplit(prepared).query) if isinstance(prepared, str) else list(prepared.items())
            contract_run.recorder.secrets |= {value for name, value in parameters if is_secret(name, value)}
            answer = self.finish(visitor, client, prepared)
        return answer.text if answer.status_code >= 400 else ""


def _folder_of(shop: RunningShop) -> Path:
    """Return the folder of the shop's database, which has its own rules about secrets."""
    return Path(shop.database_url.removeprefix("sqlite:///")).resolve().parent


def _lines(records: Sequence[logging.LogRecord]) -> Iterator[str]:
    """Return what was logged, except by the visitor's HTTP client and by the sandboxes' server."""
    not_the_shop = ("httpx", "httpcore", "uvicorn.access")
    return (repr(record.__dict__) for record in records if not record.name.startswith(not_the_shop))
