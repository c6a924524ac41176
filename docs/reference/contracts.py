# ruff: noqa: INP001  (a script of the documentation, in no package)
"""Writes `providers.md` and the data behind it: the contract of all providers, for each of their client types.

`python docs/reference/contracts.py` runs the contract on each of our plugins that has no result of the contract's
present version, some twenty minutes of a processor for all. Each result is written as soon as it is there, so that the
command goes on where it was stopped. `--all` forgets the results first; with names it runs the contract on those
plugins. `--quick` runs the quick rules, says what they found, and writes nothing. Rules that failed are run once more,
because some of them measure time, and other programs may have had the processors.
`tests/docs/test_reference_pages.py` compares the page with the installed plugins. Exits with 1 where a rule is broken,
and leaves that plugin out.
"""

import argparse
import importlib
import json
import os
import re
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connect_core.cli.plugin.installed import RESULTS, describe, read_results
from connect_core.harness import Visitor, run_shop
from connect_core.identity import STRENGTH, ClientType
from connect_core.providers.registry import Plugins, ProviderType
from connect_core.testing.contract import CONTRACT_VERSION
from connect_core.testing.report import Result, run_contract

PAGE = Path(__file__).with_name("providers.md")
HEAD = """# Providers

<!-- Written by docs/reference/contracts.py from runs of the contract: run that. -->

{count} providers come with connect-login. Each was tested with the [contract](../how-to/prove-a-plugin.md), version
{version}, for each client type, against its own sandbox. `connect-login providers --json` prints the same facts.

- A cell of a client type is the number of rules that were tested; all of them held. Rules that could try nothing are
  counted as not run. `connect-login plugin check NAME` tests one plugin again, and gives the reasons.
- *Ids* are those by which a person is recognised, the strongest first: a `user_id` is valid in everything of the
  vendor, a `union_id` in the apps of one developer, an `open_id` in one app.
- *Phone*: a mini program or an app can give a verified phone number. *Notices*: the vendor tells us when a person
  withdraws consent, closes the account or logs out.
- *Proved by*: a sandbox answers as its vendor documents it. `documents`: the requests were compared with the vendor's
  documentation. `libraries`: some of the facts are from libraries that agree with each other, because the vendor's page
  could not be read; the plugin's page says which. `sandbox`: nothing was compared, because each shop has addresses of
  its own. No provider was tested against its vendor's own servers.
"""


def make_page(results: Mapping[str, Any], plugins: Plugins) -> str:
    """Return the page: a row for each result, then a line for each plugin that has no sandbox."""
    columns = ("plugin", "vendor", *ClientType, "ids", "phone", "notices", "proved by", "date")
    head = HEAD.format(
        count=len(results), version=min((result["version"] for result in results.values()), default=CONTRACT_VERSION)
    )
    lines = [head, f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for name, result in sorted(results.items()):
        told = describe(plugins.available[name], plugins)
        cells = [
            f"`{name}`",
            told["titles"]["en"],
            *(write_cell(result["clients"].get(client)) for client in ClientType),
            ", ".join(f"`{kind}`" for kind in result["ids"]),
            "yes" if told["phone"] else "",
            "yes" if told["notices"] else "",
            result["proved_by"],
            result["date"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    without = [plugin.name for plugin in plugins.available.values() if not plugin.sandbox]
    lines += [f"\n`{name}` has no sandbox, so nothing is proved of it." for name in without]
    return "\n".join(lines) + "\n"


def write_cell(counts: Mapping[str, int] | None) -> str:
    """Return the number of rules that held for a client type, and of those that could try nothing."""
    if counts is None:
        return ""
    return f"{counts['passed']} rules" + (f", {counts['not_run']} not run" if counts["not_run"] else "")


def find_ids(plugin: ProviderType) -> list[str]:
    """Return the kinds of the ids that a login through each client type stores, the strongest first."""
    with run_shop({plugin.name: plugin.load_sandbox()()}) as shop:
        for client in plugin.provider.entrances:
            with Visitor(shop) as visitor:
                visitor.log_in(plugin.name, client)
        kinds = {row["kind"] for row in shop.rows("es_connect_alias")}
    return [kind.value for kind in STRENGTH if kind.value in kinds]


def find_source(plugin: ProviderType) -> str:
    """Return where the facts about a vendor come from, as the docstring of its package says it."""
    package = importlib.import_module(plugin.provider.__module__.partition(".")[0])
    return (
        "libraries"
        if re.search("not the vendor.s page|two libraries|third parties", package.__doc__ or "")
        else "documents"
    )


def run(name: str, *, is_quick: bool) -> tuple[dict[str, Any], str]:
    """Return the results of a plugin's contract, and the report where a rule is broken."""
    plugin = Plugins().available[name]
    report = run_contract(plugin, is_quick=is_quick)
    failed = {verdict.name for verdict in report.verdicts if verdict.result is Result.FAILED and verdict.name}
    if failed and not is_quick:
        passed = [verdict for verdict in report.verdicts if verdict.name not in failed]
        again = run_contract(plugin, rules=failed)
        report = replace(report, verdicts=(*passed, *again.verdicts))
    broken = "" if report.has_passed else report.to_markdown("now") + "\n"
    if broken or is_quick:
        return {}, broken
    clients = {
        client: {
            result.value.replace(" ", "_"): report.count(result, client) for result in (Result.PASSED, Result.NOT_RUN)
        }
        for client in report.clients
    }
    return {
        "version": CONTRACT_VERSION,
        "date": datetime.now(UTC).date().isoformat(),
        "proved_by": find_source(plugin) if report.has_compared else "sandbox",
        "ids": find_ids(plugin),
        "clients": clients,
    }, ""


def write(results: Mapping[str, Any], plugins: Plugins) -> None:
    """Write the data and the page."""
    RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n", "utf-8")
    PAGE.write_text(make_page(results, plugins), "utf-8")


def read_options() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="plugins; by default those without a present result")
    parser.add_argument("--all", action="store_true", help="forget the results that there are")
    parser.add_argument("--quick", action="store_true", help="run the quick rules alone, and write nothing")
    parser.add_argument("--processes", type=int, help="how many plugins at once; by default one for each processor")
    return parser.parse_args()


def main() -> None:
    """Run the contract on the plugins, and write the page and the data after each."""
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    options, plugins = read_options(), Plugins()
    ours = {name for name, plugin in plugins.available.items() if plugin.sandbox and plugins.is_ours(name)}
    results = {name: result for name, result in read_results().items() if name in ours and not options.all}
    present = {name for name, result in results.items() if result["version"] == CONTRACT_VERSION}
    names = options.names or sorted(ours if options.quick else ours - present)
    has_failed = False
    with ProcessPoolExecutor(options.processes) as processes:
        runs = {processes.submit(run, name, is_quick=options.quick): name for name in names}
        for number, future in enumerate(as_completed(runs), start=1):
            name, (result, report) = runs[future], future.result()
            sys.stderr.write(f"{number}/{len(names)} {name}: {'FAILED' if report else 'passed'}\n{report}")
            has_failed |= bool(report)
            results.pop(name, None)
            results |= {name: result} if result else {}
            if not options.quick:
                write(results, plugins)
    sys.exit(has_failed)


if __name__ == "__main__":
    main()
