"""A shop with the admin page, which the tests of one file share."""

from collections.abc import Iterator

import pytest

from connect_core.administrators.roles import Role

from ...kit.admin_pages import AdminShop, run_admin_shop


@pytest.fixture(scope="module")
def admin_shop() -> Iterator[AdminShop]:
    """A running shop whose administrators `viewer`, `support` and `operator` have these roles."""
    with run_admin_shop() as shop:
        for role in Role:
            shop.create(role.value, role)
        yield shop
