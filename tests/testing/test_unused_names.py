"""Names of a sandbox that nothing reads are told apart from those that its own code, its package or a test uses."""

import sys

import pytest

from connect_alipay.sandbox import AlipaySandbox
from connect_core.testing.unused_names import find_unused_names

from ..kit.sandboxes_with_names import HelpedSandbox, OddSandbox, RecursiveSandbox


def test_what_is_used_is_no_mistake() -> None:
    """Calls, texts, `for_tests` and the tests count; so do the old names of methods, which the base class makes."""
    tests = sys.modules[__name__]
    assert not find_unused_names(HelpedSandbox, tests)
    HelpedSandbox().press()


def test_a_method_that_only_itself_calls_is_unused() -> None:
    """Its own call reaches nobody; known names that share a word are suggested."""
    unused = find_unused_names(RecursiveSandbox)
    assert list(unused) == ["code_lifetime_in_minutes", "error_text"]
    assert "error_answer" in unused["error_text"]
    assert "code_life" in unused["code_lifetime_in_minutes"]


def test_a_name_without_a_word_in_common_has_the_names_that_look_like_it() -> None:
    """Where no known name looks like it, none is suggested."""
    unused = find_unused_names(OddSandbox)
    assert "client_id" in unused["clintidnum"]
    assert unused["zzz"] == []


def test_a_sandbox_of_ours_reads_its_names() -> None:
    """The largest has methods that its endpoints call, and one for tests."""
    assert AlipaySandbox.for_tests == ("rotate_certificate",)
    assert not find_unused_names(AlipaySandbox)


def test_source_that_is_not_at_hand_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is claimed of code that nobody can read."""
    monkeypatch.setattr("inspect.getsource", _refuse)
    with pytest.raises(OSError, match="no source"):
        find_unused_names(RecursiveSandbox)


def _refuse(module: object) -> str:
    raise OSError("no source")
