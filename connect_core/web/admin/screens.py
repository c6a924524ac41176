"""What a screen of the admin page is made of: its routes, each with the least role, its texts, its menu entry."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request
from starlette.responses import Response

from connect_core.administrators.roles import Role

if TYPE_CHECKING:
    from connect_core.web.admin.context import AdminContext

ScreenEndpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class AdminRoute:
    """A route of the admin page; the guard checks everything that is declared here before `endpoint` is called.

    - `path`: below `/connect/admin`, such as `/keys` or `/members/{id}`.
    - `role`: the least role that may use it.
    - `is_dangerous`: only for administrators who proved who they are within the last ten minutes; others are sent to
      do so. Set it for the page with the form as well, so that nobody fills it in for nothing.
    - `form_page`: for a POST, the path of the page that has the form: errors lead back there. It may contain
      parameters of `path`.
    """

    method: Literal["GET", "POST"]
    path: str
    role: Role
    endpoint: ScreenEndpoint
    is_dangerous: bool = False
    form_page: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of the admin page.

    - `name`: of its catalogue `locale/zh_CN/LC_MESSAGES/NAME.po`; the key of its name in the menu is `nav_NAME`.
    - `path`: of its first page, below `/connect/admin`; empty for the start page.
    - `role`: the least role for which it is in the menu.
    - `texts`: its texts in English, by key; keys are unique over all screens.
    - `make_routes`: returns its routes.
    """

    name: str
    path: str
    role: Role
    texts: Mapping[str, str]
    make_routes: "Callable[[AdminContext], list[AdminRoute]]"
