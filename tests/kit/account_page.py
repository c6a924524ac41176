"""What a browser does at the routes of the member's own account, and the connections that come of it."""

import httpx

from connect_core.harness import RunningShop, Visitor

ACCOUNT = "/connect/account"


def start_bind(visitor: Visitor, provider: str = "wechat", client: str = "pc", **body: str) -> httpx.Response:
    """Ask to bind."""
    return visitor.http.post(f"/connect/{provider}/{client}/bind", json=body)


def bind(visitor: Visitor, provider: str = "wechat", person: str = "lihua") -> httpx.Response:
    """Bind by redirect; returns the answer of the callback."""
    begun = start_bind(visitor, provider, return_to=ACCOUNT)
    assert begun.status_code == 200, begun.text
    return visitor.http.get(visitor.consent(begun.json()["login_url"], person))


def bound(running_shop: RunningShop) -> list[tuple[int, str]]:
    """Member and union type of every active connection."""
    return [(row["member_id"], row["union_type"]) for row in running_shop.rows("es_connect") if row["active"]]
