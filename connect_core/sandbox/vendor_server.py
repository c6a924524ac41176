"""`Sandbox`, the base class of every vendor's loopback copy, and the people who have an account there.

Owns the record of calls and the fault script. Knows no vendor's protocol.
"""

import time
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connect_core.identity import ClientType, PersonId, Profile
from connect_core.providers.abilities import NoticeKind, NoticeRequest
from connect_core.sandbox.documented import DocumentedRequest
from connect_core.sandbox.faults import MISFIRED, TRANSPORT_FAULTS, Fault, FaultMisfired, FaultScript, play
from connect_core.sandbox.misspelt_names import refuse_misspelt
from connect_core.sandbox.pages import get_app_page, get_consent_page, get_error_page
from connect_core.sandbox.renamed_methods import alias_methods


@dataclass(frozen=True, slots=True)
class Person:
    """A person with an account at the vendor.

    A sandbox derives the person's ids from `key`. `sex` is 1 (male), 0 (female) or None (unknown); `face` is an https
    URL; `mobile` is a number without a country code.
    """

    key: str
    nickname: str
    sex: int | None = None
    province: str = ""
    city: str = ""
    face: str = ""
    mobile: str = ""


PEOPLE = (
    Person("lihua", "李华", 1, "浙江省", "杭州市", "https://img.example/lihua.png", "13800000001"),
    Person("wangfang", '王芳 {"🙂"}', 0, "广东省", "深圳市", "https://img.example/wangfang.png", "13800000002"),
    Person("maria", "Maria O'Neill", None, "", "", "", "13800000003"),
)
"""The people whom the consent page of every sandbox lists."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that the sandbox received: the name of the operation and the parameters that were sent."""

    operation: str
    parameters: Mapping[str, str] = field(repr=False)


