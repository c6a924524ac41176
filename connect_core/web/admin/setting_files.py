"""Certificates and keys that come as files, several at once: the draft with their texts as settings.

The form of a provider takes such files one by one; a program sends those that belong together.
"""

from collections.abc import Mapping

from connect_core.errors import PageNotFound, SettingsError
from connect_core.runtime_settings import RequestedChange
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.field_values import FieldMistake, Submission, read_value
from connect_core.web.admin.plugin_choice import PluginChoice
from connect_core.web.admin.setting_drafts import word
from connect_core.web.admin.setting_form import SettingTable
from connect_core.web.admin.setting_tables import SettingTables


async def read_files(admin: AdminContext, tables: SettingTables, files: Mapping[str, bytes]) -> list[RequestedChange]:
    """Return the changes that `files` make; each is called as its setting, such as `providers.alipay.app_cert`.

    Raises `SettingsError` with a line for each that is no such setting, or no text of a file.
    """
    changes: list[RequestedChange] = []
    mistakes: list[str] = [] if files else ["files: send at least one, called as its setting"]
    texts, submitted = admin.catalogues.texts["en"], Submission({}, files)
    for path, content in files.items():
        section, _, key = path.rpartition(".")
        table = await _find_table(admin, tables, section)
        field = next((field for field in table.fields if field.key == key), None) if table else None
        if field is None or not field.takes_file:
            mistakes.append(f"{path}: is no setting of a provider or account that takes a file")
            continue
        if not content:  # an empty field of a form would take the setting away
            mistakes.append(f"{path}: the file is empty")
            continue
        try:
            changes.append(RequestedChange(section, key, read_value(field, path, submitted)))
        except FieldMistake as mistake:
            mistakes.append(f"{path}: {word(texts, mistake)}")
    if mistakes:
        raise SettingsError(mistakes)
    return changes


async def _find_table(admin: AdminContext, tables: SettingTables, section: str) -> SettingTable | None:
    plugins = PluginChoice(admin)
    kind, _, rest = section.partition(".")
    try:
        if kind == "providers":
            _, provider_tables = await plugins.make_provider(tables, rest.partition(".")[0])
            return next((table for table in provider_tables if table.section == section), None)
        if kind == "accounts" and rest in tables.settings.accounts:
            return await plugins.make_account(tables, rest)
    except PageNotFound:
        return None
    return None
