"""The screen *order of buttons*: in which order each client type's login page shows its logins, with a live preview.

Works by plain links and forms: each arrow is a button of a form that asks for the same page with another order, which
nothing keeps until it is saved. The preview is the login page itself, of that order; no login begins there.
"""

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role
from connect_core.errors import BadRequest, SettingsError
from connect_core.identity import ClientType, Language
from connect_core.web import responses
from connect_core.web.admin.context import AdminContext
from connect_core.web.admin.messages.buttons import TEXTS
from connect_core.web.admin.screens import AdminRoute, Screen
from connect_core.web.admin.setting_drafts import Beginning, SettingDrafts
from connect_core.web.login.offered import find_start_url, get_title
from connect_core.web.pages import NOWHERE
from connect_core.web.pages.links import with_query
from connect_core.web.pages.views import LoginChoice, LoginView

_FRAMES = {"base-uri 'none'": "base-uri 'none'; frame-src 'self'"}
_INERT = {"form-action 'self'": "form-action 'none'", "frame-ancestors 'none'": "frame-ancestors 'self'"}


def make_routes(admin: AdminContext) -> list[AdminRoute]:
    """Return the routes of the screen."""
    buttons, telling = _ButtonOrder(admin), SettingDrafts(admin).telling_conflicts
    return [
        AdminRoute("GET", "/buttons", Role.VIEWER, telling(buttons.show)),
        AdminRoute("POST", "/buttons", Role.OPERATOR, telling(buttons.save), form_page="/buttons"),
        AdminRoute("GET", "/buttons/preview", Role.VIEWER, buttons.preview),
    ]


SCREEN = Screen("buttons", "/buttons", Role.VIEWER, TEXTS, make_routes)


class _ButtonOrder:
    def __init__(self, admin: AdminContext) -> None:
        self._admin, self._drafts = admin, SettingDrafts(admin)

    async def show(self, request: Request) -> Response:
        """Show the order of a client type; `up` or `down` names a login that has just been moved."""
        query, beginning = request.query_params, await self._drafts.begin(request)
        client = _read_client(query.get("client", ""))
        order = _arrange(beginning.tables.settings.clients.get(client, []), query.get("order", ""))
        order = _move(_move(order, query.get("up", ""), -1), query.get("down", ""), 1)
        return self._show(request, beginning, client, order)

    async def save(self, request: Request) -> Response:
        """Make the order active that was posted."""
        beginning, form = await self._drafts.begin(request), self._admin.get_form(request)
        client = _read_client(form.get("client"))
        order = _arrange(beginning.tables.settings.clients.get(client, []), form.get("order"))
        try:
            is_new = await self._drafts.acts.reorder(client, order, beginning.base, self._admin.act(request))
        except SettingsError as error:
            return self._show(request, beginning, client, order, error.mistakes)
        return self._admin.done(f"/buttons?client={client}", "order_saved" if is_new else "")

    async def preview(self, request: Request) -> Response:
        """Answer the login page with the order of the query; nothing on it leads anywhere."""
        query, pages, manager = request.query_params, self._admin.web.pages, self._admin.manager
        client, language = _read_client(query.get("client", "")), self._find_language(request)
        shown = {each.name: each for each in manager.registry.shown_for(client)}
        choices = [
            LoginChoice(name, get_title(shown[name], language), NOWHERE, shown[name].icon)
            for name in _arrange(list(shown), query.get("order", ""))
            if find_start_url(self._admin.web, shown[name])
        ]
        view = LoginView(
            client=client,
            takes_credentials=manager.password_logins.are_offered,
            has_qr_login=client is ClientType.PC and manager.settings.service.handover,
            is_preview=True,
        )
        return _change_policy(responses.html_response(pages.login(language, choices, view)), _INERT)

    def _show(
        self,
        request: Request,
        beginning: Beginning,
        client: ClientType,
        order: Sequence[str],
        mistakes: Sequence[str] = (),
    ) -> Response:
        language, catalogues = self._find_language(request), self._admin.web.pages.catalogues
        response = self._admin.page(
            request,
            "button_order.html",
            400 if mistakes else 200,
            client=client,
            clients=list(ClientType),
            order=order,
            buttons=self._make_buttons(client, order, language),
            is_moved=order != beginning.tables.settings.clients.get(client, []),
            lock=beginning.tables.find_lock("clients", client.value),
            language=language,
            page_languages=[(tag, catalogues.texts[tag]["own_name"]) for tag in catalogues.languages],
            preview=with_query(
                f"{self._admin.prefix}/buttons/preview", client=client, language=language, order=",".join(order)
            ),
            base=beginning.base,
            mistakes=mistakes,
        )
        return _change_policy(response, _FRAMES)

    def _make_buttons(self, client: ClientType, order: Sequence[str], language: Language) -> list[LoginChoice]:
        """Return what each login is called and looks like; one that is not in use yet here goes by its name."""
        shown = {each.name: each for each in self._admin.manager.registry.shown_for(client)}
        return [
            LoginChoice(name, get_title(shown[name], language), "", shown[name].icon)
            if name in shown
            else LoginChoice(name, name, "", "")
            for name in order
        ]

    def _find_language(self, request: Request) -> Language:
        """Return the language of the preview, which need not be that of the admin page."""
        wanted = request.query_params.get("language", "")
        return self._admin.web.pages.catalogues.find_language(wanted) or self._admin.get_language(request)


def _read_client(text: str) -> ClientType:
    if text and text not in list(ClientType):
        raise BadRequest("there is no such client type")
    return ClientType(text or ClientType.PC)


def _arrange(names: Sequence[str], order: str) -> list[str]:
    """Return `names` in the order of a list with commas; those that it leaves out come last, as they were."""
    wanted = list(dict.fromkeys(name for name in order.split(",") if name in names))
    return [*wanted, *(name for name in names if name not in wanted)]


def _move(order: Sequence[str], name: str, places: int) -> list[str]:
    """Return the order with `name` moved by some places, as far as there are any."""
    moved = list(order)
    if name in moved:
        place = moved.index(name)
        moved.insert(max(0, place + places), moved.pop(place))
    return moved


def _change_policy(response: Response, changes: Mapping[str, str]) -> Response:
    """Return the response with other words in its Content-Security-Policy."""
    policy = response.headers["content-security-policy"]
    for old, new in changes.items():
        policy = policy.replace(old, new)
    response.headers["content-security-policy"] = policy
    return response
