"""The systemd unit of `docs/operations`, run by systemd: logins, reload, restart, crashes, and what it may not do."""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from connect_core.cli.keys import new_key
from connect_core.harness import Visitor, load_sandboxes, sandbox_settings
from connect_core.providers.registry import Plugins
from connect_core.sandbox import Sandbox, listen, sandbox_app, serving

from ...conftest import Require
from ...kit.web_shops import TOKEN
from .operations import OPERATIONS, find_program, read_operations
from .systemd_machine import SYSTEMD, Machine, find_obstacle, find_python, install, running_machine

UNIT = "connect-login.service"
CONFIG = "/etc/connect-login/connect.toml"
SHOP = "http://127.0.0.1:8000"
ROOT = OPERATIONS.parents[1]


@dataclass
class Service:
    """The unit on its machine, and the vendor beside it."""

    machine: Machine
    sandbox: Sandbox
    url: str = SHOP
    """Where visitors find it."""

    @property
    def main_process(self) -> int:
        """The process that `ExecStart` became."""
        return int(self.machine.show(UNIT, "MainPID"))

    def wait_until_ready(self) -> None:
        """Wait until logins can be written."""

        def is_ready() -> bool:
            return self.get("http://127.0.0.1:9000/readyz") == 200

        wait_until(lambda: self.machine.connected(is_ready), self.machine.read_journal)

    @staticmethod
    def get(url: str) -> int:
        """The status of an answer, 0 without one. Runs on the machine's network."""
        try:
            return httpx.get(url, trust_env=False, timeout=10).status_code
        except httpx.TransportError:
            return 0

    def read(self, path: str) -> str:
        """The text of an answer. Runs on the machine's network."""
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=10).text

    def log_in(self, person: str = "lihua") -> str:
        """Log in as a browser does; returns the name of the member who is logged in then."""
        return self.machine.connected(lambda: self._log_in(person))

    def come_back(self) -> int:
        """Come back from the vendor as somebody who agreed; returns the status of our answer."""

        def visit() -> int:
            with Visitor(self) as visitor:  # type: ignore[arg-type]
                return visitor.http.get(visitor.consent(visitor.begin("alipay", "pc"))).status_code

        return self.machine.connected(visit)

    def _log_in(self, person: str) -> str:
        with Visitor(self) as visitor:  # type: ignore[arg-type]
            answer = visitor.http.get(visitor.consent(visitor.begin("alipay", "pc"), person))
            assert answer.status_code == 303, answer.text
            return str(visitor.http.get("/connect/me").json()["nickname"])

    def run_as_service(self, command: str) -> tuple[int, str]:
        """Run a shell command as the service's user with the service's view of the file system."""
        enter = ("nsenter", "--target", str(self.main_process), "--mount", "--wd=/", "setpriv", "--reuid=connect")
        done = self.machine.run(*enter, "--regid=connect", "--clear-groups", "sh", "-c", command)
        return done.returncode, done.stdout + done.stderr


def wait_until(is_so: Callable[[], bool], explain: Callable[[], str], seconds: float = 60) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, explain()
        time.sleep(0.1)


@contextmanager
def vendor_on(machine: Machine, sandbox: Sandbox) -> Iterator[str]:
    """Serve the sandbox on the machine's loopback."""
    listener = machine.connected(listen)
    with serving(sandbox_app({"alipay": sandbox}), listener=listener) as url:
        yield url


def lay_out(files: Path) -> None:
    """Put into `files` what the how-to puts on a machine."""
    install(files, ROOT, "metrics,postgres,redis", ROOT / ".ci" / "lock.txt")
    units, keys = files / "etc/systemd/system", files / "etc/connect-login/keys"
    units.mkdir(parents=True)
    shutil.copy(OPERATIONS / "systemd" / UNIT, units)
    keys.mkdir(parents=True)
    keys.chmod(0o700)
    for folder in (files, files / "etc"):
        folder.chmod(0o755)


