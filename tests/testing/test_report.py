"""The report of the contract: what it counts, and what it says of rules that proved nothing."""

from connect_core.testing.contract import ProviderContract
from connect_core.testing.report import ContractReport, Result, Verdict, find_plugins, run_contract

COMPARED = str(ProviderContract.test_documented_requests_are_what_is_sent.__doc__)


def report(*verdicts: Verdict, clients: tuple[str, ...] = ("pc", "h5")) -> ContractReport:
    """The report of a plugin."""
    return ContractReport("acme", "connect-acme 1", clients, verdicts)


def test_what_was_not_run_is_counted_apart() -> None:
    """With its reason, once for all rules and client types that have it."""
    done = report(
        Verdict(COMPARED, "pc", Result.PASSED),
        Verdict("One.", "pc", Result.PASSED),
        Verdict("One.", "h5", Result.NOT_RUN, "nothing to try"),
        Verdict("Two.", "pc", Result.NOT_RUN, "nothing to try"),
        Verdict("Two.", "h5", Result.NOT_RUN, "nothing to try"),
        Verdict("Three.", "", Result.PASSED),
    )
    lines = done.to_markdown("2026-11-27").splitlines()
    assert lines[0] == "# Contract of acme: passed"
    assert "| One. | passed | not run |" in lines
    assert "| Three. | passed | passed |" in lines
    assert lines[lines.index("3 passed, 3 not run.") :] == [
        "3 passed, 3 not run.",
        "",
        "Not run:",
        "",
        "- nothing to try",
        "    - One. (h5)",
        "    - Two. (pc, h5)",
    ]
    assert (done.count(Result.PASSED, "h5"), done.count(Result.NOT_RUN, "h5")) == (1, 2)


def test_a_rule_that_was_not_run_proves_nothing() -> None:
    """A report without a rule that held has not passed, nor has one with a rule that failed."""
    assert not report().has_passed
    assert not report(Verdict("One.", "pc", Result.NOT_RUN, "nothing to try")).has_passed
    assert not report(Verdict("One.", "pc", Result.PASSED), Verdict("One.", "h5", Result.FAILED, "no")).has_passed


def test_requests_that_nobody_compared_are_told_at_the_head() -> None:
    """A page to publish must not look as if the vendor's documentation had been read."""
    [head, *_] = report(Verdict("One.", "pc", Result.PASSED)).to_markdown("2026-11-27").splitlines()
    expected = "# Contract of acme: passed, but its requests were not compared with the vendor's documentation"
    assert head == expected


def test_a_quick_run_has_one_client_type_and_the_most_important_rules() -> None:
    """Those about ids, requests and secrets in links; not the crowd."""
    [plugin] = find_plugins("x")
    done = run_contract(plugin, is_quick=True)
    assert done.has_passed
    assert done.clients == ("pc",)
    rules = {verdict.rule for verdict in done.verdicts}
    assert {COMPARED, str(ProviderContract.test_what_is_no_id_logs_nobody_in.__doc__)} <= rules
    assert str(ProviderContract.test_a_crowd_is_kept_apart.__doc__) not in rules
    assert done.to_markdown("2026-11-27").startswith("# Contract of x: passed (quick)\n")
