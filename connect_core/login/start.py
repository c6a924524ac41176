"""Starting a login: the return target is checked, a flow begun, and the provider asked for what the client needs.

Writes nothing to the database, and sets no cookie.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from connect_core.errors import Unsupported
from connect_core.identity import ClientType
from connect_core.languages import get_primary
from connect_core.login import flow
from connect_core.login.return_targets import Targets
from connect_core.login.values import LOG_IN, Delivery, Flow, Purpose, Visit
from connect_core.providers import calls
from connect_core.providers.abilities import DeepLinks
from connect_core.providers.provider import AuthorizationRequest, Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.settings import Service

log = logging.getLogger("connect_login")

IN_APP = "in_app"
"""Query parameter of a start URL that a deep link opened in the vendor's app, so that no second deep link follows."""


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How a login is to go.

    `return_to` is where the member lands, the shop's home if empty. With `redirect_uri` the vendor returns to the front
    end's own page instead of to our callback. `is_in_app`: the browser at hand is the one that is to be logged in, so
    the vendor's app is not opened.
    """

    return_to: str = ""
    redirect_uri: str = ""
    delivery: Delivery = Delivery.SESSION
    is_in_app: bool = False
    purpose: Purpose = LOG_IN


@dataclass(frozen=True, slots=True)
class Start:
    """A login begun. `flow` is None for a deep link: the flow begins in the browser that the link opens.

    `start_url` is then our own address of this login, for a browser in which it has not begun; else empty.
    """

    login_url: str = field(repr=False)
    flow: Flow | None = None
    start_url: str = field(default="", repr=False)


class Starter:
    """Starts logins."""

    def __init__(self, service: Service, targets: Targets, now: Callable[[], int]) -> None:
        """`now` answers seconds since the epoch."""
        self._home_url = service.home_url
        self._service = service
        self._targets = targets
        self._now = now

    async def start(self, configured: ConfiguredProvider, visit: Visit, options: StartOptions) -> Start:
        """Begin a login. Raises `Unsupported`, `RedirectNotAllowed`, `ProviderDown` and what the provider raises."""
        if configured.entrance is Entrance.CLIENT_CODE:
            raise Unsupported("this client type hands in a code; there is no login URL")
        return_to = self._targets.check(options.return_to or self._home_url)
        if options.redirect_uri:
            redirect_uri = self._targets.check_redirect_uri(options.redirect_uri)
        else:
            redirect_uri = f"{self._get_address(configured, visit)}/callback"
        configured.circuit.check()  # the app would open only to say the same
        if start := self._find_deep_link(configured, visit, options, return_to, redirect_uri):
            return start
        begun = flow.begin(configured, options.delivery, redirect_uri, return_to, options.purpose, self._now())
        request = AuthorizationRequest(
            client_type=configured.client_type,
            redirect_uri=redirect_uri,
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=flow.get_code_challenge(begun),
            language=get_primary(visit.language),
            language_tag=visit.language,
        )
        with configured.circuit.starting():
            login_url = await calls.get_login_url(configured.provider, request)
        _log_start(configured, begun)
        return Start(login_url, begun)

    def _get_address(self, configured: ConfiguredProvider, visit: Visit) -> str:
        """Return what the addresses of this login begin with."""
        routes = f"{self._service.public_url}{visit.root_path}{self._service.prefix}"
        return f"{routes}/{configured.name}/{configured.client_type}"

    def _find_deep_link(
        self, configured: ConfiguredProvider, visit: Visit, options: StartOptions, return_to: str, redirect_uri: str
    ) -> Start | None:
        """The link that opens our own start URL in the vendor's app, for H5 outside it; None where there is none."""
        provider = configured.provider
        if configured.client_type is not ClientType.H5 or options.is_in_app or not isinstance(provider, DeepLinks):
            return None
        parameters = {
            "return_to": options.return_to and return_to,
            "redirect_uri": options.redirect_uri and redirect_uri,
            "lang": visit.chosen_language,
        }
        present = {name: value for name, value in parameters.items() if value}
        start_url = f"{self._get_address(configured, visit)}/login"
        link = calls.get_deep_link(provider, f"{start_url}?{urlencode({**present, IN_APP: '1'})}", visit.user_agent)
        return Start(link, start_url=f"{start_url}?{urlencode(present)}".rstrip("?")) if link else None


def _log_start(configured: ConfiguredProvider, begun: Flow) -> None:
    names = {"provider": configured.name, "client_type": configured.client_type, "purpose": begun.purpose}
    log.info("login_started", extra={**names, "flow": flow.get_log_name(begun.state)})
