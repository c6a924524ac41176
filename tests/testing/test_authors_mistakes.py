"""Mistakes that an author makes with a provider of data alone are found, and the reason says where to look."""

import pytest

from connect_core.sandbox import OAuth2Sandbox, Sandbox
from connect_core.testing import ProviderContract

from ..kit.contract_runs import Verdicts, find_failed, run_contracts

PERSON = "test_documented_answers_name_the_documented_person"
RULES = {
    "wrapped": [],
    "unopened": [PERSON, "test_a_sound_login_loses_nothing", "test_untrusted_answers_end_the_login"],
    "misread": ["test_vendor_refusals_have_our_codes"],
    "two-people": [PERSON],
    "crashing": ["test_an_error_names_nobody", "test_login_stands_without_a_profile"],
    "basic": ["test_a_person_is_one_member", "test_persons_are_kept_apart"],
    "invented": ["test_every_name_in_the_sandbox_is_read"],
    "nameless": [],
}


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    """What the contract says of the right provider, and of those with a mistake."""
    return run_contracts("tests.kit.wrapped:WrappedPlugins", RULES)


def find_reasons(verdicts: Verdicts, name: str) -> str:
    """Return the reasons of the rules that broke."""
    return "\n".join(find_failed(verdicts, name).values())


def test_the_right_provider_breaks_no_rule(verdicts: Verdicts) -> None:
    """Every rule holds, also for somebody whose picture is null where the example has an object."""
    assert not find_reasons(verdicts, "wrapped")


def test_a_forgotten_envelope_is_found(verdicts: Verdicts) -> None:
    """The login stands on the id, so only the profile that was lost shows it; each reason says what was not read."""
    failed = find_failed(verdicts, "unopened")
    assert len(failed) == 3
    lost = "provider_bad_response: the answer has nothing at gid (user_id); it has data."
    assert all(lost in reason for reason in failed.values()), failed
    [example] = [reason for reason in failed.values() if "the vendor's example of GET" in reason]
    assert example.startswith("the vendor's example of GET https://api.wrapped.example/users/me gives no profile: ")
    assert example.endswith("Does the answer need `userinfo_envelope`?")


def test_every_error_of_the_quirks_is_played(verdicts: Verdicts) -> None:
    """One that the provider understands otherwise breaks the rule, with its name."""
    assert "the error app_blocked: not provider_config, but " in find_reasons(verdicts, "misread")


def test_examples_of_two_people_are_told_as_such(verdicts: Verdicts) -> None:
    """Vendors' pages show somebody else in each example; nothing is wrong with the provider."""
    reason = find_reasons(verdicts, "two-people")
    assert reason.startswith("the examples name two people: 467 in POST https://wrapped.example/token, 123 in GET ")
    assert reason.endswith("Give them the same id")


def test_a_sandbox_that_fails_at_an_error_is_found(verdicts: Verdicts) -> None:
    """Errors of user-info are played too, so its own mistakes show."""
    assert "the sandbox itself failed: KeyError: 'errors'" in find_reasons(verdicts, "crashing")


def test_one_cause_is_one_reason(verdicts: Verdicts) -> None:
    """Rules that fail for the same reason say the same, without ids of requests, and with the sandbox's words."""
    reasons = set(find_failed(verdicts, "basic").values())
    assert len(reasons) == 1
    [reason] = reasons
    assert reason.startswith("provider_config: the vendor answered with an error (vendor_error invalid_client); ")
    assert "it takes client_secret_basic in the header Authorization; the request has client_secret among" in reason


def test_a_method_that_nothing_calls_is_found(verdicts: Verdicts) -> None:
    """The reason names the methods that may be meant, and no method that another one calls."""
    reason = find_reasons(verdicts, "invented")
    assert reason.startswith("nothing reads these names of InventedSandbox: profile_answer (did you mean ")
    assert " userinfo_answer?)" in reason
    assert "team_of" not in reason


def test_a_sandbox_that_does_not_exist_is_in_the_report(verdicts: Verdicts) -> None:
    """An error before the first rule is a failure with its reason, and the nearest name."""
    reason = find_reasons(verdicts, "nameless")
    assert reason.endswith(':WrappedSandBox" does not exist; did you mean WrappedSandbox?')


@pytest.mark.parametrize(
    ("base", "name", "meant"),
    [
        (OAuth2Sandbox, "documented_id", "documented_ids"),
        (OAuth2Sandbox, "user_info_answer", "userinfo_answer"),
        (Sandbox, "documentation", "documented"),
        (ProviderContract, "documented_id", "documented_ids"),
        (ProviderContract, "refusal", "refusals"),
    ],
)
def test_a_misspelt_attribute_is_refused(base: type, name: str, meant: str) -> None:
    """Nothing would read it, so nothing would be checked."""
    if name == "documentation":
        name = "documented_request"
    with pytest.raises(TypeError, match=f"Misspelt.{name}: nothing reads it; did you mean {meant}"):
        type("Misspelt", (base,), {name: ()})
    assert type("Sound", (base,), {f"_{name}": (), "test_own": None})
