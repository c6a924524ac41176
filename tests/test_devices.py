"""What is kept of a device: names of our own lists, and where it is; its network for a QR login."""

import pytest

from connect_core.devices import Devices, get_network

from .kit.qr_logins import PC_AGENT


@pytest.mark.parametrize(
    ("agent", "browser", "system"),
    [
        (PC_AGENT, "Chrome", "Windows"),
        (f"{PC_AGENT} Edg/140.0", "Edge", "Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) Version/17.0 Safari/605.1.15", "Safari", "macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "Firefox", "Linux"),
        ("<script>", "", ""),
    ],
)
def test_a_pc_is_called_by_names_of_ours(agent: str, browser: str, system: str) -> None:
    """What a visitor sends picks a name from our lists, and is never shown itself."""
    device = Devices().describe(agent, "203.0.113.77")
    assert (device.browser, device.system) == (browser, system)


def test_a_network_is_coarse() -> None:
    """/24 of IPv4 and /48 of IPv6, also of the network that a visitor counts for; nothing where nothing is known."""
    assert get_network("10.0.0.9") == "10.0.0.*"
    assert get_network("2001:db8:1:2::/64") == "2001:db8:1::/48"
    assert get_network("unknown") == ""
