"""`connect-login members`: finds members, shows them, and changes them for an operator.

The rules are in `members`: what is refused there ends a command with exit code 2 and one line.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from connect_core.cli import member_tables
from connect_core.cli.acting import AsJson, make_act, run_with_manager
from connect_core.cli.configuration import DEFAULT, ConfigPath
from connect_core.errors import LastConnection, SettingsError
from connect_core.manager import ConnectManager
from connect_core.members.administration import MOST_FOUND
from connect_core.members.conflicts import Conflict

app = typer.Typer(
    add_completion=False,
    help="Find, show, disable, log out, unbind, export and erase members.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MemberId = Annotated[
    int,
    typer.Argument(
        min=1, help="The member's id: `uid` in /connect/me and in the token response, `id` in es_member.", metavar="ID"
    ),
]
Full = Annotated[bool, typer.Option("--full", help="Print the vendors' ids in full; else only their ends.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the event and the audit log: at most 160 characters.")]
Operator = Annotated[
    str,
    typer.Option(
        "--operator", help="Who does it, for the event and the audit log. Default: the user who runs the command."
    ),
]


@app.callback()
def root() -> None:
    """Find, show, disable, log out, unbind, export and erase members."""


@app.command()
def find(
    text: Annotated[
        str,
        typer.Argument(
            help="A member's id, user name or mobile number, or the beginning of a nickname.", metavar="TEXT"
        ),
    ],
    union_type: Annotated[
        str, typer.Option("--union-type", help="TEXT is the person's id at this vendor, such as ALIPAY or WECHAT.")
    ] = "",
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Find members by id, name, mobile number, or an id at a vendor.

    Prints at most 50, with id, user name, nickname, mobile number and state. If members live in the shop's own
    directory, give an id: names are searched there.

    Exit code 0: somebody was found; 1: nobody was.
    """
    matches = run_with_manager(config, lambda manager: manager.administration.find(text, union_type.upper()))
    if as_json:
        _print_json(matches)
    else:
        _print_lines(member_tables.list_members(matches) or ["nobody was found"])
        if len(matches) == MOST_FOUND:
            typer.echo(f"there may be more than {MOST_FOUND}; give more of the name", err=True)
    raise typer.Exit(0 if matches else 1)


@app.command()
def show(member_id: MemberId, full: Full = False, as_json: AsJson = False, config: ConfigPath = DEFAULT) -> None:
    """Print a member with connections, sessions and the last 20 events."""
    shown = run_with_manager(config, lambda manager: manager.administration.show(member_id))
    if not full:
        member_tables.shorten_ids(shown)
    if as_json:
        _print_json(shown)
    else:
        _print_lines(member_tables.describe_member(shown))


