"""The contract run on an installed plugin, and what became of each rule. Prints nothing itself."""

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
    """One rule for one client type (empty: for all together); `reason` is empty where it holds."""

    rule: str
    client: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ContractReport:
    """What a run of the contract found."""

    plugin: str
    distribution: str
    clients: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def has_passed(self) -> bool:
        """Whether every rule held, and there was one."""
        return bool(self.verdicts) and not any(verdict.reason for verdict in self.verdicts)

    def count(self, client: str) -> tuple[int, int]:
        """How many rules held, and how many there were, for one client type."""
        own = [verdict for verdict in self.verdicts if verdict.client in ("", client)]
        return sum(not verdict.reason for verdict in own), len(own)

    def to_markdown(self, date: str) -> str:
        """Return the report as a page to publish; `date` is ISO 8601."""
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
        lines += ["", *(f"- {one.client or 'all'}: {one.rule} {one.reason}" for one in failed)] if failed else []
        return "\n".join(lines)

    def _cell(self, rule: str, client: str) -> str:
        own = [one for one in self.verdicts if one.rule == rule and one.client in ("", client)]
        return "n/a" if not own else "**failed**" if any(one.reason for one in own) else "passed"


class _ResultCollector:
    """A pytest plugin that keeps what became of each test."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if isinstance(item, pytest.Function) and (report.failed or (report.when == "call" and report.passed)):
            callspec = getattr(item, "callspec", None)
            client = next(iter(callspec.params.values()), "") if callspec else ""
            told = (item.obj.__doc__ or item.name).split("\n")[0]
            reason = report.longreprtext.strip().split("\n")[-1] if report.failed else ""
            self.verdicts.append(Verdict(told, str(client), reason))
        return report


def find_plugins(wanted: str) -> list[ProviderType]:
    """Return the plugins of that name, or those of a package or distribution of that name.

    Raises `PluginError` when there is none, when it was set aside, or when it has no sandbox to run against.
    """
    plugins = Plugins()
    named = {
        point.name
        for point in entry_points(group=NAME)
        if wanted in (point.name, point.value.partition(":")[0], point.dist and point.dist.name)
    }
    for name in sorted(named & plugins.quarantined.keys()):
        raise PluginError(f"plugin {name} cannot be used: {plugins.quarantined[name]}")
    found = [plugin for name, plugin in plugins.available.items() if name == wanted or plugins.origin_of(name) in named]
    if not found:
        raise PluginError(f"there is no plugin {wanted}; installed: {', '.join(plugins.available)}")
    for plugin in found:
        if not plugin.sandbox:
            raise PluginError(f"plugin {plugin.name} has no sandbox, so there is nothing to run its contract against")
    return found


def run_contract(plugin: ProviderType) -> ContractReport:
    """Run every rule of the contract on an installed plugin, each a login through its sandbox."""
    recorder, output = _ResultCollector(), io.StringIO()
    with TemporaryDirectory(prefix="connect-contract-") as folder, contextlib.redirect_stdout(output):
        # a name of its own: a module that was imported once is not read again
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
    """The package that offers the plugin, with its version."""
    package = plugin.provider.__module__.partition(".")[0]
    for point in entry_points(group=NAME):
        if point.value.partition(":")[0].partition(".")[0] == package and point.dist:
            return f"{point.dist.name} {point.dist.version}"
    return package
