"""Running the contract on an installed plugin outside of its tests, and the report of it. Prints nothing itself."""

import contextlib
import io
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connect_core import __version__
from connect_core.errors import PluginError
from connect_core.providers.hookspecs import NAME
from connect_core.providers.registry import Plugins, ProviderType
from connect_core.testing.contract_rules import NOT_APPLICABLE
from connect_core.testing.documentation import Documentation
from connect_core.testing.logins import Logins

_SUITE = """\
from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    plugin = {plugin!r}
"""


FIRST = ("", Logins.test_a_person_is_one_member.__name__)
"""Names of rules whose failure is told first: what comes before the rules, and that somebody can log in."""
_START = "The contract starts."


class Result(StrEnum):
    """What came of one rule. `NOT_RUN`: it could try nothing, so it says nothing about the plugin."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one rule for one client type.

    `rule` is the first line of the rule's docstring; `client` is empty for a rule that is run once for all; `reason` is
    why the rule failed or was not run, empty when it held; `name` is the rule's method, for `pytest -k`.
    """

    rule: str
    client: str
    result: Result
    reason: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ContractReport:
    """The results of a run of the contract.

    `distribution` is the name and version of the package that has the plugin; `clients` are the client types that were
    tested; `is_quick` is True for a run of the quick rules with the first client type alone.
    """

    plugin: str
    distribution: str
    clients: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    is_quick: bool = False

    @property
    def has_passed(self) -> bool:
        """True when at least one rule held and none failed."""
        return self.count(Result.PASSED) > 0 and not self.count(Result.FAILED)

    @property
    def has_compared(self) -> bool:
        """True when the plugin's requests were compared with those that the vendor documents."""
        first_line = (Documentation.test_documented_requests_are_what_is_sent.__doc__ or "").split("\n")[0]
        return any(verdict.rule == first_line and verdict.result is Result.PASSED for verdict in self.verdicts)

    def count(self, result: Result, client: str = "") -> int:
        """Return the number of verdicts with this result, of all client types or of `client` alone.

        A rule has a verdict for each client type, or one for all.
        """
        verdicts = (verdict for verdict in self.verdicts if not client or verdict.client in ("", client))
        return sum(verdict.result is result for verdict in verdicts)

    def to_markdown(self, date: str) -> str:
        """Return the report as a Markdown page. `date` is the day of the run, in ISO 8601."""
        outcome = "passed" if self.has_passed else "FAILED"
        if self.has_passed and not self.has_compared:
            outcome += ", but its requests were not compared with the vendor's documentation"
        counts = {result: self.count(result) for result in Result}
        summary = ", ".join(f"{count} {result}" for result, count in counts.items() if count)
        lines = [
            f"# Contract of {self.plugin}: {outcome}{' (quick)' if self.is_quick else ''}",
            "",
            ", ".join(dict.fromkeys((self.distribution, f"connect-login {__version__}", date))),
            "",
            f"| rule | {' | '.join(self.clients)} |",
            f"| --- |{' --- |' * len(self.clients)}",
        ]
        for rule in dict.fromkeys(verdict.rule for verdict in self.verdicts):
            cells = " | ".join(self._cell(rule, client) for client in self.clients)
            lines.append(f"| {rule} | {cells} |")
        lines += ["", f"{summary or 'no rule was run'}."]
        for result in (Result.FAILED, Result.NOT_RUN):
            if reasons := list(self._list_reasons(result)):
                lines += ["", f"{result.capitalize()}:", "", *reasons]
        return "\n".join(lines)

    def _list_reasons(self, result: Result) -> Iterator[str]:
        """Yield a line for each reason, with the rules and the client types that have it.

        The reason for which nobody is logged in comes first: it may explain all others.
        """
        rules: dict[str, dict[tuple[str, str], list[str]]] = {}
        for verdict in self.verdicts:
            if verdict.result is result:
                by_rule = rules.setdefault(verdict.reason, {})
                by_rule.setdefault((verdict.rule, verdict.name), []).extend([verdict.client] if verdict.client else [])
        in_order = sorted(rules.items(), key=lambda item: not any(name in FIRST for _, name in item[1]))
        for reason, by_rule in in_order:
            has_failed = result is Result.FAILED
            yield f"- {reason}" + (
                f" ({len(by_rule)} rules have this reason)" if len(by_rule) > 1 and has_failed else ""
            )
            for (rule, name), clients in by_rule.items():
                served = f" ({', '.join(clients)})" if clients else ""
                yield f"    - {rule}{served}" + (f" `{name}`" if name and has_failed else "")

    def _cell(self, rule: str, client: str) -> str:
        results = {v.result for v in self.verdicts if v.rule == rule and v.client in ("", client)}
        if not results:
            return "n/a"
        return "**failed**" if Result.FAILED in results else str(min(results, key=list(Result).index))


