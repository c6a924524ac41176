"""Which settings are secrets: they are shown nowhere, neither on a page nor in a history, an export or a log.

In doubt a setting is a secret.
"""

from typing import Any, get_args

from pydantic import SecretBytes, SecretStr

from connect_core.providers.registry import Plugins
from connect_core.settings import ProviderSettings, Settings
from connect_core.settings.secret_files import is_secret as looks_secret


class Secrecy:
    """Judges settings by the models of their plugins."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins

    def is_secret(self, settings: Settings, section: str, name: str, value: Any = None) -> bool:
        """Tell whether a setting is a secret; `value` is looked at as well, if it is given.

        Keys that no plugin's model knows count as secrets. Loads the plugins that `settings` need.
        """
        path = f"{section}.{name}"
        if looks_secret(path, value if isinstance(value, str) else "-"):
            return True
        match section.split("."):
            case ["webhooks", _]:
                return name == "secrets"
            case ["providers", provider, *_]:
                return self._is_secret_of(settings, [provider], name)
            case ["accounts", account]:
                users = [each for each, table in settings.providers.items() if table.get("use") == account]
                return self._is_secret_of(settings, users, name)
        return False

    def find_model(self, settings: Settings, provider: str) -> type[ProviderSettings] | None:
        """Return the model of a provider's settings; None where it is not configured, or its plugin cannot be used."""
        if provider not in settings.providers:
            return None
        self._plugins.load(settings.needed_plugins)
        plugin = self._plugins.available.get(settings.plugin_of(provider))
        return plugin.provider.Settings if plugin else None

    def _is_secret_of(self, settings: Settings, providers: list[str], name: str) -> bool:
        if name in Settings.core_keys:
            return False
        models = [model for provider in providers if (model := self.find_model(settings, provider))]
        fields = [model.model_fields[name] for model in models if name in model.model_fields]
        return not fields or any(_holds_secret(field.annotation) for field in fields)


def _holds_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(_holds_secret(part) for part in get_args(annotation))
