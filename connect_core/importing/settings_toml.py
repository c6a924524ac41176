"""Converts Javashop's `es_connect_setting` into a piece of `connect.toml`.

The piece names the place of a secret (`env:` or `file:`) and never holds the secret itself. A row's `config` is a list
of groups, `{"name", "configList": [{"key", "name", "value"}]}`, whose keys have the form `<provider>_<group>_<item>`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

COLUMNS = ("type", "config")


@dataclass(frozen=True, slots=True)
class Group:
    """One registration with a vendor: the group `name` of a `provider`'s settings.

    `clients` are the client types that it serves. Its keys go into `[providers.NAME.table]`, or into `[providers.NAME]`
    where `table` is empty.
    """

    provider: str
    name: str
    clients: tuple[str, ...]
    table: str


@dataclass(frozen=True, slots=True)
class PluginKeys:
    """What an installed plugin takes: the keys of its settings, and its client types."""

    keys: frozenset[str]
    clients: frozenset[str]


@dataclass
class ConvertedSettings:
    """The settings in our form.

    `toml` is the piece of `connect.toml`; `secrets` maps file names to contents; `app_ids` maps union types of
    Javashop's to the app id of their open ids. `unmapped` are lines about keys that have no place in `connect.toml`,
    `unreadable` the ids of rows whose JSON is broken.
    """

    toml: str = ""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    app_ids: dict[str, str] = field(default_factory=dict)
    unmapped: list[str] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)


GROUPS = (
    Group("alipay", "pc", ("pc", "h5"), ""),
    Group("alipay", "app", ("app",), "app"),
    Group("wechat", "pc", ("pc",), "pc"),
    Group("wechat", "wechat", ("h5",), "h5"),
    Group("wechat", "app", ("app",), "app"),
    Group("wechat", "miniprogram", ("mini",), "mini"),
    Group("qq", "pc", ("pc", "h5"), ""),
    Group("weibo", "pc", ("pc", "h5"), ""),
    Group("weibo", "app", ("app",), "app"),
)
"""Groups that have a place in `connect.toml`. React Native apps (`rn`) have none, since `app` has its group already."""
_PLUGIN_KEYS = {  # for an item of Javashop's: names of the plugin's key, of which the first that exists counts
    "app_id": ("app_id", "client_id"),
    "pid": ("pid",),
    "private_key": ("private_key",),
    "public_key": ("alipay_public_key",),
    "app_key": ("app_secret", "app_key", "client_secret"),
    "app_secret": ("app_secret", "client_secret"),
}
_PLAIN = {  # values that may be printed, each with its form: a secret typed into the wrong field must not be
    "alipay_app_id": r"\d{8,32}",
    "alipay_pid": r"2088\d{12}",
    "wechat_app_id": r"wx\w{1,30}",
    "qq_app_id": r"\d{1,32}",
    "weibo_app_key": r"\d{1,32}",
}
_KEY = re.compile(r"\w{1,64}", re.ASCII)
_APPS = {  # for a union type: the groups that may name the app of its open ids
    "WECHAT_OPENID": ("wechat_wechat",),
    "WECHAT_APP": ("wechat_app", "wechat_rn"),
    "WECHAT_MINI": ("wechat_miniprogram",),
    "QQ": ("qq_pc",),
    "QQ_OPENID": ("qq_pc",),
    "QQ_APP": ("qq_native_android", "qq_native_ios", "qq_rn_android", "qq_rn_ios"),
}


def convert_settings(
    rows: Iterable[Mapping[str, Any]], plugins: Mapping[str, PluginKeys], secret_folder: str | None
) -> ConvertedSettings:
    """Return the settings of `rows` (keys `id` and `COLUMNS`) for the installed `plugins`.

    Secrets are named as `file:` in `secret_folder`, a path relative to `connect.toml`, or as `env:` when it is None.
    """
    settings = ConvertedSettings()
    values: dict[str, str] = {}
    for row in rows:
        try:
            values |= dict(_walk(json.loads(row["config"] or "[]")))
        except (ValueError, TypeError, RecursionError):
            settings.unreadable.append(row["id"])
    settings.app_ids = dict(_get_app_ids(values))
    clients: dict[str, list[str]] = {}
    tables: list[str] = []
    placed = set()
    for group in GROUPS:
        prefix = f"{group.provider}_{group.name}_"
        items = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix) and value}
        placed |= {prefix + item for item in items}
        if items and (table := _get_table(group, items, plugins.get(group.provider), settings, secret_folder)):
            tables.append(table)
            for client in group.clients:
                names = clients.setdefault(client, [])
                names += [] if group.provider in names else [group.provider]
    settings.unmapped += [f"{key}: it has no place here" for key in sorted(values.keys() - placed) if values[key]]
    listed = [f"{client} = {json.dumps(names)}" for client, names in clients.items()]
    settings.toml = "\n\n".join(["\n".join(["[clients]", *listed]), *tables]) + "\n" if tables else ""
    return settings


def _walk(node: Any) -> Iterator[tuple[str, str]]:
    """Yield every key with its value, however deep a version of Javashop nests them."""
    if isinstance(node, dict):
        key = node.get("key")
        if isinstance(key, str) and _KEY.fullmatch(key):
            yield key, str(node.get("value") or "").strip()
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _walk(child)


def _get_app_ids(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for old_type, prefixes in _APPS.items():
        form = _PLAIN[f"{prefixes[0].partition('_')[0]}_app_id"]
        ids = {values.get(f"{prefix}_app_id", "") for prefix in prefixes} - {""}
        if len(ids) == 1 and re.fullmatch(form, app_id := ids.pop(), re.ASCII):
            yield old_type, app_id


def _get_table(
    group: Group,
    items: Mapping[str, str],
    plugin: PluginKeys | None,
    settings: ConvertedSettings,
    secret_folder: str | None,
) -> str:
    """Return the table of a group; adds its secrets, and the items that have no key, to `settings`."""
    where = f"{group.provider}_{group.name}"
    if plugin is None or not plugin.clients & set(group.clients):
        lack = (
            f"no plugin {group.provider}" if plugin is None else f"no login of {group.provider} for {group.clients[0]}"
        )
        settings.unmapped.append(f"{where}: there is {lack}")
        return ""
    lines = [f"[providers.{group.provider}{'.' if group.table else ''}{group.table}]"]
    for item, value in items.items():
        key = next((key for key in _PLUGIN_KEYS.get(item, ()) if key in plugin.keys), None)
        form = _PLAIN.get(f"{group.provider}_{item}")
        if key is None or (form and not re.fullmatch(form, value, re.ASCII)):
            settings.unmapped.append(
                f"{where}_{item}: {'it has no place here' if key is None else 'it has another form'}"
            )
        elif form:
            lines.append(f'{key} = "{value}"')
        else:
            name = "-".join(filter(None, [group.provider, group.table, key.replace("_", "-")]))
            settings.secrets[name] = value
            place = f"env:CONNECT_{name.replace('-', '_').upper()}"
            lines.append(f"{key} = {json.dumps(f'file:{secret_folder}/{name}' if secret_folder else place)}")
    return "\n".join(lines)
