"""Every defect that the contract is there to find is found by its rule, and a sound plugin breaks none."""

import pytest

from connect_core.testing.documentation import NOT_STATED

from ..kit.contract_runs import Verdicts, find_failed, run_contracts
from ..kit.mutants import KILLED_BY, name_of

MUTANTS = "tests.kit.mutants:Mutants"


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    """What the rule that should find it says of each mutant."""
    return run_contracts(MUTANTS, {name_of(mutant): [rule] for mutant, rule in KILLED_BY.items()})


@pytest.mark.parametrize("mutant", KILLED_BY)
def test_the_rule_finds_the_defect(verdicts: Verdicts, mutant: type) -> None:
    """The rule that is there for a defect fails."""
    assert find_failed(verdicts, name_of(mutant))


def test_a_sound_provider_breaks_no_rule() -> None:
    """Every rule that concerns it holds, with all abilities; only documentation that nobody stated is not run."""
    verdicts = run_contracts(MUTANTS, {"sound": []})["sound"]
    assert not [verdict for verdict in verdicts if verdict[2] == "failed"]
    reasons = {reason for _, _, result, reason in verdicts if result == "not run"}
    assert reasons == {NOT_STATED}
