"""`Kind`: what all findings of one id have in common. The page `docs/reference/findings.md` is written from them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType

from connect_core.findings import Finding, Level


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: its stable `id`, its level, and what it is about.

    `means` explains it to somebody who has only seen the id. `remedy` is what the operator does about it, in one
    sentence; it is empty for a check that found nothing wrong. One of level `OK` with a remedy is a hint.
    """

    id: str
    level: Level
    subject: str
    means: str
    remedy: str = ""

    def report(self, text: str, remedy: str = "") -> Finding:
        """Return the finding that says `text`, made a sentence; `remedy` takes the place of the general one."""
        first, _, rest = text.partition(" ")
        # a key, a path or an address begins a sentence as it is
        sentence = f"{first.capitalize()} {rest}" if rest and first.isalpha() and first.islower() else text
        return Finding(self.id, self.level, f"{sentence.rstrip('.')}.", remedy or self.remedy, self.subject)


def find_kinds(modules: Iterable[ModuleType]) -> Iterator[Kind]:
    """Yield the kinds that these modules define, in their order."""
    for module in modules:
        yield from (value for value in vars(module).values() if isinstance(value, Kind))
