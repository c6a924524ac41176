"""What may be wrong with the admin page: one change for each."""

from collections.abc import Callable

from ..kit.acme import execute
from .bench import Bench


def add_administrator(bench: Bench, totp_secret: str = "'sealed'", password_hash: str = "hash") -> None:
    """Have an operator; `totp_secret` is SQL."""
    values = f"'li', 'operator', '{password_hash}', {totp_secret}"
    statement = f"INSERT INTO es_admin (name, role, password_hash, totp_secret) VALUES ({values})"
    execute(bench.service["database_url"], statement)


def use_admin_page(bench: Bench, **settings: object) -> None:
    """Switch the admin page on."""
    bench.raw["admin"] = {"enabled": True, **settings}


def have_nobody(bench: Bench) -> None:
    """Have only an administrator who has not used the set-up code."""
    use_admin_page(bench)
    add_administrator(bench, "NULL", "set-up 1 hash")


def have_no_totp(bench: Bench) -> None:
    """Have an administrator without a one-time password."""
    use_admin_page(bench)
    add_administrator(bench, "NULL")


def serve_plain(bench: Bench) -> None:
    """Serve over plain http."""
    use_admin_page(bench)
    add_administrator(bench)
    bench.service["public_url"] = "http://127.0.0.1:8000"


ADMIN_PAGE_FAULTS: dict[str, list[Callable[[Bench], object]]] = {
    "admin_page_without_administrators": [have_nobody],
    "admin_page_without_totp": [have_no_totp],
    "admin_provider_unusable": [lambda bench: use_admin_page(bench, provider="staff", roles={"viewer": ["all"]})],
    "admin_roles_missing": [lambda bench: use_admin_page(bench, provider="staff")],
    "admin_page_over_http": [serve_plain],
}