class Sandbox(ABC):
    """The base class of every sandbox. Derive from it for a vendor with a protocol of its own.

        class AcmeSandbox(Sandbox):
            title = "Acme"
            own_faults = ("unsigned", "missing_id", "error")

            def routes(self): return [Route("/token", self._token, methods=["POST"])]
            def settings(self, base_url, client_type): return {"app_id": "acme-1", "api_url": base_url}
            def client_parameters(self, client_type, person, login_url=""): return {"code": self._new_code(person)}

    An endpoint passes every request to `answer`, which records it and plays the fault that waits for it.

    - `title`: the vendor's name on the consent page.
    - `own_faults`: the faults that the subclass plays itself, besides `TRANSPORT_FAULTS`.
    - `operations`: the names of its endpoints, so that a fault for another one is refused; empty: any name is taken.
    - `documented`: the requests of a login as the vendor documents them; a contract test may state them instead.
    - `documented_ids`, `documented_profile`, `documented_phone`: whom the documented answers name. A scope may have a
      setting in braces, such as `PersonId.open_id("liSii8KC", "{client_id}")`. The phone number is as the provider
      returns it.
    - `profile_parameters`: parameters of the client whose value is shown, unproved, as a name. No id comes from them.
    - `no_outcomes`: why the vendor has no error codes, for a sandbox whose `get_outcomes` is empty.
    - `for_tests`: names of methods and attributes that only tests of your own use. The contract refuses any other name
      that nothing reads, because it may be misspelt.
    - `without_calls`: True where a login calls nobody, because the vendor signs what the client posts. Faults of that
      belong to the operation `credential`.
    - `app_user_agent`: the `User-Agent` of the browser inside the vendor's app, for providers with `get_deep_link`.
    - `faults`: the fault script; `calls`: the last 10 000 requests; `people`: who has an account, by key.
    - `crashes`: exceptions of the sandbox's own code, which the contract reports as such.
    - `refused`: why requests were refused, in the sandbox's own words, for the author of the provider.
    """

    _RENAMED_METHODS: ClassVar[Mapping[str, str]] = {"hand_over": "client_parameters"}
    """Old names of methods, which work for one release, with their new names."""

    title: ClassVar[str]
    own_faults: ClassVar[Collection[str]] = ()
    operations: ClassVar[Collection[str]] = ()
    documented: ClassVar[Sequence[DocumentedRequest]] = ()
    documented_ids: ClassVar[Sequence[PersonId]] = ()
    documented_profile: ClassVar[Profile | None] = None
    documented_phone: ClassVar[str] = ""
    profile_parameters: ClassVar[Collection[str]] = ()
    no_outcomes: ClassVar[str] = ""
    for_tests: ClassVar[Collection[str]] = ()
    without_calls: ClassVar[bool] = False
    app_user_agent: ClassVar[str] = ""

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time.time) -> None:
        """`people` are those who have an account; `now` returns seconds since the epoch, for tests that move time."""
        self.people = {person.key: person for person in people}
        self.now = now
        self.faults = FaultScript(self.own_faults, self.operations)
        self.calls: deque[Call] = deque(maxlen=10_000)
        self.crashes: deque[str] = deque(maxlen=100)
        self.refused: deque[str] = deque(maxlen=100)

    def __init_subclass__(cls, **options: Any) -> None:
        """Raise `TypeError` for an attribute that nothing reads, because its name is misspelt."""
        super().__init_subclass__(**options)
        refuse_misspelt(cls)
        alias_methods(cls, cls._RENAMED_METHODS)

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """Return the vendor's endpoints, with paths relative to the sandbox's base URL."""

    @abstractmethod
    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings of a provider that calls this sandbox, as they would stand in `connect.toml`.

        `base_url` is where the sandbox listens, without a slash at the end.
        """

    @abstractmethod
    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return what the vendor's SDK gives to a mini program or app after a person agreed.

        These are the parameters that the client then posts to `/token`, such as `{"code": …}`. `person` is a key of
        `people` or a new one; `login_url` is what `/login-url` answered, for entrances with a ticket.

        Raises `LookupError` for a client type that comes back through a redirect.
        """

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return what the vendor's phone button gives besides the code; empty for a vendor without one.

        A mini program or app posts it to `/token` together with `client_parameters`, which is called first. `person` is
        as there.
        """
        return {}

    def make_notice(self, client_type: ClientType, person: str, kind: NoticeKind) -> NoticeRequest | None:
        """Return what the vendor sends to `/connect/{provider}/notify` to tell this of the person with this key.

        None where the vendor tells no such thing. Override it for a provider that has `ReceivesNotices`.
        """
        return None

    def get_untrusted(self) -> Collection[str]:
        """Return those of `own_faults` after which the provider must not trust the answer.

        The contract plays each and expects the login to fail: `swapped_id` in the call for the profile, any other in
        the call that names the person.
        """
        return [fault for fault in self.own_faults if fault in ("missing_id", "unsigned", "wrong_sign")]

    def get_outcomes(self) -> Mapping[str, str]:
        """Return the vendor's error codes with the code that connect-login has for each (`code_invalid` …).

        The contract plays the fault `error` with each code as its value, and expects the other code. Return an empty
        mapping only for a vendor without error codes, and say why in `no_outcomes`.
        """
        return {}

    def complete_example(self, answer: Mapping[str, Any], parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the vendor's example `answer` to a request with `parameters` as a provider can use it.

        By default it is unchanged. The contract calls it with the answers of `documented` that are objects.
        """
        return answer

    def locate(self, url: str) -> str:
        """Return the path at which this sandbox serves the vendor's address `url`. By default it is the same path."""
        return urlsplit(url).path

    def find_person(self, key: str) -> Person:
        """Return the person with that `key`; a new one, with `key` as nickname, when there is none."""
        return self.people.get(key) or Person(key, key)

    def called(self, operation: str) -> int:
        """Return the number of recorded requests for `operation`."""
        return sum(call.operation == operation for call in self.calls)

    async def answer(
        self, operation: str, parameters: Mapping[str, str], reply: Callable[[Fault | None], Response]
    ) -> Response:
        """Record a request and return its response: every endpoint of a sandbox calls this.

        `operation` is the name by which faults and `called` refer to the endpoint, `parameters` what was sent. `reply`
        makes the response; it receives the fault to play, if it is one of `own_faults`, else None. Faults of
        `TRANSPORT_FAULTS` are applied here to the response that `reply` makes.
        """
        self.calls.append(Call(operation, dict(parameters)))
        fault = self.faults.take(operation)
        if fault is None:
            return reply(None)
        try:
            if fault.kind not in TRANSPORT_FAULTS:
                return reply(fault)
            return await play(fault, lambda: reply(None), parameters)
        except FaultMisfired:
            self.faults.misfired.append(fault)
            return Response(MISFIRED, 500)

    def consent_page(self, request: Request, *, app: str, scope: str) -> HTMLResponse:
        """Return the page on which a person agrees or refuses.

        Its form posts `decision` (`agree` or `refuse`) and `person`, the key of one of `people`, to the page's own URL.
        `somebody`, when it is filled in, is the key of somebody else. `app` and `scope` are shown to the person.
        """
        people = [(person.key, person.nickname) for person in self.people.values()]
        return HTMLResponse(
            get_consent_page(self.title, app, scope, people),
            headers={"cache-control": "no-store"},
        )

    def error_page(self, title: str, text: str = "", status: int = 400) -> HTMLResponse:
        """Return the page on which the vendor shows an error to the person.

        Its status is 400 even where the vendor's is 200, so that a test cannot take it for the consent page.
        """
        return HTMLResponse(get_error_page(title, text), status)

    def app(self) -> Starlette:
        """Return the sandbox as an ASGI application.

        Besides `routes` it has `POST /_sandbox/faults`, which adds a fault from a JSON object with the arguments of
        `FaultScript.add`, and `GET /_sandbox/calls`, which lists the recorded requests with the names of their
        parameters. A request to `/_sandbox/trap`, where the contract's redirects lead, is recorded as `trap`. The page
        `/_sandbox/app` stands for the vendor's app, for a provider with `get_deep_link`; `url` is the page that the app
        is to open.
        """
        return Starlette(
            routes=[
                *self.routes(),
                Route("/_sandbox/faults", self._add_fault, methods=["POST"]),
                Route("/_sandbox/calls", self._list_calls, methods=["GET"]),
                Route("/_sandbox/trap", self._spring_trap, methods=["GET", "POST"]),
                Route("/_sandbox/app", self._show_app, methods=["GET"]),
            ],
            middleware=[Middleware(_CrashRecorder, crashes=self.crashes)],
        )

    async def _add_fault(self, request: Request) -> Response:
        try:
            order = await request.json()
            times = int(order.get("times", 1))
            self.faults.add(order["kind"], order.get("value", ""), on=order.get("on", "*"), times=times)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        except (AttributeError, KeyError, TypeError):
            return JSONResponse({"error": "give an object with kind and, as needed, value, on, times"}, 400)
        return JSONResponse({"waiting": self.faults.unused}, 201)

    async def _list_calls(self, request: Request) -> Response:
        return JSONResponse([{"operation": c.operation, "parameters": sorted(c.parameters)} for c in self.calls])

    async def _show_app(self, request: Request) -> Response:
        url = request.query_params.get("url", "")
        if urlsplit(url).scheme not in ("http", "https"):
            return JSONResponse({"error": "url is no web address"}, 400)
        return HTMLResponse(get_app_page(self.title, url), headers={"cache-control": "no-store"})

    async def _spring_trap(self, request: Request) -> Response:
        self.calls.append(Call("trap", {}))
        return JSONResponse({})


class _CrashRecorder:
    """Middleware that notes an endpoint's exception and the place that raised it, and lets it pass."""

    def __init__(self, app: ASGIApp, crashes: deque[str]) -> None:
        self._app, self._crashes = app, crashes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self._crashes.append(f"{type(error).__name__}: {error} in {frame.name}, {frame.filename}:{frame.lineno}")
            raise
