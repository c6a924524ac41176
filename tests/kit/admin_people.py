"""A shop with the admin page, members of Acme, and a conflict of identity among them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from connect_core.administrators.roles import Role
from connect_core.identity import PersonId

from .acme import Acme, AcmeSandbox, make_plugins, provider_of
from .admin_pages import AdminShop, run_admin_shop

WEBHOOK = {"url": "http://127.0.0.1:9/webhooks", "secrets": ["whsec_" + "A" * 44], "allow_private": True}


def log_in(shop: AdminShop, *codes: str) -> list[int]:
    """Log in with these codes, as a mini program does, and return the members' numbers."""
    with httpx.Client(base_url=shop.shop.url) as http:
        answers = [http.post("/connect/acme/mini/token", json={"code": code}).json() for code in codes]
    return [int(answer["uid"]) for answer in answers]


def bring_conflict(shop: AdminShop, person: str) -> tuple[int, int]:
    """Bring about a conflict: a person with two accounts, whose ids one login brings together."""
    first, second, *_ = log_in(shop, f"{person}-first.1", f"{person}-second.1", f"{person}-later.1", f"{person}-both.1")
    return first, second


class _People(dict[str, tuple[PersonId, ...]]):
    """The ids of those whose name ends with the app that they come from."""

    def get(self, person: str, default: Any = None) -> Any:
        name, _, app = person.rpartition("-")
        union = PersonId.union_id(f"u-{name}")
        first, second = PersonId.open_id(f"o-{name}-1", "acme-1"), PersonId.open_id(f"o-{name}-2", "acme-2")
        ids = {"first": (first,), "second": (second,), "later": (union, first), "both": (union, second)}
        return ids.get(app, default)


@contextmanager
def run_people_shop(**sections: Any) -> Iterator[AdminShop]:
    """Run the shop, with an administrator of each role, named after it; `sections` are further ones of its settings."""
    plugins = make_plugins(provider_of(Acme(people=_People())))
    with run_admin_shop({"acme": AcmeSandbox()}, plugins=plugins, change=lambda raw: raw.update(sections)) as shop:
        for role in Role:
            shop.create(role.value, role)
        yield shop
