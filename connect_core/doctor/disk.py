"""Whether there is room on the disk that the service writes to."""

from collections.abc import Iterator
from pathlib import Path

from connect_core.doctor.kinds import Kind
from connect_core.doctor.machine import Machine
from connect_core.findings import Finding, Level

SUBJECT = "system"
ROOM = Kind("disk_space", Level.OK, SUBJECT, "There is room on the disk.")
LOW = Kind(
    "disk_space_low",
    Level.WARNING,
    SUBJECT,
    "Less than 1 GiB is free on the disk of the SQLite file, or of `connect.toml` where there is none.",
    "Free some space, or enlarge the disk.",
)
FULL = Kind(
    "disk_full",
    Level.BROKEN,
    SUBJECT,
    "Less than 64 MiB is free there: on SQLite logins are about to fail.",
    "Free some space now.",
)
MIB = 1024 * 1024
LOW_MIB, FULL_MIB = 1024, 64


def check_disk(folder: Path, machine: Machine) -> Iterator[Finding]:
    """Look at the disk that `folder`, or the nearest folder above it that exists, is on."""
    folder = next((above for above in (folder.absolute(), *folder.absolute().parents) if above.is_dir()), Path("/"))
    free = machine.get_free_bytes(folder) // MIB
    kind = FULL if free < FULL_MIB else LOW if free < LOW_MIB else ROOM
    yield kind.report(f"{free} MiB are free where {folder} is")
