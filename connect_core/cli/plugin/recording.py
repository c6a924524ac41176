"""Records one login through a plugin's sandbox: what its provider was asked, and each request that it sent.

Knows no format of output, and masks nothing: what is recorded has codes, tokens and secrets in it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import Any

from connect_core.errors import ConnectError
from connect_core.harness import Visitor, run_shop
from connect_core.http import Answer, HttpPool, Network, Request
from connect_core.identity import ClientType
from connect_core.providers.provider import Entrance, Provider
from connect_core.providers.registry import Plugins, ProviderType
from connect_core.sandbox import DocumentedRequest, Sandbox

PERSON = "lihua"
"""The key of the person who logs in: the first of `PEOPLE`."""
_EXTRAS = {"fetch_phone": "a phone number", "fetch_profile": "a profile"}
"""What a login may go on without, by the method that gets it."""
_METHODS = ("get_login_url", "login_callback", "fetch_phone", "fetch_profile")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request that the provider sent, and the sandbox's answer.

    `operation` is the sandbox's name of the endpoint, empty where no endpoint took the request. `answer` is None when
    none came.
    """

    operation: str
    request: Request
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """A call of one of the provider's methods.

    `returned` is its result, None for a call that raised. `sent_before` is the number of requests that the provider had
    sent when the call ended.
    """

    method: str
    arguments: tuple[Any, ...]
    returned: Any
    sent_before: int


@dataclass(slots=True)
class Recording:
    """One login, as it happened.

    - `documented`: the requests that the sandbox states as the vendor's.
    - `settings`: the settings of the provider, with the sandbox's addresses.
    - `secrets`: those of them that are secret, by key.
    - `callback_url`: where the consent page sent the browser; empty for other entrances, and where it sent a form.
    - `posted`: what the app or mini program posted; `posted_to`: the URL.
    - `error`: why the login failed; empty when it did not.
    - `lost`: what a login that worked went without, and why; empty when it has what there is.
    """

    plugin: ProviderType
    client: ClientType
    entrance: Entrance
    documented: Sequence[DocumentedRequest] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    calls: list[ProviderCall] = field(default_factory=list)
    callback_url: str = ""
    posted: Mapping[str, str] = field(default_factory=dict)
    posted_to: str = ""
    error: str = ""
    lost: str = ""

    def find_call(self, method: str) -> ProviderCall | None:
        """Return the call of that method, or None."""
        return next((call for call in self.calls if call.method == method), None)


class ExchangeRecorder(Network):
    """A transport that sends requests as usual and keeps each with its answer."""

    def __init__(self, sandbox: Sandbox, exchanges: list[Exchange]) -> None:
        """Ask `sandbox` which operation a request was, and append to `exchanges`."""
        super().__init__()
        self._sandbox, self._exchanges = sandbox, exchanges

    async def send(self, request: Request) -> Answer:
        """Send the request and return the answer."""
        calls, answer = len(self._sandbox.calls), None
        try:
            answer = await super().send(request)
            return answer
        finally:
            operation = next((call.operation for call in list(self._sandbox.calls)[calls:]), "")
            self._exchanges.append(Exchange(operation, request, answer))


def record_login(plugins: Plugins, plugin: ProviderType, client: ClientType) -> Recording:
    """Log one person in through the sandbox of `plugin`, over HTTP on loopback, and return what happened.

    The shop and the sandbox are new, so nothing is cached. A login that fails is recorded up to there.

    Raises what the import and the constructor of the sandbox raise, and `SettingsError`.
    """
    sandbox: Sandbox = plugin.load_sandbox()()
    recording = Recording(plugin, client, plugin.provider.entrances[client], sandbox.documented)

    def keep_settings(raw: dict[str, Any]) -> None:
        recording.settings = raw["providers"][plugin.name][client]

    pool = HttpPool(transport=ExchangeRecorder(sandbox, recording.exchanges))
    with run_shop({plugin.name: sandbox}, plugins=plugins, pool=pool, change=keep_settings) as shop:
        provider = shop.manager.registry.find(plugin.name, client).provider
        recording.secrets = {
            key: value.get_secret_value() for key, value in provider.settings if hasattr(value, "get_secret_value")
        }
        with _watched(provider, recording), Visitor(shop) as visitor:
            try:
                failure = _log_in(visitor, recording)
                # a profile that the vendor refused fails no login
                recording.error = failure and (recording.error or failure)
            except Exception as error:  # noqa: BLE001 - a foreign sandbox may raise anything; it is what the author wants to see
                recording.error = recording.error or f"{type(error).__name__}: {error}"
    refused = f"; the sandbox refused {sandbox.refused[-1]}" if sandbox.refused else ""
    if recording.error:
        recording.error, recording.lost = recording.error + refused, ""
    elif recording.lost:
        recording.lost += refused
    return recording


def _log_in(visitor: Visitor, recording: Recording) -> str:
    """Do the login; return the shop's answer if that is an error, else the empty text."""
    name, client = recording.plugin.name, recording.client
    if recording.entrance is Entrance.REDIRECT:
        callback = visitor.consent(visitor.begin(name, client), PERSON)
        start = recording.find_call("get_login_url")
        if start and callback.startswith(start.arguments[0].redirect_uri):
            recording.callback_url = callback
        response = visitor.http.get(callback)
    else:
        phone = visitor.shop.sandboxes[name].phone_parameters
        recording.posted = visitor.client_parameters(name, client, PERSON) | phone(client, PERSON)
        recording.posted_to = f"{visitor.shop.url}/connect/{name}/{client}/token"
        response = visitor.http.post(recording.posted_to, json=recording.posted)
    return "" if response.status_code < 400 else f"HTTP {response.status_code} {response.text}"


@contextmanager
def _watched(provider: Provider, recording: Recording) -> Iterator[None]:
    """Note each call of the provider's methods. The shop calls the methods of the object, so these are replaced."""
    names = [name for name in _METHODS if hasattr(provider, name)]
    for name in names:
        setattr(provider, name, _watch(name, getattr(provider, name), recording))
    try:
        yield
    finally:
        for name in names:
            delattr(provider, name)


def _watch(name: str, method: Callable[..., Awaitable[Any]], recording: Recording) -> Callable[..., Awaitable[Any]]:
    async def call(*arguments: Any) -> Any:
        returned = None
        try:
            returned = await method(*arguments)
            return returned
        except Exception as error:
            recording.error = _explain(error)
            if name in _EXTRAS:
                recording.lost = f"{_EXTRAS[name]}: {recording.error}"
            raise
        finally:
            recording.calls.append(ProviderCall(name, arguments, returned, len(recording.exchanges)))

    return call


def _explain(error: Exception) -> str:
    """Return our code and the text of an error, or where the plugin's own exception was raised."""
    if not isinstance(error, ConnectError):
        place = extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {place.name}, {Path(place.filename).name} line {place.lineno}"
    vendor = "".join(f", {key} {value}" for key, value in error.vendor.items())
    return f"{error.code}: {error}{vendor and f' (the vendor: {vendor[2:]})'}"
