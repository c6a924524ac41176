"""A receiver of webhooks on loopback: notes what it gets, verifies it, and answers as the test says."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
OTHER_SECRET = "whsec_" + "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The header `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def content(self) -> dict[str, Any]:
        """The body."""
        content: dict[str, Any] = json.loads(self.body)
        return content


Answer = Callable[[Call], tuple[int, dict[str, str]]]


def take(_: Call) -> tuple[int, dict[str, str]]:
    """Answer 204."""
    return 204, {}


@dataclass
class Receiver:
    """A running receiver; `calls` are all that came, `taken` those that were answered with 2xx."""

    url: str = ""
    answer: Answer = take
    calls: list[Call] = field(default_factory=list)
    taken: list[Call] = field(default_factory=list)

    def types(self) -> list[str]:
        """The types of the events that were taken."""
        return [str(call.content["type"]) for call in self.taken]

    def wait_for(self, count: int, seconds: float = 10) -> None:
        """Return once so many calls were taken; fails after `seconds`."""
        end = time.monotonic() + seconds
        while len(self.taken) < count:
            assert time.monotonic() < end, f"{len(self.taken)} of {count} came"
            time.sleep(0.01)


def status(code: int, **headers: str) -> Answer:
    """Answer always with a status; `retry_after="3"` is the header `Retry-After`."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (code, sent)


@contextmanager
def receiving(answer: Answer = take) -> Iterator[Receiver]:
    """Run a receiver on a free port."""
    receiver = Receiver(answer=answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            call = Call({name.lower(): value for name, value in self.headers.items()}, body)
            receiver.calls.append(call)
            code, headers = receiver.answer(call)
            if 200 <= code < 300:
                receiver.taken.append(call)
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def endpoint(receiver: Receiver, **settings: Any) -> dict[str, Any]:
    """The table `[webhooks.NAME]` of an endpoint that leads to a receiver."""
    return {"url": receiver.url, "secrets": [SECRET], "allow_private": True, **settings}
