"""`Recorder`: the transport between a shop under test and its vendors. It records the calls and every secret in them.

It takes the place of the pool's transport. It changes an answer only where a rule asked for it, and never a request.
"""

import base64
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from yarl import URL

from connect_core.http import Answer, Network, Request
from connect_core.sandbox.faults import FaultMisfired, replace_value

_SENT = re.compile(r"(code|state|token|secret|verifier|nonce|assertion|sign|signature|ticket)$", re.IGNORECASE)
_ANSWERED = re.compile(rb"""(\w*token|\w*secret|session_key)"?\s*[:=]\s*"?([\w.~+/=-]{8,})""", re.IGNORECASE)
_MEMBER = re.compile(r'"(\w+)"\s*:\s*"([^"]+)"')


class Recorder(Network):
    """A transport that sends requests as usual and remembers what no log may show.

    - `calls`: the number of requests; `exchanges`: the last of them, each with its answer.
    - `secrets`: the codes, states, tokens, client secrets and signatures in them, each with what it is.
    - `replacements`: texts or numbers in answers, each with the JSON value that takes its place; `replaced` is the
      number of answers that had one of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.exchanges: deque[tuple[Request, Answer]] = deque(maxlen=1000)
        self.secrets: dict[str, str] = {}
        self.replacements: Mapping[str, str] = {}
        self.replaced = 0

    async def send(self, request: Request) -> Answer:
        """Send the request and return the vendor's answer."""
        self.calls += 1
        body = (request.content or b"").decode("utf-8", "replace")
        sent = _pairs(str(request.url), body)
        self._note((f"the {name} of a request", value) for name, value in sent if is_secret(name, value))
        credentials = _credentials(request.headers.get("authorization", ""))
        self._note(("a credential in Authorization", value) for value in credentials)
        answer = self._replace(await self.deliver(request))
        self.exchanges.append((request, answer))
        received = _ANSWERED.findall(answer.content[-8192:])
        self._note((f"the {name.decode()} of an answer", value.decode()) for name, value in received)
        return answer

    def _note(self, pairs: Iterable[tuple[str, str]]) -> None:
        for kind, value in pairs:
            self.secrets.setdefault(value, kind)

    async def deliver(self, request: Request) -> Answer:
        """Return the vendor's answer to the request."""
        return await super().send(request)

    def _replace(self, answer: Answer) -> Answer:
        content = answer.content
        for old, new in self.replacements.items():
            try:
                content = replace_value(content, old, new)
            except FaultMisfired:
                continue
            self.replaced += 1
        return replace(answer, content=content)


class VendorRecorder(Recorder):
    """A recorder for a provider that has the vendor's own addresses: it delivers every request to the sandbox.

    `answers` may return an answer in place of the sandbox's; None asks the sandbox.
    """

    def __init__(self, locate: Callable[[str], str]) -> None:
        """`locate` returns the path of the sandbox that stands for a vendor's address."""
        super().__init__()
        self.locate = locate
        self.base_url = ""
        self.answers: Callable[[Request], Answer | None] = lambda _: None

    async def deliver(self, request: Request) -> Answer:
        """Return the answer of `answers`, or the sandbox's."""
        answer = self.answers(request)
        if answer is not None:
            return answer
        return await super().deliver(replace(request, url=URL(self.to_sandbox(str(request.url)), encoded=True)))

    def to_sandbox(self, url: str) -> str:
        """Return the address at which the sandbox stands for the vendor's `url`, with the same query."""
        query = urlsplit(url).query
        return f"{self.base_url}{self.locate(url)}{query and f'?{query}'}"


def is_secret(name: str, value: str) -> bool:
    """Return True when the parameter `name` holds a secret. A value below 8 characters is a word such as `code`."""
    return len(value) >= 8 and _SENT.search(name) is not None


def _pairs(url: str, body: str) -> Iterator[tuple[str, str]]:
    yield from parse_qsl(urlsplit(url).query)
    yield from parse_qsl(body)
    yield from _MEMBER.findall(body)


def _credentials(header: str) -> Iterator[str]:
    kind, _, value = header.partition(" ")
    if value:
        yield value
    if kind.lower() == "basic":
        yield base64.b64decode(value).decode().partition(":")[2]
