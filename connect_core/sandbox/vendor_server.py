"""A vendor's double: what every sandbox has, whoever its vendor is."""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.identity import ClientType
from connect_core.sandbox.faults import MISFIRED, TRANSPORT_FAULTS, Fault, FaultScript, play


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at the vendor. The vendor's ids follow from `key` alone."""

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
    """A request that the sandbox got: the vendor's operation and its parameters."""

    operation: str
    parameters: Mapping[str, str] = field(repr=False)


class Sandbox(ABC):
    """A vendor's double. Subclasses give routes, settings and what a phone's SDK would hand over.

    `own_faults` are the words of the fault script that a subclass plays itself, besides `TRANSPORT_FAULTS`.
    """

    title: ClassVar[str]
    own_faults: ClassVar[Collection[str]] = ()

    def __init__(self, *, people: Sequence[Person] = PEOPLE, now: Callable[[], float] = time.time) -> None:
        """`now` answers seconds since the epoch; tests move it."""
        self.people = {person.key: person for person in people}
        self.now = now
        self.faults = FaultScript(self.own_faults)
        self.calls: deque[Call] = deque(maxlen=10_000)

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The vendor's endpoints, relative to where the sandbox is mounted."""

    @abstractmethod
    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """The provider settings that make `client_type` talk to this sandbox at `base_url` (no slash at the end)."""

    @abstractmethod
    def hand_over(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """What a mini program or native SDK hands the shop once `person` agreed: the body of the token request.

        `login_url` is what `login-url` answered, for SDKs that want one.
        """

    def get_untrusted(self) -> Collection[str]:
        """Those of `own_faults` after which an answer must not be believed; the contract tries each.

        `swapped_id` is tried on the call for the profile, any other on the call that names the person.
        """
        return [fault for fault in self.own_faults if fault in ("missing_id", "unsigned", "wrong_sign")]

    def get_outcomes(self) -> Mapping[str, str]:
        """What the vendor's own errors are to us: value of the fault `error` = our code; the contract tries each."""
        return {}

    def find_person(self, key: str) -> Person:
        """Return the person, made up on the spot when nobody has that `key`."""
        return self.people.get(key) or Person(key, key)

    def called(self, operation: str) -> int:
        """How many requests there were for `operation`."""
        return sum(call.operation == operation for call in self.calls)

    async def answer(
        self, operation: str, parameters: Mapping[str, str], reply: Callable[[Fault | None], Response]
    ) -> Response:
        """Note the call and reply; a transport fault is played here, any other is handed to `reply`."""
        self.calls.append(Call(operation, dict(parameters)))
        fault = self.faults.take(operation)
        if fault is None or fault.kind not in TRANSPORT_FAULTS:
            return reply(fault)
        try:
            return await play(fault, lambda: reply(None), parameters)
        except LookupError:
            self.faults.misfired.append(fault)
            return Response(MISFIRED, 500)

    def consent_page(self, request: Request, *, app: str, scope: str) -> HTMLResponse:
        """The page on which a person decides; it posts `person` and `decision` (`agree`, `refuse`) to its address."""
        choices = "".join(
            f'<label><input type="radio" name="person" value="{escape(p.key)}"{" checked" if not n else ""}> '
            f"{escape(p.nickname)} <small>{escape(p.key)}</small></label>"
            for n, p in enumerate(self.people.values())
        )
        return HTMLResponse(
            _CONSENT.format(title=escape(self.title), app=escape(app), scope=escape(scope), choices=choices),
            headers={"cache-control": "no-store"},
        )

    def app(self) -> Starlette:
        """The sandbox as an ASGI application: vendor's routes, `POST /_sandbox/faults`, `GET /_sandbox/calls`."""
        return Starlette(
            routes=[
                *self.routes(),
                Route("/_sandbox/faults", self._take_fault_order, methods=["POST"]),
                Route("/_sandbox/calls", self._tell_calls, methods=["GET"]),
            ]
        )

    async def _take_fault_order(self, request: Request) -> Response:
        try:
            order = await request.json()
            times = int(order.get("times", 1))
            self.faults.add(order["kind"], order.get("value", ""), on=order.get("on", "*"), times=times)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        except (AttributeError, KeyError, TypeError):
            return JSONResponse({"error": "give an object with kind and, as needed, value, on, times"}, 400)
        return JSONResponse({"waiting": self.faults.unused}, 201)

    async def _tell_calls(self, request: Request) -> Response:
        return JSONResponse([{"operation": c.operation, "parameters": sorted(c.parameters)} for c in self.calls])


_CONSENT = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
<style>
body{{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f3f5f8;color:#1b2733}}
main{{max-width:24rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:1rem;box-shadow:0 .5rem 2rem #0001}}
h1{{font-size:1.25rem;margin:0 0 .25rem}} p{{margin:.25rem 0 1rem;color:#5b6b7b}}
label{{display:block;padding:.6rem 0;border-bottom:1px solid #e8ecf0}} small{{color:#8796a5}}
input[type=text]{{width:100%;box-sizing:border-box;padding:.5rem;margin-top:.25rem;font:inherit}}
button{{width:100%;padding:.75rem;margin-top:1rem;border:0;border-radius:.5rem;font:inherit;background:#1677ff;color:#fff}}
button[value=refuse]{{background:#e8ecf0;color:#1b2733}}
</style>
<main><h1>{title}</h1><p>{app} 申请获得您的信息 · asks for <code>{scope}</code></p>
<form method="post">{choices}
<label>其他人 / somebody else<input type="text" name="somebody" maxlength="32" placeholder="name"></label>
<button name="decision" value="agree">同意 / Agree</button>
<button name="decision" value="refuse">拒绝 / Refuse</button>
</form></main></html>
"""
