"""What changes in the web when settings change while the service runs: the pages and the rate limits.

Builds the new pages beside the event loop and puts them in the place of the old ones. Not imported with
`[service] settings = "file"`.
"""

from collections.abc import Callable

from connect_core.runtime_settings import SettingVersions
from connect_core.settings import Limits, Settings
from connect_core.web.context import WebContext
from connect_core.web.pages.theme_check import load_pages


def apply_changes(context: WebContext, versions: SettingVersions) -> None:
    """Let changed settings of `[pages]` and `[limits]` have their effect on `context`."""
    shown = context.manager.settings.pages, context.manager.plugins.icons

    def prepare(settings: Settings) -> Callable[[], None]:
        wanted = settings.pages, context.manager.plugins.icons
        service = settings.service
        pages = None if wanted == shown else load_pages(settings.pages, service.prefix, wanted[1], service.home_url)

        def adopt() -> None:
            nonlocal shown
            if pages is not None:
                context.in_use.pages, shown = pages, wanted
            _set_rules(context, settings.limits)

        return adopt

    versions.preparations.append(prepare)


def _set_rules(context: WebContext, limits: Limits) -> None:
    context.limiter.set_rule(limits.per_address)
    context.failure_limiter.set_rule(limits.failures)
    context.password_limiter.set_rule(limits.per_username)
