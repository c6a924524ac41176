"""Every kind of finding: what has to break for it to be found, and that a sound shop has none."""

import pytest

from connect_core.doctor.catalogue import SERVICE_KINDS
from connect_core.findings import Level

from .admin_page_faults import ADMIN_PAGE_FAULTS, add_administrator, use_admin_page
from .bench import Bench, get_exit_code
from .configuration_faults import CONFIGURATION_FAULTS, Fault
from .service_faults import SERVICE_FAULTS, use_redis

FAULTS = {**CONFIGURATION_FAULTS, **SERVICE_FAULTS, **ADMIN_PAGE_FAULTS}
SOUND = {
    "addresses",
    "admin_page",
    "configuration",
    "database",
    "disk_space",
    "plugins",
    "public_url",
    "redis",
    "secret_keys",
}
"""What is found of a sound shop."""
OF_SETTINGS_IN_USE = {"settings_revision", "settings_revision_unusable", "settings_unread"}
"""What is found with `settings = "database"` alone: see `test_settings_in_use`."""
BY_ID = {kind.id: kind for kind in SERVICE_KINDS}
CASES = [
    pytest.param(id_, fault, id=f"{id_}-{number}")
    for id_, faults in FAULTS.items()
    for number, fault in enumerate(faults)
]


@pytest.mark.parametrize(("id_", "fault"), CASES)
@pytest.mark.anyio
async def test_what_is_broken_is_found(bench: Bench, id_: str, fault: Fault) -> None:
    """The finding has its level and a remedy, and the exit code is at least as bad; no secret is in any text."""
    fault(bench)
    findings = await bench.examine()
    matching = [finding for finding in findings if finding.id == id_]
    assert matching, [(finding.id, finding.text) for finding in findings]
    kind = BY_ID[id_]
    assert {finding.level for finding in matching} == {kind.level}
    assert all(finding.text.endswith(".") and finding.remedy for finding in matching)
    assert get_exit_code(findings) >= [Level.OK, Level.WARNING, Level.BROKEN].index(kind.level)
    texts = "\n".join(f"{finding.text} {finding.remedy}" for finding in findings)
    assert "secret-in" not in texts
    assert ":secret@" not in texts
    assert bench.key.read_text("utf-8") not in texts


@pytest.mark.anyio
async def test_a_sound_shop_has_nothing_to_mend(bench: Bench) -> None:
    """Exit code 0, no remedy, and every check says what it saw."""
    github = {"client_id": "1", "client_secret": "secret-in-the-shop"}
    bench.raw |= {"clients": {"pc": ["github"]}, "providers": {"github": github}}
    use_redis(bench)
    use_admin_page(bench)
    add_administrator(bench)
    bench.publish()
    findings = await bench.examine()
    assert [(finding.id, finding.text) for finding in findings if finding.level is not Level.OK or finding.remedy] == []
    assert {finding.id for finding in findings} == SOUND
    assert get_exit_code(findings) == 0


def test_every_kind_has_a_fault() -> None:
    """No id of the service's checks exists that nothing produces, and none is produced that does not exist."""
    assert set(FAULTS) | SOUND | OF_SETTINGS_IN_USE == set(BY_ID)
    assert len(BY_ID) == len(SERVICE_KINDS)
    assert {kind.id for kind in SERVICE_KINDS if not kind.remedy} == SOUND | {"settings_revision"}
