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
    """The addresses at and below `path`, such as `/connect/admin`, whose errors `answer_error` answers."""

    path: str
    answer_error: AnswerError


class Surfaces:
    """The surfaces of a service; every other address is the shop's."""

    def __init__(self, context: WebContext, surfaces: Iterable[Surface]) -> None:
        """`surfaces` may be below one another: the longest path counts."""
        self._context = context
        self._surfaces = sorted(surfaces, key=lambda surface: len(surface.path), reverse=True)

    async def answer_error(self, request: Request, error: ConnectError) -> Response:
        """Answer an error as the surface does to which the request's address belongs."""
        path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        for surface in self._surfaces:
            if f"{path}/".startswith(f"{surface.path}/"):
                return await surface.answer_error(request, error)
        return answer_error(self._context, request, error)
