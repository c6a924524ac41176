"""Whether the secret keys are worth their name, and who may read and write the files that the settings come from."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from string import printable

from connect_core.doctor.configuration import Loaded
from connect_core.doctor.kinds import Kind
from connect_core.doctor.machine import Machine
from connect_core.findings import Finding, Level
from connect_core.settings import DAY
from connect_core.settings.secret_files import FileOfSettings, list_keys

SUBJECT = "keys and files"
STRONG = Kind("secret_keys", Level.OK, SUBJECT, "The `secret_keys` look random, and only their owner can read them.")
WEAK = Kind(
    "secret_key_weak",
    Level.BROKEN,
    SUBJECT,
    "A secret key is not random: bytes repeat, count up, or are a typed text. Whoever guesses it forges logins.",
    "Make a new key with connect-login keys generate, put it first, and remove this one at once.",
)
PUBLISHED = Kind(
    "secret_key_published",
    Level.BROKEN,
    SUBJECT,
    "A secret key stands in the documentation or the tests of connect-login: everybody knows it.",
    "Make a new key with connect-login keys generate, put it first, and remove this one at once.",
)
REPEATED = Kind(
    "secret_key_repeated",
    Level.WARNING,
    SUBJECT,
    "The same secret key is listed twice: it was probably meant to be replaced.",
    "Remove one of the two, and check that the new key is there.",
)
OLD = Kind(
    "secret_key_old",
    Level.WARNING,
    SUBJECT,
    "The file of the first secret key has not been changed for more than a year.",
    "Make a new key with connect-login keys generate, put it first, and remove the old one after [sessions] absolute.",
)
MANY = Kind(
    "secret_keys_many",
    Level.OK,
    SUBJECT,
    "There are more than three secret keys, each of which opens everything that it has sealed.",
    "Remove keys that were replaced longer ago than [sessions] absolute.",
)
READABLE = Kind(
    "secret_file_readable",
    Level.WARNING,
    SUBJECT,
    "Every user of this machine may read a file with a secret in it.",
    "Run: chmod o-r FILE",
)
GROUP_READABLE = Kind(
    "secret_file_group_readable",
    Level.OK,
    SUBJECT,
    "The group of a file with a secret in it may read it, which is right where the service runs with that group.",
    "Check that nobody else is in that group, or run: chmod g-r FILE",
)
WRITABLE = Kind(
    "settings_file_writable",
    Level.BROKEN,
    SUBJECT,
    "Every user of this machine may write a file that settings come from, and so put other keys and addresses there.",
    "Run: chmod o-w FILE",
)
GROUP_WRITABLE = Kind(
    "settings_file_group_writable",
    Level.WARNING,
    SUBJECT,
    "The group of a file that settings come from may write it, and so put other keys and addresses there.",
    "Run: chmod g-w FILE",
)
OWNER = Kind(
    "settings_file_owner",
    Level.WARNING,
    SUBJECT,
    "A file that settings come from belongs to another user, who may change it.",
    "Run as root: chown USER FILE, with the user that the service runs as, or root.",
)
SERVICE_WEAK = Kind(
    "client_secret_weak",
    Level.WARNING,
    SUBJECT,
    "The secret of a resource server has few different characters. Whoever guesses it learns whose a token is.",
    "Make a new secret with openssl rand -base64 32, and give it to that service.",
)
SERVICE_SHARED = Kind(
    "client_secret_shared",
    Level.WARNING,
    SUBJECT,
    "Two resource servers have the same secret, so none of them can be locked out alone.",
    "Give each service a secret of its own.",
)
OLD_DAYS = 365
MOST_KEYS = 3
LEAST_BYTES = 20
"""Different bytes that 32 random ones have at least: of 10^12 keys one has fewer."""
LEAST_CHARACTERS = 8
"""Different characters that a secret has at least: of 100 with 16 random hexadecimal digits, one has fewer."""
_PUBLISHED = frozenset(
    hashlib.sha256(key).hexdigest() for key in (bytes(32), bytes(range(32)), bytes(range(1, 33)), b"\xff" * 32)
)


def check_keys(loaded: Loaded, machine: Machine, now: Callable[[], float]) -> list[Finding]:
    """Look at the keys, then at the files."""
    keys = loaded.settings.service.keys if loaded.settings else ()
    servers = loaded.settings.resource_servers if loaded.settings else {}
    secrets = {name: server.client_secret.get_secret_value() for name, server in servers.items()}
    findings = [
        *_check_ring(keys),
        *_check_services(secrets),
        *_check_age(loaded.files, now()),
        *_check_files(loaded, machine),
    ]
    if all(finding.level is Level.OK for finding in findings):
        findings.insert(0, STRONG.report("1 secret key" if len(keys) == 1 else f"{len(keys)} secret keys"))
    return findings


def _check_ring(keys: Sequence[bytes]) -> Iterator[Finding]:
    for place, key in enumerate(keys):
        if hashlib.sha256(key).hexdigest() in _PUBLISHED:
            yield PUBLISHED.report(f"service.secret_keys.{place} is an example")
        elif _is_weak(key):
            yield WEAK.report(f"service.secret_keys.{place} is not random")
        if key in keys[:place]:
            yield REPEATED.report(f"service.secret_keys.{place} is the same as service.secret_keys.{keys.index(key)}")
    if len(keys) > MOST_KEYS:
        yield MANY.report(f"there are {len(keys)} secret keys")


def _is_weak(key: bytes) -> bool:
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return len(set(key)) < LEAST_BYTES or len(steps) <= 2 or set(key) <= set(printable.encode())


def _check_services(secrets: Mapping[str, str]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, secret in secrets.items():
        if len(set(secret)) < LEAST_CHARACTERS:
            yield SERVICE_WEAK.report(f"resource_servers.{name}.client_secret is not random")
        if first.setdefault(secret, name) != name:
            yield SERVICE_SHARED.report(f"resource_servers.{name} has the secret of resource_servers.{first[secret]}")


def _check_age(files: Sequence[FileOfSettings], at: float) -> Iterator[Finding]:
    for file in files:
        if file.key == "service.secret_keys.0":
            days = (at - file.path.stat().st_mtime) / DAY
            if days > OLD_DAYS:
                yield OLD.report(f"{file.path} was last changed {days:.0f} days ago")


def _check_files(loaded: Loaded, machine: Machine) -> Iterator[Finding]:
    if os.name != "posix":
        return
    for name, keys in sorted(loaded.readable.items()):
        path = loaded.folder / name
        yield READABLE.report(f"every user may read {path}, which has {list_keys(keys)}", f"Run: chmod o-r {path}")
    for path, is_secret in {file.path: file.is_secret for file in loaded.files}.items():
        status = path.stat()
        if status.st_mode & stat.S_IWOTH:
            yield WRITABLE.report(f"every user may write {path}", f"Run: chmod o-w {path}")
        elif status.st_mode & stat.S_IWGRP:
            yield GROUP_WRITABLE.report(f"its group may write {path}", f"Run: chmod g-w {path}")
        if is_secret and status.st_mode & stat.S_IRGRP and not status.st_mode & stat.S_IROTH:
            yield GROUP_READABLE.report(
                f"its group may read {path}", f"Check that nobody else is in that group, or run: chmod g-r {path}"
            )
        user_id = machine.get_user_id()
        if user_id and status.st_uid not in (0, user_id):
            yield OWNER.report(f"{path} belongs to the user with the number {status.st_uid}")