def configure(machine: Machine, sandbox: Sandbox, vendor: str) -> None:
    """Write the how-to's connect.toml for the sandbox, and its secrets for root alone."""
    plugins = Plugins()
    settings = sandbox_settings({"alipay": sandbox}, plugins.available, vendor)["providers"]["alipay"]["pc"]
    keys = {"private_key": "alipay-private-key.pem", "alipay_public_key": "alipay-public-key.pem"}
    addresses = "".join(f'\n{name} = "{settings[name]}"' for name in ("gateway_url", "authorize_url"))
    text = read_operations(
        "systemd/connect.toml",
        {"https://shop.example": SHOP, 'app_id = "2021000000000000"': f'app_id = "{settings["app_id"]}"{addresses}'},
    )
    machine.write(CONFIG, text)
    for name, file in keys.items():
        machine.write(f"/etc/connect-login/keys/{file}", settings[name], mode=0o600)
    machine.write("/etc/connect-login/keys/secret-key", new_key(), mode=0o600)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, require: Require) -> Iterator[Service]:
    """The unit as the how-to installs and starts it."""
    require(Path(SYSTEMD).exists(), "systemd is not installed")
    require(find_program("uv"), "uv is in tox's environment `servers`")
    if obstacle := find_obstacle():
        pytest.skip(f"systemd cannot run in namespaces here: {obstacle}")
    require(find_python(), "there is no Python from 3.11 outside of somebody's home")
    folder = tmp_path_factory.mktemp("systemd")
    (folder / "files").mkdir()
    lay_out(folder / "files")
    sandbox = load_sandboxes(Plugins())["alipay"]
    with running_machine(folder, folder / "files") as machine, vendor_on(machine, sandbox) as vendor:
        configure(machine, sandbox, vendor)
        machine.check("systemctl", "daemon-reload")
        machine.check("systemctl", "enable", "--now", UNIT)
        service = Service(machine, sandbox)
        service.wait_until_ready()
        yield service


def test_members_log_in(service: Service) -> None:
    """The unit upgrades the database, starts at boot, and serves as its own user with the secrets of root."""
    assert service.log_in() == "李华"
    assert service.machine.check("systemctl", "is-enabled", UNIT).strip() == "enabled"
    assert service.machine.show(UNIT, "NRestarts") == "0"
    user = service.machine.check("stat", "--format=%U", f"/proc/{service.main_process}").strip()
    assert user == "connect"
    journal = service.machine.read_journal()
    assert "Traceback" not in journal
    assert "ermission" not in journal


def test_other_commands_read_the_same_secrets(service: Service) -> None:
    """As the how-to says: while the service runs, as its user."""
    service.log_in("maria")
    command = ("/opt/connect/bin/connect-login", "members", "find", "Maria", "--config", CONFIG)
    assert "Maria" in service.machine.check("runuser", "-u", "connect", "--", *command)
    assert service.machine.run("runuser", "-u", "nobody", "--", *command).returncode == 2


