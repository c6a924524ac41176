"""Administrators in the database: what is written at once, what a race may not do, and what is never stored."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connect_core.acts import OperatorAct
from connect_core.administrators.accounts import Accounts, AdministratorRefused
from connect_core.administrators.roles import Role, find_strongest_role
from connect_core.administrators.sessions import AdministratorSessions
from connect_core.administrators.sign_in import SignIn, name_of
from connect_core.crypto.one_time_passwords import get_totp, new_totp_secret
from connect_core.errors import NotLoggedIn, NotThere
from connect_core.settings import AdminSettings
from connect_core.store import Database, bulk

from ..kit.acme import execute
from ..kit.clock import Clock

pytestmark = pytest.mark.anyio
ACT = OperatorAct("tests", "", "0" * 16)
KEYS, OTHER = (bytes(32),), (bytes([1]) * 32,)
SECRET = new_totp_secret()


async def is_password(password: str, stored: str) -> bool:
    """Stand in for Argon2."""
    return bool(stored) and stored == f"hash of {password}"


class Bench:
    """The administrators of one database, as one process has them."""

    def __init__(self, database: Database, clock: Clock, **settings: object) -> None:
        self.database, self.clock = database, clock
        self.settings = AdminSettings.model_validate({"enabled": True, **settings})
        self.accounts = Accounts(database, KEYS, self.now)
        self.sessions = AdministratorSessions(database, self.settings, self.now)
        self.sign_in = SignIn(database, self.settings, self.accounts, self.sessions, is_password, self.now)

    def now(self) -> int:
        """The time in whole seconds."""
        return int(self.clock())

    async def create(self, name: str, role: Role = Role.OPERATOR, totp_secret: str = SECRET) -> None:
        """Create an administrator whose password is `right`."""
        await self.accounts.create(name, role, ACT, password_hash="hash of right", totp_secret=totp_secret)

    def rows(self, table: str) -> list[dict[str, object]]:
        """The rows of a table."""
        return self.database.read_blocking(lambda tx: bulk.find_rows(tx, table))


@pytest.fixture
async def bench(database_url: str, tmp_path: Path) -> AsyncIterator[Bench]:
    """Administrators on the test's database."""
    database = Database(database_url)
    yield Bench(database, Clock(1_800_000_000))
    database.close()


async def test_of_many_sign_ins_with_one_password_only_one_succeeds(bench: Bench) -> None:
    """A one-time password that somebody has seen typed is useless, even in the same moment."""
    await bench.create("li")
    totp = get_totp(SECRET, bench.now())
    tries = [bench.sign_in.by_password("li", "right", totp, "r") for _ in range(8)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, str) for result in results) == 1
    assert sum(isinstance(result, NotLoggedIn) for result in results) == 7
    assert len(bench.rows("es_admin_session")) == 1


async def test_two_operators_cannot_disable_each_other(bench: Bench) -> None:
    """Of two acts at once the second finds the first: one operator is left."""
    await bench.create("li")
    await bench.create("wang")
    acts = (bench.accounts.disable("li", ACT), bench.accounts.set_role("wang", Role.VIEWER, ACT))
    results = await asyncio.gather(*acts, return_exceptions=True)
    assert [type(result) for result in results if result is not True] == [AdministratorRefused]
    views = await bench.accounts.find_all()
    assert sum(view.role is Role.OPERATOR and view.state == "active" for view in views) == 1


