"""Small GeoIP files in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), with places of our own."""

import ipaddress
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HANGZHOU = {
    "country": {"names": {"en": "China", "zh-CN": "中国", "ja": "中国", "ru": "Китай"}},
    "city": {"names": {"en": "Hangzhou", "zh-CN": "杭州"}},
}
SINGAPORE = {"country": {"names": {"en": "Singapore"}}, "city": {"names": {"en": "Singapore"}}}


def write_geoip_file(path: Path, places: Mapping[str, Any]) -> Path:
    """Write the record of each network (`203.0.113.0/24`), and return the path."""
    nodes: list[list[Any]] = [[None, None]]
    data, offsets = bytearray(), {}
    for text, record in places.items():
        offsets[text] = len(data)
        data += _encode(record)
        network = ipaddress.ip_network(text)
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        bits = "0" * 96 + bits if network.version == 4 else bits
        place = 0
        for bit in bits[:-1]:
            if nodes[place][int(bit)] is None:
                nodes.append([None, None])
                nodes[place][int(bit)] = len(nodes) - 1
            place = nodes[place][int(bit)]
        nodes[place][int(bits[-1])] = text
    count = len(nodes)
    tree = bytearray()
    for node in nodes:
        for record in node:
            value = count if record is None else record
            value = count + 16 + offsets[value] if isinstance(value, str) else value
            tree += value.to_bytes(3, "big")
    metadata = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_800_000_000,
        "database_type": "Test-City",
        "description": {"en": "test"},
        "ip_version": 6,
        "languages": ["en"],
        "node_count": count,
        "record_size": 24,
    }
    path.write_bytes(bytes(tree) + bytes(16) + bytes(data) + b"\xab\xcd\xefMaxMind.com" + _encode(metadata))
    return path


def _encode(value: Any) -> bytes:
    match value:
        case str():
            content = value.encode()
            assert len(content) < 285
            head = bytes([2 << 5 | len(content)]) if len(content) < 29 else bytes([2 << 5 | 29, len(content) - 29])
            return head + content
        case int():
            return bytes([6 << 5 | 4]) + struct.pack(">I", value)
        case list():
            return bytes([len(value), 11 - 7]) + b"".join(map(_encode, value))
        case _:
            return bytes([7 << 5 | len(value)]) + b"".join(_encode(k) + _encode(v) for k, v in value.items())
