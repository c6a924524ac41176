"""Javashop's `es_connect_setting` as a piece of `connect.toml`; of a secret only the place, `env:` or `file:`.

A row's `config` is a list of groups, `{"name", "configList": [{"key", "name", "value"}]}`; a key is
`<provider>_<group>_<item>`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

COLUMNS = ("type", "config")


@dataclass(frozen=True, slots=True)
class Group:
    """Settings of one registration: whose, for which client types, and under which table of `connect.toml`."""

    provider: str
    name: str
    clients: tuple[str, ...]
    table: str


@dataclass(frozen=True, slots=True)
class PluginKeys:
    """What is installed: the keys that its settings have, and its client types."""

    keys: frozenset[str]
    clients: frozenset[str]


@dataclass
class Found:
    """What the settings come to. `secrets` are file names and contents; `app_ids` are told by type of openid."""

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
"""Groups that have a place here. Those of React Native apps are further registrations of the client type `app`."""
_OWN_KEYS = {  # ours for an item, the first that the plugin has
    "app_id": ("app_id", "client_id"),
    "pid": ("pid",),
    "private_key": ("private_key",),
    "public_key": ("alipay_public_key",),
    "app_key": ("app_secret", "app_key", "client_secret"),
    "app_secret": ("app_secret", "client_secret"),
}
_PLAIN = {  # what may be printed: only what has the form of an app id, lest a secret stand in the wrong field
    "alipay_app_id": r"\d{8,32}",
    "alipay_pid": r"2088\d{12}",
    "wechat_app_id": r"wx\w{1,30}",
    "qq_app_id": r"\d{1,32}",
    "weibo_app_key": r"\d{1,32}",
}
_KEY = re.compile(r"\w{1,64}", re.ASCII)
_APPS = {  # in which groups the app of a type's openids may stand
    "WECHAT_OPENID": ("wechat_wechat",),
    "WECHAT_APP": ("wechat_app", "wechat_rn"),
    "WECHAT_MINI": ("wechat_miniprogram",),
    "QQ": ("qq_pc",),
    "QQ_OPENID": ("qq_pc",),
    "QQ_APP": ("qq_native_android", "qq_native_ios", "qq_rn_android", "qq_rn_ios"),
}


def get_found(rows: Iterable[Mapping[str, Any]], plugins: Mapping[str, PluginKeys], secret_folder: str | None) -> Found:
    """Return what the rows come to. Secrets are named `file:` in `secret_folder`, or `env:` when there is none."""
    found = Found()
    values: dict[str, str] = {}
    for row in rows:
        try:
            values |= dict(_walk(json.loads(row["config"] or "[]")))
        except (ValueError, TypeError, RecursionError):
            found.unreadable.append(row["id"])
    found.app_ids = dict(_get_app_ids(values))
    clients: dict[str, list[str]] = {}
    tables: list[str] = []
    placed = set()
    for group in GROUPS:
        prefix = f"{group.provider}_{group.name}_"
        own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix) and value}
        placed |= {prefix + item for item in own}
        if own and (table := _get_table(group, own, plugins.get(group.provider), found, secret_folder)):
            tables.append(table)
            for client in group.clients:
                names = clients.setdefault(client, [])
                names += [] if group.provider in names else [group.provider]
    found.unmapped += [f"{key}: it has no place here" for key in sorted(values.keys() - placed) if values[key]]
    listed = [f"{client} = {json.dumps(names)}" for client, names in clients.items()]
    found.toml = "\n\n".join(["\n".join(["[clients]", *listed]), *tables]) + "\n" if tables else ""
    return found


def _walk(node: Any) -> Iterator[tuple[str, str]]:
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
    group: Group, own: Mapping[str, str], plugin: PluginKeys | None, found: Found, secret_folder: str | None
) -> str:
    where = f"{group.provider}_{group.name}"
    if plugin is None or not plugin.clients & set(group.clients):
        lack = (
            f"no plugin {group.provider}" if plugin is None else f"no login of {group.provider} for {group.clients[0]}"
        )
        found.unmapped.append(f"{where}: there is {lack}")
        return ""
    lines = [f"[providers.{group.provider}{'.' if group.table else ''}{group.table}]"]
    for item, value in own.items():
        key = next((key for key in _OWN_KEYS.get(item, ()) if key in plugin.keys), None)
        form = _PLAIN.get(f"{group.provider}_{item}")
        if key is None or (form and not re.fullmatch(form, value, re.ASCII)):
            found.unmapped.append(f"{where}_{item}: {'it has no place here' if key is None else 'it has another form'}")
        elif form:
            lines.append(f'{key} = "{value}"')
        else:
            name = "-".join(filter(None, [group.provider, group.table, key.replace("_", "-")]))
            found.secrets[name] = value
            place = f"env:CONNECT_{name.replace('-', '_').upper()}"
            lines.append(f"{key} = {json.dumps(f'file:{secret_folder}/{name}' if secret_folder else place)}")
    return "\n".join(lines)
