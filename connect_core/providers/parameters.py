"""The parameters of a request: judged when somebody reads them, and never before.

Apps, advertisers and proxies add parameters of their own, whatever they look like. One that nobody reads refuses
nothing; one that is read must be a printable text of bounded length, and must not contradict itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from connect_core.errors import BadRequest
from connect_core.limits import REQUEST_VALUE_LIMIT

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, which no database takes and which stand here for bad UTF-8."""


class ReceivedParameters(Mapping[str, str]):
    """Parameters by name. One that came several times with one value is one; an empty value counts as none.

    Reading a malformed one raises `BadRequest`. Going through all of them passes those over: whoever copies the
    parameters reads none in particular. `pairs` are all that came, unjudged.
    """

    def __init__(self, pairs: Iterable[tuple[str, object]]) -> None:
        """`pairs` are names and values in their order; a value that is no text is malformed."""
        received = list(pairs)
        self.pairs = [(name, value) for name, value in received if isinstance(value, str)]
        self._values: dict[str, str] = {}
        self._malformed: set[str] = set()
        for name, value in received:
            earlier = self._values.get(name)
            if (
                not isinstance(value, str)
                or len(value) > REQUEST_VALUE_LIMIT
                or _UNPRINTABLE.search(value)
                or (earlier and value not in ("", earlier))
            ):
                self._malformed.add(name)
            else:
                self._values[name] = earlier or value

    def __getitem__(self, name: str) -> str:
        """Return the value of `name`. Raises `KeyError` if it did not come, `BadRequest` if it is malformed."""
        if name in self._malformed:
            raise BadRequest("a parameter is malformed, too long, or contradicts itself")
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether `name` came, malformed or not."""
        return name in self._values or name in self._malformed

    def __iter__(self) -> Iterator[str]:
        """Go through the names of those that are well-formed."""
        return (name for name in self._values if name not in self._malformed)

    def __len__(self) -> int:
        """Return the number of those that are well-formed."""
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"ReceivedParameters({sorted(self)})"


def get_pairs(parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return names and values, those that contradict each other included: for codes that are to be remembered."""
    return parameters.pairs if isinstance(parameters, ReceivedParameters) else [*parameters.items()]


def get_display_text(parameters: Mapping[str, str], name: str) -> str:
    """Return what a client sent for people to read, such as a nickname, however it looks; empty where it sent none.

    Whoever shows it cleans it, as `Profile.of` does: display text is no reason to refuse a login.
    """
    try:
        return parameters.get(name, "")
    except BadRequest:
        return next((value for key, value in get_pairs(parameters) if key == name), "")