def test_what_the_service_cannot_reach(service: Service) -> None:
    """Everything but its own folder is read-only; homes, other processes, devices and root's keys are hidden."""
    for path in ("/etc", "/opt/connect", "/usr", "/var/log", "/run", "/sys", "/proc/sys"):
        assert service.run_as_service(f"touch {path}/x")[0] != 0, path
    assert service.run_as_service("touch /var/lib/connect-login/x && rm /var/lib/connect-login/x")[0] == 0
    assert service.run_as_service("ls /root")[0] != 0 != service.run_as_service("ls /home")[0]
    assert service.run_as_service("cat /etc/connect-login/keys/secret-key")[0] != 0
    assert service.run_as_service("ls /dev/mem /dev/sda /dev/vda")[0] != 0
    service.machine.check("touch", "/tmp/of-the-machine")
    assert "of-the-machine" not in service.run_as_service("ls /tmp")[1]
    status = service.machine.check("cat", f"/proc/{service.main_process}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == 0
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_a_reload_takes_the_configuration_and_refuses_nobody(service: Service) -> None:
    """`systemctl reload` replaces the workers by those with the new settings; meanwhile every request is answered."""
    machine, process = service.machine, service.main_process
    text = machine.check("cat", CONFIG)
    statuses: list[int] = []
    with ThreadPoolExecutor(1) as reloading:
        machine.write(CONFIG, text.replace('h5 = ["alipay"]', "h5 = []"))
        done = reloading.submit(machine.check, "systemctl", "reload", UNIT)
        ends = time.monotonic() + 60
        while not done.done() or machine.connected(lambda: '"alipay"' in service.read("/connect/providers?client=h5")):
            statuses.append(machine.connected(lambda: service.get(f"{SHOP}/connect/login")))
            assert time.monotonic() < ends, machine.read_journal()
    assert set(statuses) == {200}
    assert service.main_process == process
    machine.write(CONFIG, text.replace("[service]", "[servicce]"))
    machine.check("systemctl", "reload", UNIT)
    wait_until(lambda: "reload_refused" in machine.read_journal(), machine.read_journal)
    assert service.log_in() == "李华", "it goes on with the configuration that it has"
    machine.write(CONFIG, text)
    machine.check("systemctl", "restart", UNIT)
    service.wait_until_ready()


def test_a_new_secret_is_taken_by_a_restart(service: Service) -> None:
    """A reload reads the copies that systemd made when the unit started."""
    machine, secret = service.machine, new_key()
    machine.write("/etc/connect-login/keys/secret-key", secret, mode=0o600)
    copy = "/run/credentials/connect-login.service/keys_secret-key"
    machine.check("systemctl", "reload", UNIT)
    assert machine.check("cat", copy) != secret
    machine.check("systemctl", "restart", UNIT)
    service.wait_until_ready()
    assert machine.check("cat", copy) == secret
    assert service.log_in() == "李华"


def test_a_dead_worker_is_replaced(service: Service) -> None:
    """By the main process, without systemd."""
    machine, process = service.machine, service.main_process

    def find_workers() -> set[str]:
        return set(machine.run("pgrep", "--parent", str(process)).stdout.split())

    wait_until(lambda: len(find_workers()) >= 2, machine.read_journal)
    before = find_workers()
    for worker in sorted(before):
        machine.run("kill", "-KILL", worker)
    wait_until(lambda: len(find_workers() - before) >= 2, machine.read_journal)
    service.wait_until_ready()
    assert service.log_in() == "李华"
    assert (service.main_process, machine.show(UNIT, "NRestarts")) == (process, "0")


def test_a_dead_service_is_started_again(service: Service) -> None:
    """By systemd, after five seconds; nothing of the old one is left."""
    machine, process = service.machine, service.main_process
    machine.check("kill", "-KILL", str(process))
    wait_until(lambda: machine.show(UNIT, "NRestarts") == "1", machine.read_journal)
    service.wait_until_ready()
    assert service.main_process != process
    assert service.log_in() == "李华"


def test_it_is_started_as_often_as_it_takes(service: Service) -> None:
    """Systemd does not give up on a service that cannot start, and nobody need do anything once it can."""
    machine, drop_in = service.machine, f"/run/systemd/system/{UNIT}.d/cannot-start.conf"
    machine.check("mkdir", "-p", str(Path(drop_in).parent))
    machine.write(drop_in, "[Service]\nRestartSec=100ms\nExecStartPre=\nExecStart=\nExecStart=/bin/false\n")
    machine.check("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", UNIT)
    wait_until(lambda: int(machine.show(UNIT, "NRestarts")) > 7, machine.read_journal)
    machine.check("rm", drop_in)
    machine.check("systemctl", "daemon-reload")
    service.wait_until_ready()
    assert service.log_in() == "李华"


def test_a_stop_lets_logins_end(service: Service) -> None:
    """A visitor whose vendor is slow still gets in; then the unit is stopped, without having failed."""
    machine = service.machine
    service.sandbox.faults.add("delay", 3, on=TOKEN)
    with ThreadPoolExecutor(1) as visiting:
        login = visiting.submit(service.come_back)
        wait_until(lambda: service.sandbox.faults.unused == 0, machine.read_journal)
        began = time.monotonic()
        machine.check("systemctl", "stop", UNIT)
        assert time.monotonic() - began < 20
        assert login.result() == 303
    assert (machine.show(UNIT, "Result"), machine.show(UNIT, "ActiveState")) == ("success", "inactive")
    machine.check("systemctl", "start", UNIT)
    service.wait_until_ready()
