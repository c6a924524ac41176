"""What may be wrong with a configuration, its plugins, its keys and files, and its addresses: one change for each."""

import base64
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from connect_alipay.sandbox import AlipaySandbox
from connect_core.identity import ClientType

from ..kit.plugins import installed
from .bench import Bench, new_key

Fault = Callable[[Bench], object]
PLUGIN = "from connect_core.plugin import hookimpl\n"
DIRECTORY = "@hookimpl\ndef connect_member_directory(settings):\n    raise OSError\n"


def install(bench: Bench, source: str, name: str = "stranger") -> None:
    """Install a plugin of somebody else's."""
    folder = bench.folder / "installed"
    folder.mkdir(exist_ok=True)
    bench.stack.enter_context(installed(folder, {name: source}, {name: [f"{name} = {name}"]}))


def configure_alipay(bench: Bench, **changes: str | None) -> None:
    """Configure Alipay with an app of its sandbox; what is None is left out."""
    settings = {**AlipaySandbox().settings("http://127.0.0.1:9/alipay", ClientType.PC), **changes}
    bench.raw["providers"] = {"alipay": {key: value for key, value in settings.items() if value is not None}}
    bench.raw["clients"] = {"pc": ["alipay"]}


def set_key(bench: Bench, *texts: str) -> None:
    """Write the key ring."""
    bench.service["secret_keys"] = list(texts)


def encode(key: bytes) -> str:
    """A key as it stands in a file."""
    return base64.urlsafe_b64encode(key).decode()


def hang(bench: Bench) -> None:
    """Have a plugin that does not end its import."""
    bench.options["plugin_seconds"] = 0.3
    install(bench, "import time\ntime.sleep(60)\n")


def add_services(bench: Bench, secret: str) -> None:
    """Let two services ask about tokens, with one secret."""
    bench.raw["resource_servers"] = {name: {"client_secret": secret} for name in ("gateway", "stock")}


def change_owner(bench: Bench) -> None:
    """Let the key belong to somebody else than the user of the doctor."""
    user_id = bench.key.stat().st_uid
    if user_id == 0:
        user_id = 12345
        os.chown(bench.key, user_id, -1)
    bench.set_machine(get_user_id=lambda: user_id + 1)


def age(path: Path, days: int) -> None:
    """Let a file be old."""
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def break_template(bench: Bench) -> None:
    """Have a template that cannot be compiled."""
    (bench.folder / "templates").mkdir()
    bench.write("templates/login.html", "{% if %}")
    bench.raw["pages"] = {"template_folder": "templates"}


def write_key_into_configuration(bench: Bench) -> None:
    """Write the key into a file that all may read."""
    set_key(bench, new_key())
    bench.write_config()
    bench.config.chmod(0o644)


def open_folder(bench: Bench) -> None:
    """Let others write beside the database."""
    bench.write_config()
    bench.folder.chmod(bench.folder.stat().st_mode | stat.S_IWOTH)


def allow(**addresses: list[str]) -> Fault:
    """Have these addresses in `[service]`."""
    return lambda bench: bench.service.update(addresses)


CONFIGURATION_FAULTS: Mapping[str, list[Fault]] = {
    "configuration_invalid": [
        lambda bench: bench.service.update(publik_url="x"),
        lambda bench: bench.write("connect.toml", "[service\n"),
        lambda bench: bench.write_config() or bench.config.unlink(),
        lambda bench: bench.service.update(secret_keys=["file:nothing"]),
        lambda bench: bench.service.update(home_url="https://elsewhere.example/"),
    ],
    "setting_renamed": [lambda bench: bench.raw.update(sessions={"recent": 600})],
    "extra_missing": [
        lambda bench: (
            bench.set_machine(has_module=lambda name: name != "redis")
            or bench.service.update(redis_url="redis://127.0.0.1:1/0")
        )
    ],
    "pages_unusable": [break_template],
    "no_providers": [lambda bench: bench.raw.update(clients={}), lambda bench: bench.raw.update(clients={"pc": []})],
    "plugin_quarantined": [lambda bench: install(bench, "raise OSError\n"), hang],
    "plugin_unusable": [
        lambda bench: bench.raw.update(clients={"pc": ["nothing"]}, providers={"nothing": {}}),
        lambda bench: bench.service.update(required_plugins=["nothing"]),
        lambda bench: install(bench, "raise OSError\n") or bench.service.update(required_plugins=["stranger"]),
    ],
    "plugins_clash": [lambda bench: install(bench, f"{PLUGIN}@hookimpl\ndef connect_misspelt():\n    pass\n")],
    "provider_settings_invalid": [
        lambda bench: configure_alipay(bench, app_id=None),
        lambda bench: bench.raw.update(clients={"mini": ["google"]}, providers={"google": {"client_id": "x"}}),
    ],
    "member_directory_unusable": [lambda bench: install(bench, PLUGIN + DIRECTORY)],
    "secret_key_weak": [
        lambda bench: set_key(bench, encode(b"0123456789abcdef" * 2)),
        lambda bench: set_key(bench, encode(b"correct horse battery staple 123")),
        lambda bench: set_key(bench, encode(bytes(range(100, 132)))),
    ],
    "secret_key_published": [
        lambda bench: set_key(bench, "A" * 43),
        lambda bench: set_key(bench, encode(bytes(range(32)))),
    ],
    "secret_key_repeated": [lambda bench: set_key(bench, "file:key", "file:key")],
    "secret_key_old": [lambda bench: age(bench.key, 400)],
    "secret_keys_many": [lambda bench: set_key(bench, "file:key", *(new_key() for _ in range(3)))],
    "client_secret_weak": [lambda bench: add_services(bench, "shop" * 8)],
    "client_secret_shared": [lambda bench: add_services(bench, new_key())],
    "secret_file_readable": [lambda bench: bench.key.chmod(0o644), write_key_into_configuration],
    "secret_file_group_readable": [lambda bench: bench.key.chmod(0o640)],
    "settings_file_writable": [lambda bench: bench.key.chmod(0o602)],
    "settings_file_group_writable": [lambda bench: bench.key.chmod(0o620)],
    "settings_file_owner": [change_owner],
    "public_url_loopback": [lambda bench: bench.service.update(public_url="http://127.0.0.1:8000")],
    "public_url_ip_address": [lambda bench: bench.service.update(public_url="https://203.0.113.5")],
    "return_address_too_wide": [
        allow(redirect_allow=["https://github.io/"]),
        allow(redirect_allow=["https://www.taobao.com"]),
        allow(cors_origins=["https://com.cn"]),
    ],
    "return_address_shared_domain": [allow(redirect_allow=["https://shop.github.io/"])],
    "return_address_plain_http": [
        allow(redirect_allow=["http://127.0.0.1:3000/"]),
        allow(cors_origins=["http://localhost:3000"]),
    ],
    "trusted_proxies_too_wide": [allow(trusted_proxies=["0.0.0.0/0"]), allow(trusted_proxies=["::/0"])],
    "token_cookies_readable": [lambda bench: bench.service.update(readable_token_cookies=True)],
    "vendor_on_this_machine": [configure_alipay],
    "vendor_sandbox": [
        lambda bench: configure_alipay(bench, gateway_url=None, authorize_url=None, environment="sandbox"),
    ],
    "sqlite_file_open": [lambda bench: (bench.folder / "connect.db").chmod(0o644), open_folder],
    "disk_space_low": [lambda bench: bench.set_machine(get_free_bytes=lambda _: 500 * 2**20)],
    "disk_full": [lambda bench: bench.set_machine(get_free_bytes=lambda _: 5 * 2**20)],
}
"""For each id the changes that have it found."""
