"""Whether the SQLite file is on a disk of this machine, and who else may read it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from connect_core.doctor.kinds import Kind
from connect_core.doctor.machine import Machine
from connect_core.findings import Finding, Level

SUBJECT = "database"
NETWORK = Kind(
    "sqlite_network_file_system",
    Level.BROKEN,
    SUBJECT,
    "The SQLite file is on a network file system, whose locks do not keep two writers apart: the file gets damaged.",
    "Move the file to a local disk, or move to a database server with connect-login db copy.",
)
FILE_OPEN = Kind(
    "sqlite_file_open",
    Level.WARNING,
    SUBJECT,
    "Other users of this machine may read the SQLite file, or may write into its folder.",
    "Run: chmod go-rwx FILE",
)
NETWORKS = frozenset(
    (
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
        "vboxsf",
    )
)
"""Types of file systems that are another machine's."""


def check_file(path: Path, machine: Machine) -> Iterator[Finding]:
    """Look at the file and its folder; the file need not exist yet."""
    folder = path.parent
    if (kind := find_file_system(folder, machine)) in NETWORKS:
        yield NETWORK.report(f"{path} is on {kind}")
    if os.name != "posix" or not folder.is_dir():
        return
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield FILE_OPEN.report(f"other users may write into the folder {folder}", f"Run: chmod o-w {folder}")
    if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield FILE_OPEN.report(f"other users may read or write {path}", f"Run: chmod go-rwx {path}*")


def find_file_system(folder: Path, machine: Machine) -> str:
    """Return the type of the file system that `folder` is on, as Linux calls it; empty where that is not known."""
    try:
        lines = machine.mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    mounted = {fields[1].replace("\\040", " "): fields[2] for line in lines if len(fields := line.split()) > 2}
    place = folder.absolute()
    return next((mounted[str(above)] for above in (place, *place.parents) if str(above) in mounted), "")
