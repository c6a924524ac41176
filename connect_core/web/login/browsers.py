"""In which browser a login works, asked of its plugin. A plugin's mistake never costs a visitor the page."""

import logging

from connect_core.providers.abilities import RequiredBrowser, WorksInSomeBrowsers
from connect_core.providers.registry import ConfiguredProvider

log = logging.getLogger("connect_login")


def find_better_place(configured: ConfiguredProvider, user_agent: str) -> RequiredBrowser | None:
    """Return which browser or app this login works in, None when it works in this one.

    A plugin that raises or answers anything else counts as None: its mistake must not cost the member the login page.
    """
    provider = configured.provider
    if not isinstance(provider, WorksInSomeBrowsers):
        return None
    try:
        place: object = provider.find_required_browser(configured.client_type, user_agent)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, even SystemExit
        log.warning("plugin_failed", extra={"provider": configured.name, "error": type(error).__name__})
        return None
    return place if isinstance(place, RequiredBrowser) else None
