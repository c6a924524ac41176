"""What differs between the engines of the MySQL family, as one interface: limits, locks, and how ids compare.

`mariadb`, `mysql`, `oceanbase`, `tidb` and `polardbx` implement it, and `mysql_choice` chooses by the server's version.
Opens no connection.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

Version = tuple[int, ...]
EXACT_COLLATION = "utf8mb4_nopad_bin"
"""The collation that our tables declare for ids. An engine without it makes such columns in its own way."""


class MysqlEngine(ABC):
    """The engine of one server, in the server's version."""

    name: ClassVar[str]
    oldest: ClassVar[Version]
    """The oldest version that can keep our promises."""
    has_group_replication: ClassVar[bool] = False
    """Whether it may be a member of a group in which every server takes writes: see `group_replication`."""

    def __init__(self, version: Version) -> None:
        self.version = version

    @property
    @abstractmethod
    def exact_collation(self) -> str:
        """The collation that compares text byte for byte, trailing blanks included; empty where there is none.

        Without one, such columns are made as VARBINARY.
        """

    @property
    @abstractmethod
    def has_skip_locked(self) -> bool:
        """Whether a query can pass over locked rows; else it waits for them."""

    @abstractmethod
    def get_statement_limits(self, seconds: int) -> Mapping[str, int]:
        """Return the session variables that limit each statement's time; 0 seconds stands for no limit."""

    def simplify_definition(self, definition: str) -> str:
        """Return a table's definition (SHOW CREATE TABLE) without what MySQL does not know."""
        return definition


def read_version(text: str, before: str = "") -> Version:
    """Return the first version number in `text` after the pattern `before`; () when there is none."""
    number = re.search(before + r"(\d+(?:\.\d+)+)", text)
    return tuple(map(int, number[1].split("."))) if number else ()


def write_version(version: Version) -> str:
    """Return a version number as text."""
    return ".".join(map(str, version))
