"""`Recorder`: counts the calls of a shop to its vendors, and remembers every secret in them.

It takes the place of the pool's transport. Changes no request or answer, and keeps no body.
"""

import base64
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from connect_core.http import Answer, Network, Request

_SENT = re.compile(r"(code|state|token|secret|verifier|nonce|assertion|sign|signature|ticket)$", re.IGNORECASE)
_ANSWERED = re.compile(rb"""(?:token|secret|session_key)"?\s*[:=]\s*"?([\w.~+/=-]{8,})""", re.IGNORECASE)
_MEMBER = re.compile(r'"(\w+)"\s*:\s*"([^"]+)"')


class Recorder(Network):
    """A transport that sends requests as usual and remembers what no log may show.

    `calls` is the number of requests; `secrets` are the codes, states, tokens, client secrets and signatures in them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.secrets: set[str] = set()

    async def send(self, request: Request) -> Answer:
        """Send the request and return the vendor's answer."""
        self.calls += 1
        body = (request.content or b"").decode("utf-8", "replace")
        self.secrets |= {value for name, value in _pairs(str(request.url), body) if is_secret(name, value)}
        self.secrets |= set(_credentials(request.headers.get("authorization", "")))
        answer = await super().send(request)
        self.secrets |= {value.decode() for value in _ANSWERED.findall(answer.content[-8192:])}
        return answer


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