class _ResultCollector:
    """A pytest plugin that collects the result of each test, of `rules` alone or of the quick ones."""

    def __init__(self, rules: Collection[str], first_client: str) -> None:
        """`rules` are names of rules, none for all; with `first_client` only quick rules run, for that client type."""
        self.results: dict[tuple[str, str], Verdict] = {}
        self._rules, self._first_client = rules, first_client

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the rules that were not asked for."""
        items[:] = [item for item in items if isinstance(item, pytest.Function) and self._is_wanted(item)]

    def _is_wanted(self, item: pytest.Function) -> bool:
        if self._rules:
            return item.originalname in self._rules
        is_quick = getattr(item.obj, "is_quick", False) and _client_of(item) in ("", self._first_client)
        return is_quick or not self._first_client

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what kept the rules from being found at all, such as a sandbox that cannot be imported."""
        if report.failed:
            self._fail_start(report.longreprtext)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Note what ended the run."""
        self._fail_start(str(excrepr))

    def _fail_start(self, text: str) -> None:
        lines = [line.removeprefix("E").strip() for line in text.splitlines() if line.startswith("E ")]
        reason = (lines or [text.strip().split("\n")[-1]])[0].removeprefix(f"{PluginError.__module__}.PluginError: ")
        self.results[_START, ""] = Verdict(_START, "", Result.FAILED, reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note the result of a rule. What comes after a failure, such as its clean-up, changes nothing."""
        report = yield
        if not isinstance(item, pytest.Function):
            return report
        name = item.originalname
        rule, client = (item.obj.__doc__ or item.name).split("\n")[0], _client_of(item)
        if report.failed:
            reason = report.longreprtext.strip().split("\n")[-1]
            verdict = Verdict(rule, client, Result.FAILED, _shorten(report, reason), name)
            self.results.setdefault((rule, client), verdict)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            reason = reason.removeprefix("Skipped: ")
            if not reason.startswith(_NOT_CONCERNED):
                self.results[rule, client] = Verdict(rule, client, Result.NOT_RUN, reason, name)
        elif report.when == "call" and report.passed:
            self.results[rule, client] = Verdict(rule, client, Result.PASSED, "", name)
        return report


_NOT_CONCERNED = (NOT_APPLICABLE, "got empty parameter set")
"""How the reasons begin for which a rule does not concern a provider; the second is pytest's, for client types."""


def _client_of(item: pytest.Function) -> str:
    callspec = getattr(item, "callspec", None)
    return str(next(iter(callspec.params.values()), "")) if callspec else ""


def _shorten(report: pytest.TestReport, last_line: str) -> str:
    """Return the message of a failed assertion, or the last line of whatever else was raised."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.split("\n")[0].removeprefix("AssertionError: ") if crash else last_line


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
        raise PluginError(plugins.explain_missing(name))
    for plugin in matching:
        if not plugin.sandbox:
            raise PluginError(f"plugin {plugin.name} has no sandbox, so there is nothing to run its contract against")
    return matching


def run_contract(plugin: ProviderType, *, is_quick: bool = False, rules: Collection[str] = ()) -> ContractReport:
    """Run the contract on a plugin, with its sandbox, and return the results.

    `is_quick` runs the rules that find most mistakes, with the plugin's first client type. `rules` are the names of
    rules (`test_…`) to run alone. Needs pytest. A quick run takes some 5 to 15 seconds and a whole one a minute or two,
    depending on the machine and the number of client types. Prints nothing.
    """
    clients = tuple(client.value for client in plugin.provider.entrances)[: 1 if is_quick else None]
    collector, output = _ResultCollector(rules, clients[0] if is_quick else ""), io.StringIO()
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
            "-p",
            "no:unraisableexception",  # it searches for garbage five times in a row
            "--rootdir",
            folder,
            "-c",
            f"{folder}/pytest.ini",
        ]
        pytest.main([*options, str(suite)], plugins=[collector])
    distribution = _distribution_of(plugin)
    return ContractReport(plugin.name, distribution, clients, tuple(collector.results.values()), is_quick)


def _distribution_of(plugin: ProviderType) -> str:
    """Return the name and version of the package that has the plugin."""
    package = plugin.provider.__module__.partition(".")[0]
    for point in entry_points(group=NAME):
        if point.value.partition(":")[0].partition(".")[0] == package and point.dist:
            return f"{point.dist.name} {point.dist.version}"
    return package
