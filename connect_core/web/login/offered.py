"""Which logins a client type offers, what they are called, where each begins, and which of them are held back.

Every page and every JSON list of logins takes them from here, so that none forgets a vendor that is down.
"""

from connect_core.errors import Unsupported
from connect_core.identity import ClientType, Language
from connect_core.languages import find_text
from connect_core.providers.abilities import RequiredBrowser
from connect_core.providers.provider import Entrance
from connect_core.providers.registry import ConfiguredProvider
from connect_core.web.answers import OfferedLogin, PerhapsDown
from connect_core.web.context import WebContext
from connect_core.web.pages.views import LoginChoice


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


def make_choice(
    configured: ConfiguredProvider, language: str, url: str, place: RequiredBrowser | None = None, last_used: str = ""
) -> LoginChoice:
    """Return what a page shows of a login. `last_used` names the provider by which this browser logged in last."""
    return LoginChoice(
        configured.name,
        get_title(configured, language),
        url,
        configured.icon,
        place,
        is_last_used=configured.name == last_used,
        seconds_held=configured.circuit.seconds_held,
    )


def describe(context: WebContext, configured: ConfiguredProvider, language: Language) -> OfferedLogin:
    """Return what front ends are told of a login."""
    choice = make_choice(configured, language, find_start_url(context, configured) or "")
    return {
        "provider": choice.name,
        "name": choice.title,
        "login_url": choice.url or None,
        **describe_outage(context, choice, language),
    }


def describe_outage(context: WebContext, choice: LoginChoice, language: Language) -> PerhapsDown:
    """Return `unavailable` for JSON while no login by this provider is begun, because its vendor does not answer."""
    if not choice.is_down:
        return {}
    reason = context.pages.catalogues.texts[language]["vendor_down"] % choice.title
    return {"unavailable": {"reason": reason, "retry_after": choice.seconds_held}}
