"""The routes by which members export what is stored about them, and delete their account.

Both need a login of the last minutes. The page deletes by POST, since an HTML form cannot send DELETE.
"""

import json
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.web import endpoints, responses
from connect_core.web.context import WebContext
from connect_core.web.error_pages import leading_back_to
from connect_core.web.pages.views import MemberView
from connect_core.web.requests import get_visit, wants_page


def personal_data_routes(context: WebContext) -> list[BaseRoute]:
    """Return the routes of this module."""
    personal_data, path = _PersonalDataEndpoints(context), f"{context.prefix}/account"
    route = partial(endpoints.route, context, style=leading_back_to(context, "/account"))
    return [
        route(
            f"{path}/export",
            personal_data.export,
            "GET",
            cross_origin=True,
            style=leading_back_to(context, "/account", "/account"),  # a download is no page to end on
        ),
        route(f"{path}/erase", personal_data.confirm, "GET"),
        route(
            f"{path}/erase", personal_data.erase, "POST", style=leading_back_to(context, "/account", "/account/erase")
        ),
        route(path, personal_data.erase, "DELETE", cross_origin=True),
    ]


class _PersonalDataEndpoints:
    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._manager = context.manager

    async def export(self, request: Request) -> Response:
        logged_in = await self._context.find_recent(request)
        stored = await self._manager.personal_data.export(logged_in.session.member_id)
        text = json.dumps(stored, ensure_ascii=False, indent=2)
        headers = {**responses.HEADERS, "content-disposition": 'attachment; filename="account.json"'}
        return Response(text, headers=headers, media_type="application/json")

    async def confirm(self, request: Request) -> Response:
        """Show what is deleted, and ask for confirmation."""
        member = (await self._context.find_recent(request)).member
        view = MemberView(member.uname, member.nickname, member.face)
        return responses.html_response(self._context.pages.erase(get_visit(request).language, view))

    async def erase(self, request: Request) -> Response:
        logged_in = await self._context.find_recent(request)
        await self._manager.personal_data.erase(logged_in.session.member_id, request.state.request_id)
        home = self._manager.targets.check(self._manager.settings.service.home_url)
        response = responses.redirect(home) if wants_page(request) else responses.no_content()
        self._context.forget_logins(request, response)
        self._context.tell(request, response, "erased")
        if self._context.cookies.last_used in request.cookies:
            self._context.cookies.drop(response, self._context.cookies.last_used)
        return response
