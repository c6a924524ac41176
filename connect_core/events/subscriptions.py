"""Which endpoints are to get which events, by the settings of the moment. Sends nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from connect_core.events import kinds
from connect_core.settings import Settings

NAMES: Mapping[str, str] = {
    kinds.REGISTERED: "member.registered",
    kinds.LOGGED_IN: "member.logged_in",
    kinds.BOUND: "identity.linked",
    kinds.UNBOUND: "identity.unlinked",
    kinds.CONFLICT: "identity.conflict",
    kinds.MERGED: "member.merged",
    kinds.MERGE_UNDONE: "member.merge_undone",
    kinds.ERASED: "member.erased",
    kinds.LOGIN_REFUSED: "login.refused",
}
"""For each kind of event that endpoints may get, its name there: a value of `settings.EVENT_NAMES`."""
REDIS_ENDPOINT = "redis:stream"
"""The name under which the Redis stream is an endpoint. No `[webhooks.NAME]` can have it."""
_BY_DEFAULT = frozenset(NAMES.values()) - {"login.refused"}


@dataclass(frozen=True, slots=True)
class _Choice:
    """What one state of the settings says: who gets each kind, and the names of all endpoints."""

    settings: Settings | None = None
    by_kind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()


class Subscriptions:
    """Who gets an event. The settings are looked at again at each use, and read only after they were replaced."""

    def __init__(self, get_settings: Callable[[], Settings]) -> None:
        """`get_settings` returns the settings in force."""
        self._get_settings = get_settings
        self._choice = _Choice()
        self.wake: Callable[[Collection[str]], None] | None = None
        """Is called with the names of endpoints for which deliveries were committed; None while nobody sends."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._get_settings()

    @property
    def names(self) -> tuple[str, ...]:
        """The endpoints that are sent events, in alphabetical order."""
        return self._choose().names

    def find(self, kind: str) -> tuple[str, ...]:
        """Return the endpoints that are to get events of a kind."""
        return self._choose().by_kind.get(kind, ())

    def announce(self, names: Collection[str]) -> None:
        """Tell who sends that deliveries for these endpoints were committed."""
        if names and self.wake is not None:
            self.wake(names)

    def _choose(self) -> _Choice:
        settings = self._get_settings()
        if settings is not self._choice.settings:
            self._choice = _choose(settings)
        return self._choice


def get_events(settings: Settings, endpoint: str) -> frozenset[str]:
    """Return the names of the events that an endpoint of the settings gets; empty for one that is sent nothing."""
    if endpoint == REDIS_ENDPOINT:
        return _BY_DEFAULT if settings.events.redis_stream else frozenset()
    webhook = settings.webhooks.get(endpoint)
    if webhook is None or not webhook.enabled:
        return frozenset()
    return frozenset(webhook.events) or _BY_DEFAULT


def _choose(settings: Settings) -> _Choice:
    wanted = {name: get_events(settings, name) for name in (REDIS_ENDPOINT, *settings.webhooks)}
    names = tuple(sorted(name for name, events in wanted.items() if events))
    by_kind = {kind: tuple(name for name in names if event in wanted[name]) for kind, event in NAMES.items()}
    return _Choice(settings, {kind: chosen for kind, chosen in by_kind.items() if chosen}, names)
