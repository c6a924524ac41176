"""What an operator does: who does it, why, and through what. Whoever changes something for an operator is given one."""

from dataclasses import dataclass
from typing import Literal

from connect_core.errors import BadRequest

REASON_LENGTH = 160
"""Characters of a reason at most: with the operator's name it has to fit into a column of 255."""
NAME_LENGTH = 64
Via = Literal["page", "api", "command"]


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """Who changes something, why, and the id by which log lines and events of this act are found.

    `operator` is a name of at most 64 characters, `reason` has at most `REASON_LENGTH`; both are visible characters.
    `via` says whether it is done on the admin page, through the management API or by a command.
    """

    operator: str
    reason: str
    request_id: str
    via: Via = "command"

    def __post_init__(self) -> None:
        """Raise `BadRequest` for a text that is too long or cannot be shown in a line."""
        for name, text, length in (("operator", self.operator, NAME_LENGTH), ("reason", self.reason, REASON_LENGTH)):
            if len(text) > length or not text.isprintable():
                raise BadRequest(f"the {name} has at most {length} visible characters")

    @property
    def detail(self) -> str:
        """What an event says: `operator NAME`, and the reason after a colon if there is one."""
        return f"operator {self.operator}" + (f": {self.reason}" if self.reason else "")
