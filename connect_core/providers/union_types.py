"""Union types: a namespace of persons' ids belongs to the plugins of one distribution.

A plugin that claimed the union type of another one could log in as that vendor's people. Reads no configuration: which
union types the shop shares on purpose is handed in.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

OURS = "connect-login"
"""The distribution whose union types are its own even where the shop configures none of its providers."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A provider that uses a union type. `path` is where the shop configures it; empty for an installed plugin.

    `origin` is the entry point or the shop's own plugin object that registered the provider's class.
    """

    union_type: str
    plugin: str
    origin: str
    path: str = ""


def find_conflicts(
    claims: Iterable[Claim], get_distribution: Callable[[str], str], shared: Collection[str]
) -> Iterator[str]:
    """Return a mistake for each configured provider whose union type is another distribution's.

    `get_distribution` returns the distribution of an origin. It is called only where two origins claim one union type,
    because it reads files. `shared` are the union types that the shop lets several distributions use.
    """
    by_type: dict[str, list[Claim]] = {}
    for claim in claims:
        by_type.setdefault(claim.union_type, []).append(claim)
    for union_type, rivals in by_type.items():
        if union_type in shared or len({claim.origin for claim in rivals}) == 1:
            continue
        distributions = {claim.origin: get_distribution(claim.origin) for claim in rivals}
        owners = {distributions[claim.origin] for claim in rivals if claim.path}
        owners |= {OURS} & set(distributions.values())
        for claim in rivals:
            others = sorted(owners - {distributions[claim.origin]})
            if claim.path and others and distributions[claim.origin] != OURS:
                yield (
                    f"{claim.path}: {claim.plugin} uses the union type {union_type}, which belongs to {others[0]}; "
                    "if both mean the same people, add it to service.shared_union_types"
                )
