"""What the doctor finds of the settings in the database, and that it examines those that are in use."""

from pathlib import Path

import pytest

from connect_core.acts import OperatorAct
from connect_core.doctor.settings_in_use import find_settings
from connect_core.runtime_settings import RequestedChange
from connect_core.settings import Settings

from ..conftest import MakeManager
from ..kit.acme import execute, settings_of, url_of

DATABASE = {"settings": "database"}


@pytest.fixture
async def file(make_manager: MakeManager, tmp_path: Path) -> Settings:
    """The settings of the file of a shop that has changed its name at run time."""
    versions = make_manager(service=DATABASE).setting_versions
    assert versions is not None
    act = OperatorAct("li", "", "0123456789abcdef")
    draft = await versions.draft([RequestedChange("pages", "name", "Jade Tea")], base=0, act=act)
    await versions.activate(draft, act)
    return settings_of(tmp_path, service=DATABASE)


async def test_what_is_in_use_is_examined(file: Settings) -> None:
    """The settings of the active revision take the place of the file's."""
    settings, findings = find_settings(file)
    assert (settings.pages.name, [finding.id for finding in findings]) == ("Jade Tea", ["settings_revision"])


async def test_a_revision_that_cannot_be_used_is_found(file: Settings, tmp_path: Path) -> None:
    """A value that does not open, here one of another row, is a finding, and the file is examined."""
    execute(url_of(tmp_path), "UPDATE es_connect_setting SET name = 'terms_url'")
    settings, findings = find_settings(file)
    assert (settings, [finding.id for finding in findings]) == (file, ["settings_revision_unusable"])
    assert "pages.terms_url" in findings[0].text.lower()


async def test_a_database_without_tables_is_found(file: Settings, tmp_path: Path) -> None:
    """Then nobody knows which settings are in use."""
    service = file.service.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'empty.db'}"})
    other = file.model_copy(update={"service": service})
    assert [finding.id for finding in find_settings(other)[1]] == ["settings_unread"]


def test_with_settings_in_the_file_nothing_is_asked(tmp_path: Path) -> None:
    """No database is opened."""
    settings = settings_of(tmp_path)
    assert find_settings(settings) == (settings, [])
