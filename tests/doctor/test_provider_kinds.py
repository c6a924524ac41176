"""Every kind of finding about providers has a fault in a test that produces it, and no plugin of ours has another."""

import re
from pathlib import Path

from connect_core.doctor import (
    callback_addresses,
    calls_to_vendors,
    certificate_checks,
    code_probe,
    login_urls,
    openid_checks,
    plugin_checks,
    vendor_clocks,
)
from connect_core.doctor.kinds import find_kinds

ROOT = Path(__file__).parents[2]
MODULES = (
    callback_addresses,
    calls_to_vendors,
    certificate_checks,
    code_probe,
    login_urls,
    openid_checks,
    plugin_checks,
    vendor_clocks,
)
KINDS = {kind.id: kind for kind in find_kinds(MODULES)}
TESTS = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))
OF_PLUGINS = re.compile(r'Finding\(\s*"([a-z_]+)"')


def test_every_kind_is_produced_by_a_test() -> None:
    """No id is promised to scripts that nobody has seen."""
    assert [id_ for id_ in KINDS if f'"{id_}"' not in TESTS] == []


def test_what_is_wrong_has_a_remedy() -> None:
    """Each finding that is no `ok` says what to do, and every one what it means."""
    assert [kind.id for kind in KINDS.values() if not kind.means or (kind.level != "ok") != bool(kind.remedy)] == []


def test_our_plugins_report_known_kinds() -> None:
    """What our own plugins find by themselves is on the page of findings, too."""
    sources = [*ROOT.glob("plugins/*/*.py"), *ROOT.glob("connect_core/providers/oidc/*.py")]
    ids = {id_ for path in sources for id_ in OF_PLUGINS.findall(path.read_text("utf-8"))}
    assert ids
    assert ids <= KINDS.keys()
