"""Running the contract on an installed plugin outside of its tests, and the report of it. Prints nothing itself."""

import contextlib
import io
from collections.abc import Generator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connect_core import __version__
from connect_core.errors import PluginError
from connect_core.providers.hookspecs import NAME
from connect_core.providers.registry import Plugins, ProviderType

_SUITE = """\
from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    plugin = {plugin!r}
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one rule for one client type.

    `rule` is the first line of the rule's docstring; `client` is empty for a rule that is run once for all; `reason` is
    why the rule failed, empty when it held.
    """

    rule: str
    client: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ContractReport:
    """The results of a run of the contract.

    `distribution` is the name and version of the package that has the plugin; `clients` are the client types that it
    serves.
    """

    plugin: str
    distribution: str
    clients: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def has_passed(self) -> bool:
        """True when at least one rule was run and all held."""
        return bool(self.verdicts) and not any(verdict.reason for verdict in self.verdicts)

    def count(self, client: str) -> tuple[int, int]:
        """Return how many rules held for one client type, and how many were run."""
        verdicts = [verdict for verdict in self.verdicts if verdict.client in ("", client)]
        return sum(not verdict.reason for verdict in verdicts), len(verdicts)

    def to_markdown(self, date: str) -> str:
        """Return the report as a Markdown page. `date` is the day of the run, in ISO 8601."""
        outcome = "passed" if self.has_passed else "FAILED"
        lines = [
            f"# Contract of {self.plugin}: {outcome}",
            "",
            ", ".join(dict.fromkeys((self.distribution, f"connect-login {__version__}", date))),
            "",
            f"| rule | {' | '.join(self.clients)} |",
            f"| --- |{' --- |' * len(self.clients)}",
        ]
        for rule in dict.fromkeys(verdict.rule for verdict in self.verdicts):
            cells = " | ".join(self._cell(rule, client) for client in self.clients)
            lines.append(f"| {rule} | {cells} |")
        failed = [verdict for verdict in self.verdicts if verdict.reason]
        if failed:
            lines += ["", *(f"- {verdict.client or 'all'}: {verdict.rule} {verdict.reason}" for verdict in failed)]
        return "\n".join(lines)

    def _cell(self, rule: str, client: str) -> str:
        verdicts = [verdict for verdict in self.verdicts if verdict.rule == rule and verdict.client in ("", client)]
        if not verdicts:
            return "n/a"
        return "**failed**" if any(verdict.reason for verdict in verdicts) else "passed"


class _ResultCollector:
    """A pytest plugin that collects the result of each test."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, pytest.Function) and (report.failed or (report.when == "call" and report.passed)):
            callspec = getattr(item, "callspec", None)
            client = next(iter(callspec.params.values()), "") if callspec else ""
            rule = (item.obj.__doc__ or item.name).split("\n")[0]
            reason = report.longreprtext.strip().split("\n")[-1] if report.failed else ""
            self.verdicts.append(Verdict(rule, str(client), reason))
        return report


def find_plugins(name: str) -> list[ProviderType]:
    """Return the plugins of that name, or all plugins of the package or distribution of that name.

    Raises `PluginError` when there is none, when it is quarantined, or when it has no sandbox.
    """
    plugins = Plugins()
    points = {
        point.name
        for point in entry_points(group=NAME)
        if name in (point.name, point.value.partition(":")[0], point.dist and point.dist.name)
    }
    for point in sorted(points & plugins.quarantined.keys()):
        raise PluginError(f"plugin {point} cannot be used: {plugins.quarantined[point]}")
    available = plugins.available.values()
    matching = [plugin for plugin in available if plugin.name == name or plugins.origin_of(plugin.name) in points]
    if not matching:
        raise PluginError(f"there is no plugin {name}; installed: {', '.join(plugins.available)}")
    for plugin in matching:
        if not plugin.sandbox:
            raise PluginError(f"plugin {plugin.name} has no sandbox, so there is nothing to run its contract against")
    return matching


def run_contract(plugin: ProviderType) -> ContractReport:
    """Run every rule of the contract on an installed plugin, with its sandbox, and return the results.

    Needs pytest. Takes some 10 to 60 seconds, and prints nothing.
    """
    recorder, output = _ResultCollector(), io.StringIO()
    with TemporaryDirectory(prefix="connect-contract-") as folder, contextlib.redirect_stdout(output):
        # one module name for each plugin: Python imports a name only once in a process
        suite = Path(folder, f"test_{plugin.name.replace('-', '_')}.py")
        suite.write_text(_SUITE.format(plugin=plugin.name), "utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n", "utf-8")
        options = [
            "-q",
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            folder,
            "-c",
            f"{folder}/pytest.ini",
        ]
        pytest.main([*options, str(suite)], plugins=[recorder])
    clients = tuple(client.value for client in plugin.provider.entrances)
    return ContractReport(plugin.name, _distribution_of(plugin), clients, tuple(recorder.verdicts))


def _distribution_of(plugin: ProviderType) -> str:
    """Return the name and version of the package that has the plugin."""
    package = plugin.provider.__module__.partition(".")[0]
    for point in entry_points(group=NAME):
        if point.value.partition(":")[0].partition(".")[0] == package and point.dist:
            return f"{point.dist.name} {point.dist.version}"
    return package
