"""The last run of the doctor, as the admin page shows it: what was not well, and when that was.

Stored only where the admin page is switched on, and only if everything was examined. Contains no secret, as findings do
not.
"""

import json
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from connect_core.errors import ConnectError
from connect_core.findings import Finding, Level
from connect_core.settings import Settings
from connect_core.store import Database, Transaction, doctor_runs

MOST_BYTES = 60_000
"""What is stored of the findings, the worst first: a row of MySQL holds 64 KiB of text."""
_TEXT_LENGTH = 400
_ORDER = (Level.BROKEN, Level.WARNING, Level.OK)


@dataclass(frozen=True, slots=True)
class DoctorRun:
    """A run that ended at `time` (epoch seconds). `findings` are those that want something done, the worst first.

    `count` is how many things were examined, those that were well included. `providers` are those among them.
    """

    time: int
    count: int
    findings: tuple[Finding, ...]
    providers: tuple[str, ...]

    @property
    def level(self) -> Level:
        """The worst level."""
        levels = {finding.level for finding in self.findings}
        return next((level for level in _ORDER if level in levels), Level.OK)

    def find_of(self, provider: str) -> list[Finding] | None:
        """Return the findings of a provider in all of its client types; None if it was not examined."""
        if provider not in self.providers:
            return None
        return [finding for finding in self.findings if _get_provider(finding) == provider]


def find_last_run(transaction: Transaction) -> DoctorRun | None:
    """Return the last run, None if there was none, or if another release wrote what this one cannot read."""
    with suppress(ValueError, KeyError, TypeError):
        values: dict[str, Any] = json.loads(doctor_runs.find_run(transaction) or "null")
        findings = tuple(Finding(**{**each, "level": Level(each["level"])}) for each in values["findings"])
        return DoctorRun(int(values["time"]), int(values["count"]), findings, tuple(values["providers"]))
    return None


async def store_last_run(settings: Settings, findings: Sequence[Finding], now: int) -> None:
    """Store what was found at `now`; a database that cannot be written is a finding already."""
    if not settings.admin.enabled:
        return
    service = settings.service
    with suppress(ConnectError), closing(Database(service.database_url, synchronous=service.sqlite_synchronous)) as db:
        await db.write(partial(doctor_runs.store_run, content=_dump(findings, now), now=now))


def _dump(findings: Sequence[Finding], now: int) -> str:
    wanting = [finding for finding in findings if finding.level is not Level.OK or finding.remedy]
    wanting.sort(key=lambda finding: _ORDER.index(finding.level))
    providers = json.dumps(sorted({_get_provider(finding) for finding in findings} - {""}), ensure_ascii=False)
    names = ("id", "level", "text", "remedy", "subject")
    rows: list[str] = []
    for finding in wanting:
        values = {name: str(getattr(finding, name))[:_TEXT_LENGTH] for name in names}
        rows.append(json.dumps(values, ensure_ascii=False))
        if len(providers) + sum(len(row.encode()) + 2 for row in rows) > MOST_BYTES:
            rows.pop()
            break
    kept = ", ".join(rows)
    return f'{{"time": {now}, "count": {len(findings)}, "providers": {providers}, "findings": [{kept}]}}'


def _get_provider(finding: Finding) -> str:
    """Return the provider that a finding is about, of a subject such as `alipay/pc`; empty for any other subject."""
    provider, _, client_type = finding.subject.partition("/")
    return provider if client_type else ""
