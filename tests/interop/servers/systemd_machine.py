"""A machine with systemd: its first process runs in namespaces of its own, on a copy of this machine's root.

Nothing of this machine is changed. The copy has its own loopback interface, so the unit keeps the ports that it names.
"""

import ctypes
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .operations import find_program

NAMESPACES = ("--mount", "--pid", "--net", "--cgroup", "--ipc", "--uts")
SYSTEMD = "/lib/systemd/systemd"
_CLONE_NEWNET = 0x40000000

Result = TypeVar("Result")

_PROBE = """
mount -t tmpfs none /mnt; mkdir /mnt/upper /mnt/work /mnt/root /mnt/cgroup
mount -t overlay none -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount -t cgroup2 none /mnt/cgroup; mkdir "/mnt/cgroup/probe-$$"; rmdir "/mnt/cgroup/probe-$$"
mount -t sysfs none -o ro /mnt/root/sys; ip link set lo up
"""
"""What the machine needs and a container without privileges may not do."""

_PREPARE = """
# $1: a folder to mount on, $2: files to add to the root, $3: the name of a control group
mount -t tmpfs -o mode=755 none "$1"
mkdir "$1/upper" "$1/work" "$1/root" "$1/cgroup"
mount -t cgroup2 none "$1/cgroup"
mkdir "$1/cgroup/$3"
echo $$ > "$1/cgroup/$3/cgroup.procs"
umount "$1/cgroup"
root="$1/root"
mount -t overlay none -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$root"
# this machine's own units stay off
rm -rf "$root"/etc/systemd/system/* "$root/etc/fstab"
cp -a "$2/." "$root/"
chroot "$root" useradd --system connect
"""
_BOOT = """
# $1: the root
mount --make-rprivate /
mount -t proc none "$1/proc"
mount --bind "$1/proc/sys" "$1/proc/sys"
mount -o remount,bind,ro "$1/proc/sys"
mount -t sysfs -o ro none "$1/sys"
mount -t cgroup2 none "$1/sys/fs/cgroup"
mount -t tmpfs -o mode=755 none "$1/dev"
for device in null zero full random urandom tty; do
    touch "$1/dev/$device"
    mount --bind "/dev/$device" "$1/dev/$device"
done
mkdir "$1/dev/shm" "$1/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 none "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
ln -s /proc/self/fd "$1/dev/fd"
for folder in run tmp dev/shm; do mount -t tmpfs -o mode=1777 none "$1/$folder"; done
chmod 755 "$1/run"
ip link set lo up
cd "$1"
pivot_root . mnt
umount --lazy /mnt
# as on every machine: credentials are mounted in one namespace to be seen in the others
mount --make-rshared /
exec setpriv --bounding-set=-sys_module,-sys_time env --ignore-environment \\
    container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    /lib/systemd/systemd --unit=basic.target --log-target=console --show-status=no
"""


def find_obstacle() -> str:
    """Return why this machine cannot run another systemd, or an empty text."""
    if os.geteuid() != 0:
        return "only root may start systemd in namespaces"
    command = ["unshare", *NAMESPACES, "--fork", "sh", "-euc", _PROBE]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr.strip()


def find_python() -> str | None:
    """Return a Python from 3.11 on which the user of a service can run, unlike one in somebody's home."""
    is_right = "import sys; raise SystemExit(sys.version_info < (3, 11))"
    for path in ("/usr/bin/python3", "/usr/local/bin/python3"):
        if Path(path).exists() and subprocess.run([path, "-c", is_right], check=False, timeout=60).returncode == 0:
            return path
    return None


