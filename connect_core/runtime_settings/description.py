"""What holds, setting by setting, for the form or the page that shows it: the value and where it comes from."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr

from connect_core.identity import ClientType
from connect_core.runtime_settings.secrecy import Secrecy
from connect_core.runtime_settings.values import SettingView, Source
from connect_core.settings import Limits, Settings, WebhookSettings
from connect_core.settings.overlay import PAGE_NAMES, Values


class Description:
    """Describes the settings of one revision."""

    def __init__(self, file: Settings, settings: Settings, values: Values, secrecy: Secrecy) -> None:
        """`settings` are `file` with the database's `values` over it."""
        self._settings, self._values, self._secrecy = settings, values, secrecy
        self._in_file = file.model_dump(mode="json", exclude_unset=True)

    def describe(self) -> Iterator[SettingView]:
        """Yield every setting that can be changed at run time, those that are not set included, section by section."""
        settings = self._settings
        yield from self._describe_model("limits", settings.limits, Limits.model_fields)
        yield from self._describe_model("pages", settings.pages, PAGE_NAMES)
        for client in ClientType:
            yield self._view("clients", client.value, settings.clients.get(client, []))
        for name, webhook in settings.webhooks.items():
            yield from self._describe_model(f"webhooks.{name}", webhook, WebhookSettings.model_fields)
        for name, account in settings.accounts.items():
            yield from (self._view(f"accounts.{name}", key, value) for key, value in account.items())
        for name in settings.providers:
            yield from self._describe_provider(name)

    def _describe_model(self, section: str, model: BaseModel, names: Iterable[str]) -> Iterator[SettingView]:
        yield from (self._view(section, name, getattr(model, name)) for name in names)

    def _describe_provider(self, provider: str) -> Iterator[SettingView]:
        """Yield the settings of a provider for all client types, then those that a client type has of its own."""
        table, section = self._settings.providers[provider], f"providers.{provider}"
        account = self._settings.account_of(provider)
        model = self._secrecy.find_model(self._settings, provider)
        fields = model.model_fields if model else {}
        yield self._view(section, "plugin", self._settings.plugin_of(provider))
        yield self._view(section, "use", table.get("use"))
        names = [*fields, *(name for name in table if name not in fields and name not in Settings.core_keys)]
        for name in names:
            if name in table or name not in account:
                default = fields[name].get_default(call_default_factory=True) if name in fields else None
                yield self._view(section, name, table.get(name, default))
            else:
                yield self._view(section, name, account[name], "account")
        for client in ClientType:
            differing: Mapping[str, Any] = table.get(client, {})
            yield from (self._view(f"{section}.{client}", name, value) for name, value in differing.items())

    def _view(self, section: str, name: str, value: Any, source: Source | None = None) -> SettingView:
        is_secret = self._secrecy.is_secret(self._settings, section, name, value)
        is_locked = self._settings.is_locked(section, name)
        origin = source or self._find_source(section, name, is_locked=is_locked)
        return SettingView(section, name, None if is_secret else _make_plain(value), origin, is_secret, is_locked)

    def _find_source(self, section: str, name: str, *, is_locked: bool) -> Source:
        if (section, name) in self._values and not is_locked:
            return "database"
        table: Any = self._in_file
        for part in section.split("."):
            table = table.get(part, {})
        return "file" if name in table else "default"


def _make_plain(value: Any) -> Any:
    """Return a value as TOML or JSON would have it; None for what no setting could be given."""
    match value:
        case str():
            return str(value)  # of an enum, its value
        case bool() | int() | float():
            return value
        case list() | tuple():
            return [_make_plain(item) for item in value]
        case Mapping():
            return {str(key): _make_plain(item) for key, item in value.items()}
        case SecretStr() | SecretBytes():
            return None
    return None
