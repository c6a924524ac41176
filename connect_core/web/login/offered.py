"""Which logins a client type offers, what they are called, where each begins, and which of them are held back."""

from connect_core.errors import Unsupported
from connect_core.identity import ClientType, Language
from connect_core.languages import find_text
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web.answers import OfferedLogin
from connect_core.web.context import WebContext


def find_shown(context: WebContext, client: str) -> list[ConfiguredProvider]:
    """Return the providers that a client type shows. Raises `Unsupported` for a word that is no client type."""
    if client not in list(ClientType):
        raise Unsupported("there is no such client type")
    return context.manager.registry.shown_for(client)


def find_start_url(context: WebContext, configured: ConfiguredProvider) -> str | None:
    """Return where a browser begins this login; None where an app or mini program begins it."""
    if configured.entrance is not Entrance.REDIRECT:
        return None
    return f"{context.prefix}/{configured.name}/{configured.client_type}/login"


def get_title(configured: ConfiguredProvider, language: str) -> str:
    """Return what the provider is called on a page."""
    return find_text(configured.provider.titles, language) or configured.name


def is_held_back(configured: ConfiguredProvider) -> bool:
    """Return True while no login by this provider is begun, because its vendor does not answer."""
    return configured.circuit.seconds_held > 0


def describe(context: WebContext, configured: ConfiguredProvider, language: Language) -> OfferedLogin:
    """Return what front ends are told of a login; `unavailable` is there only while its vendor is down."""
    title, seconds = get_title(configured, language), configured.circuit.seconds_held
    description: OfferedLogin = {
        "provider": configured.name,
        "name": title,
        "login_url": find_start_url(context, configured),
    }
    if seconds:
        reason = context.pages.catalogues.texts[language]["vendor_down"] % title
        description["unavailable"] = {"reason": reason, "retry_after": seconds}
    return description