def install(root: Path, source: Path, extras: str, constraints: Path) -> None:
    """Install connect-login into `/opt/connect` below `root`, from the wheel that `source` gives, with dependencies."""
    uv, environment = str(find_program("uv")), root / "opt" / "connect"
    environment.parent.mkdir(parents=True)
    variables = {**os.environ, "UV_SYSTEM_CERTS": "1"}  # the certificates of this machine, as pip uses them
    options = ["--python", str(environment), "--link-mode", "copy", "--compile-bytecode"]
    options += ["--constraint", str(constraints), "--build-constraint", str(constraints)]
    for command in (
        ["venv", "--relocatable", "--python", str(find_python()), str(environment)],
        ["pip", "install", *options, f"{source}[{extras}]"],
    ):
        done = subprocess.run([uv, *command], env=variables, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr


@dataclass
class Machine:
    """A machine on which systemd runs."""

    first_process: int
    _inside: ThreadPoolExecutor

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command there as root, to its end."""
        return subprocess.run([*self._enter, *command], capture_output=True, text=True, check=False, timeout=120)

    def check(self, *command: str) -> str:
        """Run a command there that must succeed, and return what it prints."""
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{self.run('journalctl', '-n50').stdout}"
        return done.stdout

    @property
    def _enter(self) -> list[str]:
        enter = ["nsenter", "--target", str(self.first_process), "--all", "--wd=/"]
        return [*enter, "env", "--ignore-environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_PAGER=cat"]

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.check("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file there, as root."""
        install = ["install", "--mode", f"{mode:o}", "/dev/stdin", path]
        subprocess.run([*self._enter, *install], input=text, text=True, check=True, timeout=60)

    def read_journal(self) -> str:
        """Return everything that services and systemd have logged."""
        return self.run("journalctl", "--no-pager").stdout

    def connected(self, act: Callable[[], Result]) -> Result:
        """Call `act` on the machine's network: the sockets that it opens are there."""
        return self._inside.submit(act).result()


@contextmanager
def running_machine(folder: Path, files: Path) -> Iterator[Machine]:
    """Start a machine whose root is this one's, with `files` added; what it writes is gone when the block ends."""
    place, group, log = folder / "machine", f"connect-{os.getpid()}", folder / "console"
    place.mkdir()
    boot = ["unshare", *NAMESPACES, "--fork", "--kill-child", "sh", "-euc", _BOOT, "boot", f"{place}/root"]
    prepare = ["unshare", "--mount", "sh", "-euc", f'{_PREPARE}shift 3; exec "$@"', "prepare"]
    with log.open("w", encoding="utf-8") as output:
        outer = subprocess.Popen(
            [*prepare, str(place), str(files), group, *boot], stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        first = _wait_for_boot(outer, log)
        with ThreadPoolExecutor(1, initializer=_join_network, initargs=(first,)) as inside:
            yield Machine(first, inside)
    finally:
        outer.kill()
        outer.wait(30)
        _remove_group(folder, group)


def _wait_for_boot(outer: subprocess.Popen[bytes], log: Path) -> int:
    children, ends = Path(f"/proc/{outer.pid}/task/{outer.pid}/children"), time.monotonic() + 60
    while time.monotonic() < ends and outer.poll() is None:
        for child in children.read_text("ascii").split():
            state = subprocess.run(
                ["nsenter", "--target", child, "--all", "systemctl", "is-system-running"],
                capture_output=True,
                text=True,
                check=False,
            )
            if state.stdout.strip() in ("running", "degraded"):
                return int(child)
        time.sleep(0.1)
    raise AssertionError(f"systemd has not started:\n{log.read_text('utf-8')}")


def _join_network(process: int) -> None:
    with Path(f"/proc/{process}/ns/net").open("rb") as network:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(network.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


def _remove_group(folder: Path, name: str) -> None:
    """Remove the machine's control groups, each of which is empty once its processes have ended."""
    place = folder / "groups"
    place.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "none", str(place)], check=True)
    try:
        ends = time.monotonic() + 10
        while (place / name).exists():
            _remove_empty_folders(place / name)
            assert time.monotonic() < ends, "processes of the machine have not ended"
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _remove_empty_folders(top: Path) -> None:
    for path, _, _ in os.walk(top, topdown=False):
        with suppress(OSError):
            Path(path).rmdir()