async def test_a_name_is_given_once(bench: Bench) -> None:
    """Also by two operators at once, and without a second record."""
    creates = [bench.create("li") for _ in range(4)]
    results = await asyncio.gather(*creates, return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert [row["name"] for row in bench.rows("es_admin")] == ["li"]
    assert len(bench.rows("es_admin_audit")) == 1


async def test_no_token_code_or_secret_is_stored(bench: Bench) -> None:
    """Tokens and codes are there as hashes, the secret of one-time passwords sealed for its row."""
    await bench.create("li")
    code = await bench.accounts.create("wang", Role.VIEWER, ACT)
    token = await bench.sign_in.by_password("li", "right", get_totp(SECRET, bench.now()), "r")
    stored = "".join(str(bench.rows(table)) for table in ("es_admin", "es_admin_session", "es_admin_audit"))
    for secret in (code, token, SECRET):
        assert secret not in stored


async def test_a_sealed_secret_opens_for_its_own_row_alone(bench: Bench, database_url: str) -> None:
    """A row whose secret was copied from another signs nobody in, nor does one that no key opens any more."""
    await bench.create("li")
    await bench.create("wang", totp_secret=new_totp_secret())
    others = next(row["totp_secret"] for row in bench.rows("es_admin") if row["name"] == "li")
    execute(database_url, "UPDATE es_admin SET totp_secret = ? WHERE name = 'wang'", others)
    with pytest.raises(NotLoggedIn):
        await bench.sign_in.by_password("wang", "right", get_totp(SECRET, bench.now()), "r")
    accounts = Accounts(bench.database, OTHER, bench.now)
    sign_in = SignIn(bench.database, bench.settings, accounts, bench.sessions, is_password, bench.now)
    with pytest.raises(NotLoggedIn):
        await sign_in.by_password("li", "right", get_totp(SECRET, bench.now()), "r")


async def test_a_one_time_password_is_wanted_where_there_is_one(bench: Bench) -> None:
    """Without `require_totp` only administrators without a secret get in by the password alone."""
    await bench.create("li")
    await bench.create("wang", totp_secret="")
    with pytest.raises(NotLoggedIn):
        await bench.sign_in.by_password("wang", "right", "", "r")
    relaxed = Bench(bench.database, bench.clock, require_totp=False)
    assert await relaxed.sign_in.by_password("wang", "right", "", "r")
    with pytest.raises(NotLoggedIn):
        await relaxed.sign_in.by_password("li", "right", "", "r")


async def test_a_session_of_a_provider_ends_with_the_provider(bench: Bench) -> None:
    """Once `[admin] provider` is another one, nobody is signed in through the former."""
    with_provider = Bench(bench.database, bench.clock, provider="staff", roles={"support": ["shop"]})
    token = await with_provider.sign_in.by_claims("staff", {"sub": "1", "groups": ["shop"]}, "r")
    signed_in = await with_provider.sessions.find(token)
    assert signed_in is not None
    assert (signed_in.role, signed_in.provider) == (Role.SUPPORT, "staff")
    assert await bench.sessions.find(token) is None


async def test_expired_sessions_go_when_somebody_signs_in(bench: Bench) -> None:
    """The table does not grow for ever."""
    await bench.create("li")
    await bench.sign_in.by_password("li", "right", get_totp(SECRET, bench.now()), "r")
    bench.clock.advance(13 * 3600)
    await bench.sign_in.by_password("li", "right", get_totp(SECRET, bench.now()), "r")
    assert len(bench.rows("es_admin_session")) == 1


async def test_nobody_unknown_is_changed(bench: Bench) -> None:
    """A name that is nobody's is said, and nothing is written."""
    for act in (bench.accounts.disable, bench.accounts.enable, bench.accounts.reset, bench.accounts.reset_totp):
        with pytest.raises(NotThere):
            await act("nobody", ACT)
    assert bench.rows("es_admin_audit") == []


def test_the_strongest_role_counts() -> None:
    """Groups are compared byte for byte; who is in none has no role."""
    roles: dict[str, list[str]] = {"viewer": ["all"], "operator": ["admins"], "support": ["staff", "admins"]}
    assert find_strongest_role(["all", "staff"], roles) is Role.SUPPORT  # type: ignore[arg-type]
    assert find_strongest_role(["admins"], roles) is Role.OPERATOR  # type: ignore[arg-type]
    assert find_strongest_role(["Admins", ""], roles) is None  # type: ignore[arg-type]


def test_a_name_of_a_provider_is_nobody_elses() -> None:
    """Equal user names of two people differ by the subject, and none is a local administrator's; it fits its column."""
    first, second = (name_of("staff", {"sub": sub, "preferred_username": "li"}) for sub in ("1", "2"))
    assert first != second
    assert first.startswith("staff:li (")
    assert len(name_of("s" * 60, {"sub": "1", "email": "x" * 300})) <= 64
    assert name_of("staff", {"sub": "1", "name": "\n"}).isprintable()
