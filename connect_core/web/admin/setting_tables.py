"""The tables of the configuration that have a form: a provider with its client types, an account, limits, pages.

Puts together what stands in the settings of one revision, where each value comes from, and why it may be locked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from connect_core.identity import ClientType
from connect_core.providers.provider import Provider
from connect_core.runtime_settings import SettingView
from connect_core.settings import Limits, PageSettings, ProviderSettings, Settings
from connect_core.settings.overlay import PAGE_NAMES
from connect_core.web.admin.setting_fields import FieldKind, FormField, make_fields
from connect_core.web.admin.setting_form import Lock, SettingTable, Source

NO_LANGUAGES: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingTables:
    """Makes the tables of `settings`, which `views` describe.

    Without `is_changeable` every value is locked, because settings come from `connect.toml` alone. `languages` are
    those that names can be given in. `use_help` says what the account of a provider is for.
    """

    settings: Settings
    views: Sequence[SettingView] = ()
    is_changeable: bool = True
    languages: tuple[str, ...] = NO_LANGUAGES
    use_help: str = ""
    _by_section: dict[str, dict[str, SettingView]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the views by section."""
        for view in self.views:
            self._by_section.setdefault(view.section, {})[view.name] = view

    def make_provider(self, name: str, kind: type[Provider]) -> list[SettingTable]:
        """Return the table of a provider, then one for each client type that its plugin serves.

        A provider that is not configured has empty tables.
        """
        raw: Mapping[str, Any] = self.settings.providers.get(name, {})
        account = self.settings.accounts.get(str(raw.get("use", "")), {})
        values = {key: value for key, value in raw.items() if key == "use" or key not in Settings.core_keys}
        section, fields = f"providers.{name}", make_fields(kind.Settings)
        uses = list(self._make_use()) if self.settings.accounts else []
        shown = [raw.get(client, {}) for client, names in self.settings.clients.items() if name in names]
        given = {each.key for each in fields if shown and all(each.key in differing for differing in shown)}
        needed = [replace(each, is_required=each.is_required and each.key not in given) for each in fields]
        tables = [self._make(section, [*uses, *needed], values, account)]
        inherited = {**account, **values}
        optional = [replace(each, is_required=False) for each in fields]
        for client in kind.entrances if len(kind.entrances) > 1 else ():
            table = self._make(f"{section}.{client}", optional, raw.get(client, {}), inherited)
            tables.append(replace(table, client_type=client.value))
        return tables

    def make_account(self, name: str, models: Iterable[type[ProviderSettings]]) -> SettingTable:
        """Return the table of an account, with the keys of every provider that takes settings from it."""
        fields = {each.key: replace(each, is_required=False) for model in models for each in make_fields(model)}
        return self._make(f"accounts.{name}", fields.values(), self.settings.accounts.get(name, {}))

    def make_limits(self) -> SettingTable:
        """Return the table of the limits."""
        return self._make_section("limits", Limits)

    def make_pages(self) -> SettingTable:
        """Return the table of the pages, without the paths on the machine, which are in `connect.toml` alone."""
        return self._make_section("pages", PageSettings, set(PageSettings.model_fields) - set(PAGE_NAMES))

    def find_lock(self, section: str, name: str) -> Lock:
        """Return why a setting cannot be changed; empty when it can."""
        if not self.is_changeable:
            return "file_alone"
        return "locked" if self.settings.is_locked(section, name) else ""

    def is_in_file(self, section: str) -> bool:
        """Tell whether something in this section comes from the file."""
        return any(view.source == "file" for view in self._by_section.get(section, {}).values())

    def _make_use(self) -> Iterator[FormField]:
        yield FormField("use", FieldKind.CHOICE, self.use_help, choices=tuple(sorted(self.settings.accounts)))

    def _make_section(self, section: str, model: type[BaseModel], without: Iterable[str] = ()) -> SettingTable:
        values = getattr(self.settings, section).model_dump(mode="json", exclude_unset=True)
        return self._make(section, make_fields(model, set(without)), values)

    def _make(
        self,
        section: str,
        fields: Iterable[FormField],
        values: Mapping[str, Any],
        inherited: Mapping[str, Any] | None = None,
    ) -> SettingTable:
        views = self._by_section.get(section, {})
        known = [
            replace(each, kind=FieldKind.SECRET) if (view := views.get(each.key)) and view.is_secret else each
            for each in fields
        ]
        return SettingTable(
            section,
            tuple(known),
            values,
            inherited or {},
            {each.key: self._find_source(section, each.key, values, inherited or {}) for each in known},
            {each.key: lock for each in known if (lock := self.find_lock(section, each.key))},
            languages=self.languages,
        )

    def _find_source(self, section: str, key: str, values: Mapping[str, Any], inherited: Mapping[str, Any]) -> Source:
        if view := self._by_section.get(section, {}).get(key):
            return view.source
        if key in values:
            return "file"
        is_account = section.count(".") == 1 and key in inherited
        return "account" if is_account else "default"


def list_client_types(kind: type[Provider]) -> list[ClientType]:
    """Return the client types that a plugin serves, in the usual order."""
    return [client for client in ClientType if client in kind.entrances]


def find_users(settings: Settings, account: str) -> list[str]:
    """Return the names of the providers that take settings from an account."""
    return [name for name, table in settings.providers.items() if table.get("use") == account]
