"""The contract's rule about secrets: none in a log line, `repr`, response or exception, whatever the vendor answers."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

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


LEAKS_SHOWN = 3
"""Most places of secrets that a message has."""
AROUND = 40
"""Characters before and after a secret that a message quotes."""
_LONG = re.compile(r"[\w+/=-]{16,}")
"""What may be another secret."""


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
        texts: list[tuple[str, str]] = []
        with watching(provider) as watch, recorded_files(_folder_of(shop)) as written:
            texts += self._log_in_for_texts(contract_run, client)
            for operation, (kind, value) in product(operations.all, [*FAULTS, *self._errors(shop)]):
                self.sandbox(shop).faults.add(kind, value, on=operation)
                texts += self._log_in_for_texts(contract_run, client)
                self.sandbox(shop).faults.misfired.clear()
            texts += [("what the provider raised", text) for text in watch.raised_texts]
            texts += [(f"the file {path}", text) for path, text in written()]
        texts += [("repr of the configured provider", repr(self.configured(shop, client)))]
        texts += [(f"repr of the provider's {name}", repr(value)) for name, value in vars(provider).items()]
        texts += _lines(caplog.records)
        texts += zip(("standard output", "standard error"), capfd.readouterr(), strict=True)
        secrets = self._name_secrets(contract_run, client)
        assert secrets or not operations.token, "no secret was seen, so none could be looked for"
        assert not (leaks := list(find_leaks(secrets, texts))), "; ".join(leaks)

    def _name_secrets(self, contract_run: ContractRun, client: str) -> dict[str, str]:
        """Return every secret of the logins and of the settings, with what it is."""
        settings = self.configured(contract_run.shop, client).provider.settings
        stated = {
            value.get_secret_value(): f"the setting {name}"
            for name, value in settings
            if isinstance(value, SecretStr) and value.get_secret_value()
        }
        return {**contract_run.recorder.secrets, **stated}

    def _errors(self, shop: RunningShop) -> list[tuple[str, str]]:
        """Return the vendor's own errors as faults, two of them: more would say the same."""
        sandbox = self.sandbox(shop)
        outcomes = sandbox.get_outcomes() if self.refusals is None else self.refusals
        return [("error", value) for value in list(outcomes)[:2] if "error" in sandbox.own_faults]

    def _log_in_for_texts(self, contract_run: ContractRun, client: str) -> Iterator[tuple[str, str]]:
        """Log in and yield the text of an error's response; none for tokens, which are meant to be there."""
        with Visitor(contract_run.shop) as visitor:
            prepared = self.prepare(visitor, client, somebody())
            parameters = parse_qsl(urlsplit(prepared).query) if isinstance(prepared, str) else list(prepared.items())
            for name, value in parameters:
                if is_secret(name, value):
                    contract_run.recorder.secrets.setdefault(value, f"the {name}")
            answer = self.finish(visitor, client, prepared)
        if answer.status_code >= 400:
            yield "the answer to the visitor", answer.text


def find_leaks(secrets: Mapping[str, str], texts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield which kind of secret stands where, at most `LEAKS_SHOWN` lines; the text around it, redacted.

    `secrets` are values with what they are; `texts` are pairs of a place and what stood there.
    """
    leaks: dict[tuple[str, str], str] = {}
    for (value, kind), (place, text) in product(secrets.items(), texts):
        if value in text:
            leaks.setdefault((kind, place), _quote(text, value, kind))
    for (kind, place), quoted in list(leaks.items())[:LEAKS_SHOWN]:
        yield f"{kind} stands in {place}: {quoted}"
    if len(leaks) > LEAKS_SHOWN:
        yield f"and {len(leaks) - LEAKS_SHOWN} more"


def _quote(text: str, value: str, kind: str) -> str:
    """Return the text around a secret, with a word in its place; whatever else is long and unbroken is hidden."""
    before, _, after = text.partition(value)
    around = f"{before[-AROUND:]}[{kind.removeprefix('the ')}]{after[:AROUND]}"
    return " ".join(_LONG.sub("…", around).split())


def _folder_of(shop: RunningShop) -> Path:
    """Return the folder of the shop's database, which has its own rules about secrets."""
    return Path(shop.database_url.removeprefix("sqlite:///")).resolve().parent


def _lines(records: Sequence[logging.LogRecord]) -> Iterator[tuple[str, str]]:
    """Yield what was logged, except by the visitor's HTTP client and by the sandboxes' server, each with its place."""
    not_the_shop = ("httpx", "httpcore", "uvicorn.access")
    for record in records:
        if not record.name.startswith(not_the_shop):
            yield f"the log of {record.name} ({record.filename}:{record.lineno})", repr(record.__dict__)
