"""What may be wrong with the admin page: one change for each."""

from collections.abc import Callable

from connect_core.administrators.secrets_at_rest import PURPOSE, get_associated
from connect_core.crypto import Sealer
from connect_core.settings.values import parse_secret_key

from ..kit.acme import execute
from .bench import Bench, new_key


def seal_totp(key: str) -> str:
    """The secret of `li`, sealed with this key, as SQL."""
    sealer = Sealer([parse_secret_key(key).get_secret_value()], PURPOSE)
    return f"'{sealer.seal(b'JBSWY3DPEHPK3PXP', get_associated('li'))}'"


def add_administrator(bench: Bench, totp_secret: str = "", password_hash: str = "hash") -> None:
    """Have an operator; `totp_secret` is SQL, and by default sealed with the shop's key."""
    values = f"'li', 'operator', '{password_hash}', {totp_secret or seal_totp(bench.key.read_text('utf-8'))}"
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


def lose_key(bench: Bench) -> None:
    """Have an administrator whose secret was sealed with a key that the shop no longer has."""
    use_admin_page(bench)
    add_administrator(bench, seal_totp(new_key()))


def serve_plain(bench: Bench) -> None:
    """Serve over plain http."""
    use_admin_page(bench)
    add_administrator(bench)
    bench.service["public_url"] = "http://127.0.0.1:8000"


ADMIN_PAGE_FAULTS: dict[str, list[Callable[[Bench], object]]] = {
    "admin_page_without_administrators": [have_nobody],
    "admin_page_without_totp": [have_no_totp],
    "admin_totp_unopened": [lose_key],
    "admin_provider_unusable": [lambda bench: use_admin_page(bench, provider="staff", roles={"viewer": ["all"]})],
    "admin_roles_missing": [lambda bench: use_admin_page(bench, provider="staff")],
    "admin_page_over_http": [serve_plain],
}
