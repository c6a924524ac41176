"""Members of answers: what is null is absent wherever an answer is read, compared or listed."""

import pytest

from connect_core.cli.plugin.described_login import _find_paths
from connect_core.errors import ProviderBadResponse
from connect_core.http import Answer
from connect_core.plugin import Claims
from connect_core.testing.wire import find_surplus, list_members, make_answer


def test_members_that_say_nothing_are_no_values() -> None:
    """Otherwise the text null would be a value that a request, or an id, may have."""
    body = {"id": 7, "photo": None, "data": [{"name": "A", "face": None}]}
    assert list(list_members(body)) == [("id", "7"), ("data.name", "A")]
    assert list(_find_paths(body)) == ["id", "data[].name"]


@pytest.mark.parametrize(
    ("documented", "answered", "surplus"),
    [
        pytest.param({"id": "1"}, {"id": "1", "photo": None}, set(), id="null"),
        pytest.param({"id": "1"}, {"id": "1", "photo": "x"}, {"photo"}, id="a member"),
        pytest.param({"photo": {"small": "x"}}, {"photo": None}, set(), id="null for an object"),
        pytest.param({"photo": None}, {"photo": "x"}, set(), id="an example that names the member"),
        pytest.param({"photo": None}, {"photo": {"small": "x"}}, {"photo.small"}, id="an example without the object"),
        pytest.param("id=1", {"id": "1", "flag": False, "count": 0}, {"flag", "count"}, id="false and 0 are values"),
    ],
)
def test_only_members_that_say_something_are_surplus(documented: object, answered: object, surplus: set[str]) -> None:
    """What the vendor's example lacks the sandbox may not answer, except for nothing."""
    answer = make_answer(answered)  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    assert find_surplus(documented, answer) == surplus  # type: ignore[arg-type]


def test_an_id_that_is_null_is_not_among_the_members_of_the_answer() -> None:
    """The reason would contradict itself: nothing at gid, and there is gid."""
    with pytest.raises(ProviderBadResponse) as caught:
        Claims(user_id="gid").read_ids({"gid": None, "unionid": "", "name": "A"}, "c-1")
    assert str(caught.value) == "the answer has nothing at gid (user_id); it has name"