@app.command()
def disable(
    member_id: MemberId,
    reason: Reason = "",
    operator: Operator = "",
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Refuse the logins of a member, and end the sessions.

    A second run changes nothing. An event says who did it and why. If members live in the shop's own directory, disable
    them there: this command is then refused.
    """
    act = make_act(operator, reason)
    is_new = run_with_manager(config, lambda manager: manager.administration.disable(member_id, act))
    _print_change(member_id, "disabled", is_new=is_new, as_json=as_json)


@app.command()
def enable(
    member_id: MemberId,
    reason: Reason = "",
    operator: Operator = "",
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Let a member who was disabled log in again.

    A member who was merged into another or erased stays disabled: this command is then refused.
    """
    act = make_act(operator, reason)
    is_new = run_with_manager(config, lambda manager: manager.administration.enable(member_id, act))
    _print_change(member_id, "enabled", is_new=is_new, as_json=as_json)


@app.command()
def sessions(
    member_id: MemberId,
    end: Annotated[
        str, typer.Option("--end", help="End this session, or `all` of them, instead of listing.", metavar="ID|all")
    ] = "",
    reason: Reason = "",
    operator: Operator = "",
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """List where a member is logged in, or end it with `--end`.

    An access token that was given out is refused at once, too.
    """
    if not end:
        listed = run_with_manager(config, lambda manager: manager.administration.find_sessions(member_id))
        if as_json:
            _print_json(listed)
        else:
            _print_lines(member_tables.list_sessions(listed) or ["the member is logged in nowhere"])
        return
    act, session_id = make_act(operator, reason), None if end == "all" else end
    ended = run_with_manager(config, lambda manager: manager.administration.end_sessions(member_id, session_id, act))
    if as_json:
        _print_json({"id": member_id, "ended": ended})
    else:
        typer.echo(f"{ended} session{'' if ended == 1 else 's'} of member {member_id} ended")


@app.command()
def unbind(
    member_id: MemberId,
    union_type: Annotated[
        str, typer.Argument(help="The union type of the connection, such as ALIPAY.", metavar="UNION_TYPE")
    ],
    *,
    reason: Reason = "",
    force: Annotated[
        bool,
        typer.Option("--force", help="Even if it is the member's only way to log in; the member is then locked out."),
    ] = False,
    operator: Operator = "",
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """End a member's connection with a vendor.

    Ends the sessions that came through it, too. The only way to log in is refused without `--force`. An event says who
    did it and why.
    """
    act, wanted = make_act(operator, reason), union_type.upper()
    try:
        run_with_manager(config, lambda manager: manager.administration.unbind(member_id, wanted, act, force=force))
    except LastConnection as error:
        raise SettingsError([f"{error}; --force unbinds it all the same, and locks the member out"]) from None
    if as_json:
        _print_json({"id": member_id, "unbound": wanted})
    else:
        typer.echo(f"{wanted} is unbound from member {member_id}")


@app.command()
def conflicts(
    event_id: Annotated[
        int | None, typer.Argument(min=1, help="Show this conflict with both sides, instead of a list.", metavar="ID")
    ] = None,
    full: Full = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """List conflicts of identity that are not resolved, or show one.

    A conflict: the ids of one login led to two members. Nothing was moved then, and the strongest id decided.
    `members resolve` says whose identity it is.
    """
    if event_id is not None:
        view = run_with_manager(config, lambda manager: manager.conflicts.show(event_id))
        shown = member_tables.dump_conflict(view, full=full)
        if as_json:
            _print_json(shown)
        else:
            _print_lines(member_tables.describe_conflict(shown))
        return
    listed = [member_tables.summarise_conflict(conflict) for conflict in run_with_manager(config, _find_all_conflicts)]
    if as_json:
        _print_json(listed)
    else:
        _print_lines(member_tables.list_conflicts(listed) or ["there is no conflict to resolve"])


@app.command()
def resolve(
    event_id: Annotated[
        int, typer.Argument(min=1, help="The conflict's id: the first column of the list.", metavar="ID")
    ],
    *,
    to: Annotated[
        int, typer.Option("--to", help="This member has the identity; the other's connection ends.", metavar="MEMBER")
    ] = 0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave both members as they are; the conflict is not listed again.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="With --to: even if the other member has no other way to log in and is then locked out."
        ),
    ] = False,
    reason: Reason = "",
    operator: Operator = "",
    config: ConfigPath = DEFAULT,
) -> None:
    """Decide whose identity it is after a conflict.

    Give --to MEMBER or --keep. With --to, the ids of the other member's connection lead to MEMBER from then on, and the
    sessions that came through either connection end. An event and the audit log say who decided it and why.
    """
    if bool(to) == keep:
        raise SettingsError(["members resolve: give either --to MEMBER or --keep"])
    act = make_act(operator, reason)
    try:
        if keep:
            run_with_manager(config, lambda manager: manager.conflicts.keep(event_id, act))
        else:
            run_with_manager(config, lambda manager: manager.conflicts.give(event_id, to, act, force=force))
    except LastConnection as error:
        raise SettingsError([f"{error}; --force ends it all the same, and locks the member out"]) from None
    typer.echo(f"conflict {event_id}: " + ("kept as it is" if keep else f"the identity is member {to}'s"))


async def _find_all_conflicts(manager: ConnectManager) -> list[Conflict]:
    latest: dict[str, Conflict] = {}
    before = 0
    while True:
        listed, before = await manager.conflicts.find_open(before)
        for conflict in listed:
            latest.setdefault(conflict.subject, conflict)
        if not before:
            return list(latest.values())


@app.command()
def export(member_id: MemberId, reason: Reason = "", operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Print what is stored about a member, as JSON.

    Everything but tokens and hashes, as the member gets it on /connect/account/export. The audit log says who did it.
    """
    act = make_act(operator, reason)
    _print_json(run_with_manager(config, lambda manager: manager.personal_data.export(member_id, act)))


@app.command()
def erase(
    member_id: MemberId,
    *,
    reason: Reason = "",
    operator: Operator = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed where there is no terminal.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT,
) -> None:
    """Erase what is stored about a member.

    That is ids, profiles, sessions, and what events say about the person. It cannot be undone, so it asks first,
    unless you give `--yes`. A second run changes nothing. The audit log says who did it: give no name as the reason.

    Exit code 0: the member is erased; 1: you answered no; 2: it could not ask, or there is no such member.
    """
    if not yes:
        _confirm_erasure(config, member_id)
    act = make_act(operator, reason)
    is_new = run_with_manager(config, lambda manager: manager.personal_data.erase(member_id, act.request_id, act))
    _print_change(member_id, "erased", is_new=is_new, as_json=as_json)


def _confirm_erasure(config: Path, member_id: int) -> None:
    if not _is_terminal():
        raise SettingsError(["members erase asks before it erases, and there is no terminal: give --yes"])
    shown = run_with_manager(config, lambda manager: manager.administration.show(member_id))
    name = member_tables.get_name(shown["member"] or {})
    question = f"Erase member {member_id}{f' ({name})' if name else ''}? It cannot be undone."
    if not typer.confirm(question, err=True):
        typer.echo("nothing was erased", err=True)
        raise typer.Exit(1)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _print_change(member_id: int, state: str, *, is_new: bool, as_json: bool) -> None:
    if as_json:
        _print_json({"id": member_id, "state": state, "changed": is_new})
    else:
        typer.echo(f"member {member_id} {'is' if is_new else 'was'} {state}{'' if is_new else ' before'}")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)
