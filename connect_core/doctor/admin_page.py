"""Whether somebody can sign in to the admin page, and how well that is protected. Checks nothing while it is off."""

from collections.abc import Iterator
from contextlib import closing

from connect_core.administrators.secrets_at_rest import PURPOSE, get_associated
from connect_core.crypto import Sealer, SealError
from connect_core.doctor.kinds import Kind
from connect_core.errors import ConnectError
from connect_core.findings import Finding, Level
from connect_core.settings import Settings
from connect_core.store import Database, administrators
from connect_core.store.administrators import AdministratorRow

SUBJECT = "admin page"
WORKS = Kind("admin_page", Level.OK, SUBJECT, "The admin page is on, and somebody can sign in.")
NOBODY = Kind(
    "admin_page_without_administrators",
    Level.WARNING,
    SUBJECT,
    "The admin page is on, but nobody can sign in: no administrator is active, and `[admin]` names no provider.",
    "Run: connect-login admin create NAME --role operator",
)
WITHOUT_TOTP = Kind(
    "admin_page_without_totp",
    Level.WARNING,
    SUBJECT,
    "Administrators have no one-time password: a password alone protects the admin page, or they cannot sign in.",
    "Run: connect-login admin reset-totp NAME",
)
TOTP_UNOPENED = Kind(
    "admin_totp_unopened",
    Level.WARNING,
    SUBJECT,
    "An administrator cannot sign in: the secret of the one-time passwords was sealed with a key that is not among the "
    "`secret_keys`.",
    "Put that key back into service.secret_keys, or run: connect-login admin reset-totp NAME",
)
PROVIDER_UNUSABLE = Kind(
    "admin_provider_unusable",
    Level.BROKEN,
    SUBJECT,
    "`[admin] provider` names no configured provider: `serve` does not start.",
    "Correct admin.provider, or configure the provider.",
)
NO_ROLES = Kind(
    "admin_roles_missing",
    Level.WARNING,
    SUBJECT,
    "Administrators are to sign in through a provider, but no group of it has a role, so all of them are refused.",
    "Name the groups in admin.roles.",
)
PLAIN_HTTP = Kind(
    "admin_page_over_http",
    Level.OK,
    SUBJECT,
    "The admin page is served over plain http, which is possible on this machine's own addresses only.",
    "Before others use it, give service.public_url an https address.",
)


async def check_admin_page(settings: Settings) -> list[Finding]:
    """Return what is found of the admin page; a database that does not answer is the finding of another check."""
    findings = list(_check_settings(settings))
    service = settings.service
    try:
        with closing(Database(service.database_url, synchronous=service.sqlite_synchronous)) as database:
            accounts = await database.read(administrators.find_administrators)
    except ConnectError:
        return findings
    findings += _check_accounts(settings, accounts)
    if not any(finding.level is not Level.OK for finding in findings):
        findings.append(WORKS.report("somebody can sign in to the admin page"))
    return findings


def _check_settings(settings: Settings) -> Iterator[Finding]:
    admin = settings.admin
    if admin.provider and admin.provider not in settings.providers:
        yield PROVIDER_UNUSABLE.report(f"admin.provider: there is no [providers.{admin.provider}]")
    if admin.provider and not any(admin.roles.values()):
        yield NO_ROLES.report("admin.roles names no group")
    if settings.service.is_plain_loopback:
        yield PLAIN_HTTP.report("the admin page is served over plain http")


def _check_accounts(settings: Settings, accounts: list[AdministratorRow]) -> Iterator[Finding]:
    active = [account for account in accounts if not account.disabled and not account.is_waiting]
    if not active and not settings.admin.provider:
        yield NOBODY.report("no administrator is active")
    if names := [account.name for account in active if account.totp_secret is None]:
        follows = "cannot sign in" if settings.admin.require_totp else "are protected by a password alone"
        yield WITHOUT_TOTP.report(f"administrators without a one-time password {follows}: {', '.join(names)}")
    sealer = Sealer(settings.service.keys, PURPOSE)
    if names := [account.name for account in active if not _is_open(account, sealer)]:
        yield TOTP_UNOPENED.report(f"no secret key opens the one-time passwords of {', '.join(names)}")


def _is_open(account: AdministratorRow, sealer: Sealer) -> bool:
    """Tell whether the account has no secret for one-time passwords, or one that a key of ours opens."""
    try:
        return account.totp_secret is None or bool(sealer.open(account.totp_secret, get_associated(account.name)))
    except SealError:
        return False
