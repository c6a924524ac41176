"""A union type belongs to one distribution: nobody logs in as another vendor's people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connect_core.errors import SettingsError
from connect_core.http import HttpPool
from connect_core.providers.registry import Plugins, Registry
from connect_core.providers.union_types import Claim, find_conflicts

from ..kit.acme import Acme, PluginOf, provider_of, settings_of

INSTALLED = Claim("ALIPAY", "alipay", "alipay")
OURS = Claim("ALIPAY", "alipay", "alipay", "providers.alipay")
THEIRS = Claim("ALIPAY", "payer", "payer", "providers.payer")
OTHERS = Claim("ALIPAY", "shopper", "shopper", "providers.shopper")
UNUSED = Claim("ALIPAY", "shopper", "shopper")


def distribution_of(origin: str) -> str:
    return "connect-login" if origin in {"alipay", "alipay-app"} else f"connect-{origin}"


def refused(*claims: Claim, shared: tuple[str, ...] = ()) -> list[str]:
    """The configured providers that are refused."""
    return [line.partition(":")[0] for line in find_conflicts(claims, distribution_of, shared)]


def test_a_plugin_of_the_same_distribution_shares_its_union_type() -> None:
    """As Google's One Tap does with Google; and one plugin may be configured twice."""
    second = Claim("ALIPAY", "alipay-app", "alipay-app", "providers.alipay-app")
    assert refused(INSTALLED, OURS, OURS, second) == []


@pytest.mark.parametrize("claims", [(INSTALLED, THEIRS), (INSTALLED, OURS, THEIRS), (THEIRS, OURS)])
def test_a_strangers_plugin_does_not_take_ours(claims: tuple[Claim, ...]) -> None:
    """Whether the shop shows Alipay or not: its members may have logged in with it before. Ours itself still works."""
    assert refused(*claims) == ["providers.payer"]


def test_two_strangers_are_both_refused() -> None:
    """Nobody can tell whose it is; one that no client type shows takes part in nothing."""
    assert refused(THEIRS, OTHERS) == ["providers.payer", "providers.shopper"]
    assert refused(THEIRS, UNUSED) == []


def test_the_shop_may_say_that_they_share() -> None:
    """A shop's own plugin for a vendor that a plugin of ours serves too."""
    assert refused(INSTALLED, OURS, THEIRS, OTHERS, shared=("ALIPAY",)) == []


def test_distributions_are_looked_up_only_where_it_matters() -> None:
    """Looking one up reads files, which every start would pay for."""

    def read_files(origin: str) -> str:
        raise AssertionError(origin)

    other = Claim("ACME", "acme", "acme", "providers.acme")
    assert list(find_conflicts([INSTALLED, OURS, other], read_files, [])) == []


@pytest.fixture
def pool() -> Iterator[HttpPool]:
    """Calls no vendor."""
    return HttpPool()


def test_a_start_is_refused_with_the_setting_that_allows_it(tmp_path: Path, pool: HttpPool) -> None:
    """The line names the provider, the union type, the owner and what to do."""
    claiming = type("Claiming", (provider_of(Acme()),), {"union_type": "GITHUB"})
    plugins = Plugins([("acme", PluginOf(acme=claiming))])
    with pytest.raises(SettingsError) as caught:
        Registry(settings_of(tmp_path), plugins, pool)
    [line] = caught.value.mistakes
    assert line.startswith("providers.acme: acme uses the union type GITHUB, which belongs to connect-login; ")
    assert line.endswith("add it to service.shared_union_types")
    Registry(settings_of(tmp_path, service={"shared_union_types": ["GITHUB"]}), plugins, pool)
