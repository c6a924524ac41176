"""The routes by which members take along what is held about them, and leave.

Both want a login of the last minutes. A form posts, since it cannot DELETE.
"""

import json
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.web import responses
from connect_core.web.context import WebContext
from connect_core.web.pages import ShownMember
from connect_core.web.requests import get_visit, wants_page


def personal_data_routes(context: WebContext) -> list[BaseRoute]:
    """Every such route."""
    own, path = _PersonalData(context), f"{context.prefix}/account"
    route = partial(context.route, style=context.leading_back_to(path))
    return [
        route(f"{path}/export", own.export, "GET", cross_origin=True),
        route(f"{path}/erase", own.confirm, "GET"),
        route(f"{path}/erase", own.erase, "POST"),
        route(path, own.erase, "DELETE", cross_origin=True),
    ]


class _PersonalData:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def export(self, request: Request) -> Response:
        found = await self._context.find_recent(request)
        held = await self._manager.personal_data.export(found.session.member_id)
        text = json.dumps(held, ensure_ascii=False, indent=2)
        attached = {**responses.HEADERS, "content-disposition": 'attachment; filename="account.json"'}
        return Response(text, headers=attached, media_type="application/json")

    async def confirm(self, request: Request) -> Response:
        """Tell what goes, and ask once more."""
        member = (await self._context.find_recent(request)).member
        shown = ShownMember(member.uname, member.nickname, member.face)
        return responses.page(self._context.pages.erase(get_visit(request).language, shown))

    async def erase(self, request: Request) -> Response:
        found = await self._context.find_recent(request)
        await self._manager.personal_data.erase(found.session.member_id, request.state.request_id)
        home = self._manager.targets.check(self._manager.settings.service.home_url)
        response = responses.redirect(home) if wants_page(request) else responses.no_content()
        self._context.forget_logins(request, response)
        return response
