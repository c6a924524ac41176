"""Runs the contract on plugins that are not installed, in a process of its own.

`contract_runs.py MODULE:CLASS [RULES]`: RULES is a JSON object of plugin names, each with a list of rules; without it
every rule is run on every plugin. Prints a JSON object of plugin names, each with its verdicts: `[rule, client, result,
reason]`.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from connect_core.providers.registry import Plugins
from connect_core.testing import contract_rules, documentation, report
from connect_core.testing.other_plugin import OTHER_PLUGIN, OtherPlugin

Verdicts = Mapping[str, list[list[str]]]


def run_contracts(plugins: str, rules: Mapping[str, Collection[str]] | None = None) -> Verdicts:
    """Run the contract in another process; `plugins` is the class of a plugin object, as `module:Class`."""
    root = Path(__file__).parents[2]
    arguments = [] if rules is None else [json.dumps({name: list(names) for name, names in rules.items()})]
    done = subprocess.run(
        [sys.executable, __file__, plugins, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}",
            "PYTEST_ADDOPTS": "",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # as `plugin check` does
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    verdicts: Verdicts = json.loads(done.stdout.splitlines()[-1])
    return verdicts


def find_failed(verdicts: Verdicts, name: str) -> dict[str, str]:
    """Return the rules that a plugin broke, each with the reason."""
    return {rule: reason for rule, _, result, reason in verdicts[name] if result == report.Result.FAILED}


def main() -> None:
    """Run what the command line says."""
    module, _, name = sys.argv[1].partition(":")
    wanted = json.loads(sys.argv[2]) if len(sys.argv) > 2 else None
    plugins = Plugins(
        [(OTHER_PLUGIN, OtherPlugin()), ("under-test", getattr(importlib.import_module(module), name)())],
        discover=False,
    )
    contract_rules.installed = documentation.installed = lambda: plugins  # type: ignore[assignment]
    verdicts = {}
    for plugin in [plugins.available[name] for name in wanted or plugins.available if name != OTHER_PLUGIN]:
        rules = wanted[plugin.name] if wanted else ()
        verdicts[plugin.name] = [
            [verdict.rule, verdict.client, verdict.result, verdict.reason]
            for verdict in report.run_contract(plugin, rules=rules).verdicts
        ]
    sys.stdout.write(f"\n{json.dumps(verdicts)}\n")


if __name__ == "__main__":
    main()
