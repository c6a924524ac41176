"""What an endpoint of the management API is given: a checked token, a checked body, and who acts.

Who may call it is checked in `guard`; what is done is decided by the functions that the admin page calls as well.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from connect_core.acts import REASON_LENGTH, OperatorAct
from connect_core.administrators.api_tokens import ApiToken, Scope
from connect_core.errors import BadRequest
from connect_core.limits import REQUEST_BODY_LIMIT
from connect_core.web.requests import get_parameters, read_content

LARGEST_ID = 2**63 - 1
"""What a column of the database holds at most."""
PAGE = 50
"""How many rows a list answers at most."""


class Body(BaseModel):
    """The JSON object that a request has: its members are checked, and unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, str_strip_whitespace=True)


class Reason(Body):
    """Why something is done for a member; the audit log keeps it."""

    reason: str = Field(min_length=1, max_length=REASON_LENGTH)


class Based(Body):
    """What is decided on a revision of the settings: `base`, or the header `If-Match` in its place."""

    base: int | None = Field(default=None, ge=0, le=LARGEST_ID)


B = TypeVar("B", bound=Body)


class InvalidBody(BadRequest):
    """The body is not what the route takes. `mistakes` are lines of the form `member: what is wrong`."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A request with a valid token."""

    request: Request
    token: ApiToken

    @property
    def path(self) -> dict[str, Any]:
        """The parameters of the path."""
        return self.request.path_params

    def get(self, name: str) -> str:
        """Return a parameter of the query; empty where it did not come."""
        return get_parameters(self.request).get(name, "").strip()

    def get_number(self, name: str) -> int:
        """Return a parameter of the query that is a whole number; 0 where it did not come. Raises `BadRequest`."""
        text = self.get(name)
        if text and not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise BadRequest(f"{name} is no whole number")
        return int(text or 0)

    async def read(self, model: type[B]) -> B:
        """Return the JSON body. Raises `InvalidBody`, and `BadRequest` for one that is too large."""
        content = await read_content(self.request, REQUEST_BODY_LIMIT)
        try:
            return model.model_validate_json(content or b"{}")
        except ValidationError as error:
            raise InvalidBody([_describe(item) for item in error.errors()]) from None

    def get_base(self, base: int | None) -> int:
        """Return the revision that `base` or the header `If-Match` names. Raises `BadRequest` where neither does."""
        if base is not None:
            return base
        tag = self.request.headers.get("if-match", "").strip().strip('"')
        if not (tag.isascii() and tag.isdecimal() and len(tag) < 19):
            raise BadRequest("base, or the header If-Match, says on which revision of the settings this was decided")
        return int(tag)

    def act(self, reason: str = "") -> OperatorAct:
        """Return who does what this request asks for, for whatever does it. Raises `BadRequest` for a bad reason."""
        return OperatorAct(self.token.name, reason, self.request.state.request_id, "api")

    def may(self, scope: Scope) -> bool:
        """Tell whether the token has a scope beside that of the route."""
        return scope in self.token.scopes


Endpoint = Callable[[ApiCall], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """A route of the management API.

    - `path`: below `/connect/admin/api`, such as `/members/{id:int}`.
    - `scope`: the one that the token must have.
    - `endpoint`: returns what is answered as JSON, of the type that it declares, unless `status` is 204.
    - `summary`: a line of the OpenAPI document.
    - `body`: the JSON object that it takes, if any; `takes_files`: a form with files comes in its place.
    - `query`: the names of the parameters that it takes.
    - `status`: of a success.
    - `is_tagged`: the header `ETag` names the answer's `revision` of the settings, as `If-Match` takes it.
    """

    method: Literal["GET", "POST"]
    path: str
    scope: Scope
    endpoint: Endpoint
    summary: str
    body: type[Body] | None = None
    query: tuple[str, ...] = ()
    status: int = 200
    takes_files: bool = False
    is_tagged: bool = False

    @property
    def answer(self) -> Any:
        """The type of what `endpoint` returns, which the OpenAPI document describes."""
        return get_type_hints(self.endpoint)["return"]


def _describe(item: Any) -> str:
    place = ".".join(map(str, item["loc"])) or "body"
    return f"{place}: {item['msg']}"
