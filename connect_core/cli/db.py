"""`connect-login db`: creates and upgrades the tables, checks their rows, and copies them to another database."""

from contextlib import closing
from typing import Annotated

import typer

from connect_core.cli.acting import Operator, make_act, record_act
from connect_core.cli.configuration import DEFAULT, ConfigPath, load, warn
from connect_core.errors import SettingsError
from connect_core.store import Database, schema
from connect_core.store.schema import integrity

app = typer.Typer(
    add_completion=False,
    help="Create, upgrade, check and copy the tables of the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def root() -> None:
    """Create, upgrade, check and copy the tables of the database."""


@app.command()
def upgrade(operator: Operator = "", config: ConfigPath = DEFAULT) -> None:
    """Create the tables, or upgrade them to this version.

    Changes nothing where they are current already.
    """
    from connect_core.store.schema.upgrade import upgrade_schema  # noqa: PLC0415 - Alembic is slow to import

    act = make_act(operator, "")
    with closing(Database(load(config).service.database_url)) as database:
        before = schema.find_state(database)
        upgrade_schema(database, typer.echo)
        if schema.find_state(database) is not before:
            record_act(database, act, "database.upgraded", "database", f"to {schema.VERSIONS[0]}, was {before}")


@app.command()
def check(
    config: ConfigPath = DEFAULT,
    external_members: Annotated[
        bool,
        typer.Option(
            "--external-members", help="Leave out the rules about es_member: members live in the shop's own tables."
        ),
    ] = False,
    members_elsewhere: Annotated[bool, typer.Option("--members-elsewhere", hidden=True)] = False,
) -> None:
    """Look for rows that break a rule, and for columns of a wrong type. Changes nothing.

    Exit code 0: nothing is wrong; 1: something is.
    """
    if members_elsewhere:
        warn("--members-elsewhere", "--external-members")
    with closing(Database(load(config).service.database_url)) as database:
        state = schema.find_state(database)
        if mistake := schema.get_advice(state, f"{schema.UPGRADE} --config {config}"):
            raise SettingsError([f"service.database_url: {mistake}"])
        wrong = schema.find_wrong_columns(database)
        typer.echo(f"the schema is {state}")
        for line in wrong:
            typer.echo(line)
        violations = integrity.find_violations(database, are_members_elsewhere=external_members or members_elsewhere)
        for violation in violations:
            typer.echo(_describe(violation))
        typer.echo(f"{len(integrity.RULES)} rules, {len(violations)} broken")
    raise typer.Exit(1 if wrong or violations else 0)


@app.command()
def copy(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            envvar="CONNECT_COPY_FROM",
            help="The database to copy: an SQLAlchemy URL, or env:NAME.",
            metavar="URL",
        ),
    ],
    target: Annotated[
        str,
        typer.Option(
            "--to",
            envvar="CONNECT_COPY_TO",
            help="The database to copy to: an SQLAlchemy URL, or env:NAME.",
            metavar="URL",
        ),
    ],
    operator: Operator = "",
) -> None:
    """Copy all tables to another database, and compare the two.

    The databases may be of different engines, and are compared row by row. Stop the service first: what it writes
    meanwhile is not copied. An empty target gets the tables. Ids stay, and no row is deleted or changed in either
    database; the audit log of both gets a record of the copy. If the command was interrupted, run it again: rows that
    are there and equal are passed over. Sealed values keep working with the same secret_keys.

    Exit code 0: both databases have the same rows; 1: they differ, or the target has other rows.
    """
    from connect_core.cli.copying import run_copy  # noqa: PLC0415 - only this command needs it

    raise typer.Exit(0 if run_copy(source, target, make_act(operator, "")) else 1)


def _describe(violation: integrity.Violation) -> str:
    rows = ", ".join(str(row) for row in violation.rows) + (", ..." if violation.count > len(violation.rows) else "")
    return (
        f"{violation.rule.name}: {violation.rule.means}: {violation.count} (rows {rows}); to do: {violation.rule.cure}"
    )
