"""Addresses that no route takes, by surface: the routes below one path that answer errors in a form of their own.

A route answers its own errors in its own style (`endpoints`). For an unknown address, or a method that no route at the
address takes, the surface below whose path it is decides. Never routes a request.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from connect_core.errors import ConnectError
from connect_core.web.context import WebContext
from connect_core.web.error_pages import answer_error

AnswerError = Callable[[Request, ConnectError], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Surface:
    """The addresses at and below `path`, such as `/connect/admin`, whose errors `answer_error` answers.

    `is_shared`: pages of `cors_origins` may read them.
    """

    path: str
    answer_error: AnswerError
    is_shared: bool = False


class Surfaces:
    """The surfaces of a service; every other address is the shop's."""

    def __init__(self, context: WebContext, surfaces: Iterable[Surface]) -> None:
        """`surfaces` may be below one another: the longest path counts."""
        self._context = context
        self._surfaces = sorted(surfaces, key=lambda surface: len(surface.path), reverse=True)

    async def answer_error(self, request: Request, error: ConnectError) -> Response:
        """Answer an error as the surface does to which the request's address belongs."""
        surface = self._find(request)
        return await surface.answer_error(request, error) if surface else answer_error(self._context, request, error)

    def are_shared(self, request: Request) -> bool:
        """Tell whether the request's address is one at which pages of `cors_origins` may read that no route is there.

        Those below the prefix are, unless a surface below it says otherwise.
        """
        surface = self._find(request)
        return surface.is_shared if surface else _is_below(_get_path(request), self._context.route_prefix)

    def _find(self, request: Request) -> Surface | None:
        path = _get_path(request)
        return next((surface for surface in self._surfaces if _is_below(path, surface.path)), None)


def _get_path(request: Request) -> str:
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def _is_below(path: str, top: str) -> bool:
    return f"{path}/".startswith(f"{top}/")
