"""The plugin author's reference, for `connect-login plugin explain` and for `docs/reference/plugin.md`.

Owns the list of names and the look-up of one. Reads source files and imports nothing of what it describes, so it works
without pytest and shows types and defaults as their author wrote them.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from textwrap import indent

from connect_core.cli.plugin.entries import FACES, Entry, EntryMember, read_entry
from connect_core.cli.plugin.source import find_definition, get_exported, write_signature

HOOKS = "connect_core.providers.hookspecs"


@cache
def read_reference() -> Mapping[str, Entry]:
    """Return every name that the three modules export. Raises `ValueError` for a name that two of them have."""
    entries: dict[str, Entry] = {}
    for module in FACES:
        for name in get_exported(module):
            if name in entries:
                raise ValueError(f"{name} stands in {module} and in {entries[name].module}")
            entries[name] = read_entry(module, name)
    return entries


def explain(name: str) -> str:
    """Return the text about `name`: `Identity`, `Provider.login_callback`, or a hook such as `connect_registered`.

    Raises `LookupError` with the nearest names for one that does not exist.
    """
    for face in FACES:
        name = name.removeprefix(f"{face}.")
    entries = {**read_reference(), **_read_hooks()}
    if name in entries:
        return entries[name].to_markdown()
    owner, _, member_name = name.partition(".")
    for member, entry in _walk_members(entries, owner):
        if member.name == member_name:
            return f"### `{entry.name}.{member.name}`\n\n{indent(member.signature, '    ')}\n\n{member.text}"
    nearest = _find_nearest(entries, name)
    hint = f"did you mean {', '.join(nearest)}?" if nearest else "without a name you get the list"
    raise LookupError(f"{name}: neither a name of {', '.join(FACES)} nor a hook; {hint}")


def list_names() -> Iterator[str]:
    """Yield a line for each name with the first line of its docstring, below the module that has the name."""
    entries = [*read_reference().values(), *_read_hooks().values()]
    width = max(len(entry.name) for entry in entries)
    heading = ""
    for entry in entries:
        title = "hooks" if entry.kind == "Hook" else entry.module
        if title != heading:
            yield title
            heading = title
        yield f"  {entry.name:<{width}}  {entry.summary}"


def _find_nearest(entries: Mapping[str, Entry], name: str) -> list[str]:
    """Return up to three names like `name`: members that are called so, else what is spelt nearly so."""
    members = {f"{owner}.{member.name}": member.name for owner, entry in entries.items() for member in entry}
    if called_so := [full for full, member_name in members.items() if member_name.lower() == name.lower()]:
        return sorted(called_so, key=len)[:3]
    spellings = {full.lower(): full for full in [*members, *entries]}
    return [spellings[spelling] for spelling in get_close_matches(name.lower(), spellings, n=3, cutoff=0.7)]


def _walk_members(entries: Mapping[str, Entry], owner: str) -> Iterator[tuple[EntryMember, Entry]]:
    """Yield the members of a class, then those of the public classes above it, each with the class that has it."""
    if owner in entries:
        entry = entries[owner]
        yield from ((member, entry) for member in entry)
        for base in entry.bases:
            yield from _walk_members(entries, base)


def _read_hooks() -> dict[str, Entry]:
    """The hooks, which a plugin implements and does not import."""
    hooks = find_definition(HOOKS, "Hooks")
    assert hooks is not None
    return {
        hook.name: Entry(hook.name, FACES[0], "Hook", f"@hookimpl\ndef {write_signature(hook)}", hook.text)
        for hook in hooks.body
        if hook.name.startswith("connect_")
    }
