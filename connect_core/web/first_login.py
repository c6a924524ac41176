"""The choose page: whoever a vendor vouches for and the shop does not know says whether they are new.

The pending login is in the browser's own cookie, or is the ticket that an app was given. It is used once, by POST.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connect_core.errors import BadRequest, NotLoggedIn, StateMissing, Unsupported
from connect_core.flow import Delivery
from connect_core.web import answers
from connect_core.web.requests import check_origin, get_cookies, get_visit, is_form, read_form, read_json, wants_page
from connect_core.web.routes import deliver, title, token_body
from connect_core.web.shop import Shop


def first_login_routes(shop: Shop) -> list[BaseRoute]:
    """The page and what it posts to; 404 where newcomers are registered at once."""
    first, path = _FirstLogin(shop), f"{shop.prefix}/first-login"
    return [
        shop.route(path, first.page, "GET"),
        shop.route(path, first.choose, "POST", cross_origin=True),
    ]


class _FirstLogin:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._manager = shop.manager

    async def page(self, request: Request) -> Response:
        self._check_offered()
        ticket = get_cookies(request).get(self._shop.cookies.pending, "")
        if not ticket:
            return answers.redirect(f"{self._shop.prefix}/login")
        return self._show(request, ticket)

    async def choose(self, request: Request) -> Response:
        """`decision` is `register` or `join`; with `join` come the credentials."""
        self._check_offered()
        check_origin(request, self._shop.origins)
        await self._shop.count(request)
        asked = await read_form(request) if is_form(request) else await read_json(request)
        cookies = get_cookies(request)
        ticket = asked.pop("ticket", "") or cookies.get(self._shop.cookies.pending, "")
        if not ticket:
            raise StateMissing("there is no login that waits for a choice")
        visit = get_visit(request, cookies.get(self._shop.cookies.session, ""))
        match asked.pop("decision", ""):
            case "register":
                login = await self._manager.finish_first_login(ticket, visit)
            case "join":
                await self._shop.password_limiter.hit(f"user {asked.get('username', '')}")
                try:
                    login = await self._manager.finish_first_login(ticket, visit, asked)
                except NotLoggedIn:
                    if not wants_page(request):
                        raise
                    return self._show(request, ticket, is_wrong=True)
            case _:
                raise BadRequest("decision is register or join")
        if login.delivery is Delivery.JSON:
            return answers.answer(token_body(self._shop, login))
        response = deliver(self._shop, login)
        self._shop.cookies.drop(response, self._shop.cookies.pending)
        return response

    def _check_offered(self) -> None:
        if not self._manager.chooses:
            raise Unsupported("this shop registers newcomers at once")

    def _show(self, request: Request, ticket: str, *, is_wrong: bool = False) -> Response:
        pending = self._manager.find_pending(ticket)
        offer = self._manager.registry.find(pending.provider, pending.client_type)
        profile, language = pending.identity.profile, get_visit(request).language
        nickname = profile.nickname if profile else ""
        text = self._shop.pages.first_login(language, title(offer, language), nickname, is_wrong=is_wrong)
        return answers.page(text, 401 if is_wrong else 200)
