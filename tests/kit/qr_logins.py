"""The steps of a QR login, as a PC and a phone take them."""

from typing import Any
from urllib.parse import urlsplit

import httpx

from connect_core.harness import RunningShop, Visitor

PC_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
COOKIE = "connect_handover"


def start(pc: Visitor) -> str:
    """Begin a hand-over and return the path that the code leads to."""
    begun = pc.http.post("/connect/handover")
    assert begun.status_code == 200, begun.text
    return urlsplit(begun.json()["handover_url"]).path


def hold(visitor: Visitor, **cookies: str) -> None:
    """Leave a browser these cookies alone."""
    visitor.http.cookies.clear()
    for name, value in cookies.items():
        visitor.http.cookies.set(name, value)


def status(pc: Visitor) -> str:
    """How far it is, as the PC is told."""
    answer: dict[str, str] = pc.http.get("/connect/handover/status").json()
    assert answer.keys() == {"status"}, answer
    return answer["status"]


def collect(pc: Visitor, **options: Any) -> httpx.Response:
    """Collect the session."""
    return pc.http.post("/connect/handover/collect", **options)


def approve(phone: Visitor, path: str) -> None:
    """Look at the confirm page, and agree."""
    assert phone.http.get(path).json()["status"] == "scanned"
    assert phone.http.post(f"{path}/approve").status_code == 204


def uid(visitor: Visitor) -> int | None:
    """Who is logged in."""
    answer = visitor.http.get("/connect/me")
    return answer.json()["uid"] if answer.status_code == 200 else None


def kinds(shop: RunningShop) -> list[str]:
    """What happened."""
    return [row["kind"] for row in shop.rows("es_connect_event")]
