"""Shops with plugins of their own: a member directory in memory, and a listener to every notice."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from connect_core.events.dispatch import Event
from connect_core.harness import RunningShop, Visitor, query_of
from connect_core.identity import ClientType
from connect_core.plugin import ErasedEvent, LoginEvent, MemberDirectory, Profile, RefusedEvent, hookimpl
from connect_core.providers.registry import Plugins
from connect_core.settings import Settings

from .acme import Acme, AcmeSandbox, PluginOf, provider_of
from .databases import run_shop


@contextmanager
def shop(*plugins: object, acme: Acme | None = None, now: Callable[[], float] = time.time) -> Iterator[RunningShop]:
    """A shop with Acme and plugins of its own, over real HTTP."""
    named = [(f"own-{place}", plugin) for place, plugin in enumerate(plugins)]
    providers = [("acme", PluginOf(acme=provider_of(acme or Acme())))]
    options = {"plugins": Plugins([*providers, *named], discover=False), "now": now}
    elsewhere = any(hasattr(plugin, "connect_member_directory") for plugin in plugins)
    with run_shop({"acme": AcmeSandbox()}, are_members_elsewhere=elsewhere, **options) as running_shop:
        yield running_shop


def log_in(running_shop: RunningShop, person: str = "lihua", client: str = "pc") -> httpx.Response:
    """A whole login of a browser or a mini program."""
    with Visitor(running_shop) as visitor:
        if client == "mini":
            return visitor.log_in("acme", "mini", person)
        state = query_of(visitor.begin("acme", client))["state"]
        return visitor.http.get(
            f"/connect/acme/{client}/callback", params={"code": f"{person}.{state}", "state": state}
        )


class Listener:
    """A shop that listens to every notice."""

    def __init__(self, look: Callable[[], object] = lambda: None) -> None:
        self.heard: list[tuple[str, Event]] = []
        self.seen: list[object] = []
        self.threads: set[str] = set()
        self._look = look

    def _hear(self, name: str, event: Event) -> None:
        self.seen.append(self._look())
        self.threads.add(threading.current_thread().name)
        self.heard.append((name, event))

    def wait_for(self, *names: str) -> list[Event]:
        """Return the notices once those of `names` are there, in any order, and none besides."""
        ends = time.monotonic() + 5
        while len(self.heard) < len(names) and time.monotonic() < ends:
            time.sleep(0.005)
        assert sorted(name for name, _ in self.heard) == sorted(names)
        return [next(event for heard, event in self.heard if heard == name) for name in names]

    @hookimpl
    def connect_registered(self, event: LoginEvent) -> None:
        """Listen."""
        self._hear("registered", event)

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        """Listen."""
        self._hear("logged_in", event)

    @hookimpl
    def connect_bound(self, event: LoginEvent) -> None:
        """Listen."""
        self._hear("bound", event)

    @hookimpl
    def connect_unbound(self, event: LoginEvent) -> None:
        """Listen."""
        self._hear("unbound", event)

    @hookimpl
    def connect_erased(self, event: ErasedEvent) -> None:
        """Listen."""
        self._hear("erased", event)

    @hookimpl
    def connect_login_refused(self, event: RefusedEvent) -> None:
        """Listen."""
        self._hear("login_refused", event)


@dataclass
class Directory:
    """Members in the shop's own system, in memory."""

    members: dict[int, dict[str, Any]] = field(default_factory=dict)
    by_key: dict[str, int] = field(default_factory=dict)
    disabled: set[int] = field(default_factory=set)
    updates: list[tuple[int, Profile]] = field(default_factory=list)
    was_given: Settings | None = None

    @hookimpl
    def connect_member_directory(self, settings: Any) -> MemberDirectory | None:
        """Answer with itself."""
        self.was_given = settings
        return self

    async def find(self, member_id: int) -> Mapping[str, Any] | None:
        """Return what is shown."""
        return self.members.get(member_id)

    async def register(self, key: str, profile: Profile, client_type: ClientType) -> int:
        """Register, or answer the member of a key that came before."""
        member_id = self.by_key.setdefault(key, 2**62 + len(self.by_key))
        name = {"uname": f"crm-{len(self.by_key)}", "nickname": profile.nickname, "sex": 1, "client": str(client_type)}
        self.members.setdefault(member_id, name)
        return member_id

    async def is_disabled(self, member_id: int) -> bool:
        """Tell."""
        return member_id in self.disabled

    async def update_profile(self, member_id: int, profile: Profile) -> None:
        """Note it."""
        self.updates.append((member_id, profile))


@dataclass
class Erasing(Directory):
    """A directory that can erase."""

    erased: list[int] = field(default_factory=list)
    is_down: bool = False

    async def erase(self, member_id: int) -> None:
        """Forget the member, and the keys that led there."""
        if self.is_down:
            raise OSError("secret")
        self.erased.append(member_id)
        del self.members[member_id]
        self.by_key = {key: id_ for key, id_ in self.by_key.items() if id_ != member_id} | {"taken": 0}
