"""Whether the settings in the database can be used, with `[service] settings = "database"`.

What can be used is examined by the other checks in place of the file's settings.
"""

from contextlib import closing

from connect_core.doctor.kinds import Kind
from connect_core.errors import SettingsError, Unavailable
from connect_core.findings import Finding, Level
from connect_core.settings import Settings
from connect_core.store import Database

SUBJECT = "settings"
IN_USE = Kind(
    "settings_revision", Level.OK, SUBJECT, "The active revision of the settings in the database can be used."
)
UNUSABLE = Kind(
    "settings_revision_unusable",
    Level.BROKEN,
    SUBJECT,
    "The active revision of the settings in the database cannot be used here: `serve` does not start, and processes "
    "that run keep their former settings. There is a finding for each mistake.",
    "Correct what is wrong on this machine, or go back with connect-login settings rollback.",
)
UNREAD = Kind(
    "settings_unread",
    Level.WARNING,
    SUBJECT,
    "The database does not answer, so the settings of the file were examined instead of those that are in use.",
    "Correct what the finding about the database says, and run the doctor again.",
)


def find_settings(file: Settings) -> tuple[Settings, list[Finding]]:
    """Return the settings that are in use, those of `file` where nothing else can be found, and what is found of them.

    With the settings in the file nothing is asked.
    """
    if file.service.settings != "database":
        return file, []
    from connect_core.runtime_settings import StoredSettings  # noqa: PLC0415 - rarely switched on

    try:
        with closing(Database(file.service.database_url)) as database:
            stored = StoredSettings(file, database)
            held = database.read_blocking(stored.find)
        settings = stored.merge(held)
    except Unavailable:
        return file, [UNREAD.report("the settings in the database cannot be read")]
    except SettingsError as error:
        return file, [UNUSABLE.report(mistake) for mistake in error.mistakes]
    return settings, [IN_USE.report(f"revision {held.revision} of the settings can be used")]
