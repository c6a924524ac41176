# ruff: noqa: INP001  (a script of the documentation, in no package)
"""Writes `providers.md`: the contract of all providers, run on every installed plugin and each of its client types.

`python docs/reference/contracts.py` runs it, which takes some minutes; `tests/docs/test_reference_pages.py` compares
the page's rows with the installed plugins. Exits with 1, and writes nothing, where a rule is broken.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from connect_core.identity import ClientType
from connect_core.providers.registry import Plugins, ProviderType
from connect_core.testing.report import ContractReport, Result, run_contract

PAGE = Path(__file__).with_name("providers.md")
HEAD = """# Providers

<!-- Written by docs/reference/contracts.py from runs of the contract: run that. -->

Each plugin was tested with the [contract](../how-to/prove-a-plugin.md), for each client type, against its own sandbox.
A cell is the number of rules that were tested; all of them held. Rules that could try nothing are counted as not run.
`connect-login plugin check NAME` tests one plugin again, and gives the reasons. A sandbox answers as its vendor
documents it. Nothing on this page was tested against a vendor.
"""


def make_page(reports: Iterable[ContractReport], without: Iterable[ProviderType]) -> str:
    """Return the page: a row for each report, then a line for each plugin of `without`, which have no sandbox."""
    lines = [HEAD, f"| plugin | {' | '.join(ClientType)} |", f"| --- |{' --- |' * len(ClientType)}"]
    for report in reports:
        cells = (write_cell(report, client) if client in report.clients else "" for client in ClientType)
        lines.append(f"| `{report.plugin}` | {' | '.join(cells)} |")
    lines += [f"\n`{plugin.name}` has no sandbox, so nothing is proved of it." for plugin in without]
    return "\n".join(lines) + "\n"


def write_cell(report: ContractReport, client: str) -> str:
    """Return the number of rules that held for a client type, and of those that could try nothing."""
    passed, not_run = (report.count(result, client) for result in (Result.PASSED, Result.NOT_RUN))
    return f"{passed} rules" + (f", {not_run} not run" if not_run else "")


def main() -> None:
    """Run the contract on every installed plugin that has a sandbox, and write the page."""
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    plugins = Plugins().available.values()
    reports = []
    for plugin in (plugin for plugin in plugins if plugin.sandbox):
        reports.append(run_contract(plugin))
        sys.stderr.write(f"{plugin.name}: {'passed' if reports[-1].has_passed else 'FAILED'}\n")
        if not reports[-1].has_passed:
            sys.exit(reports[-1].to_markdown("now"))
    PAGE.write_text(make_page(reports, [plugin for plugin in plugins if not plugin.sandbox]), "utf-8")


if __name__ == "__main__":
    main()
