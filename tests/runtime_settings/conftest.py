"""Shops whose settings come from the database, and the operator who changes them."""

import pytest

from connect_core.acts import OperatorAct
from connect_core.manager import ConnectManager
from connect_core.runtime_settings import SettingVersions

from ..conftest import MakeManager
from ..kit.acme import Acme, provider_of

DATABASE = {"settings": "database"}


@pytest.fixture
def act() -> OperatorAct:
    """What an operator does."""
    return OperatorAct("li", "as asked", "0123456789abcdef", via="page")


@pytest.fixture
def shop(make_manager: MakeManager, acme: Acme) -> ConnectManager:
    """A process of a shop whose settings come from the database."""
    return make_manager(provider=provider_of(acme), service=DATABASE)


@pytest.fixture
def versions(shop: ConnectManager) -> SettingVersions:
    """Its revisions."""
    assert shop.setting_versions is not None
    return shop.setting_versions
