"""What administrators may do: the three roles, and which of them a person has by the groups of an OpenID provider."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """A role; each includes those above it."""

    VIEWER = "viewer"
    """Reads everything, without secrets."""
    SUPPORT = "support"
    """Also changes members: disables them, ends sessions, unlinks logins."""
    OPERATOR = "operator"
    """Also changes everything else: providers, keys, webhooks, administrators."""

    def includes(self, other: "Role") -> bool:
        """Tell whether this role may do what `other` may do."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER = tuple(Role)


def find_strongest_role(
    groups: Collection[str], groups_by_role: Mapping[Literal["viewer", "support", "operator"], Sequence[str]]
) -> Role | None:
    """Return the strongest role of which `groups_by_role` names one of a person's `groups`; None where there is none.

    Groups are compared byte for byte.
    """
    for role in reversed(_ORDER):
        if not set(groups_by_role.get(role.value, ())).isdisjoint(groups):
            return role
    return None
