"""The server of the sandboxes: it starts, stops, and says when it cannot."""

import threading
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from connect_core.sandbox import sandbox_app, serving

from ..kit.plain_sandbox import PlainSandbox, ask
from ..kit.ports import free_port


def test_serving_starts_and_stops_ten_times_in_a_row() -> None:
    """Afterwards nobody listens and no thread is left."""
    before = threading.active_count()
    for _ in range(10):
        with serving(sandbox_app({"acme": PlainSandbox()})) as base:
            assert urlsplit(base).hostname == "127.0.0.1"
            assert ask(f"{base}/acme/user").status == 200
        with pytest.raises(ConnectionRefusedError):
            ask(base)
    assert threading.active_count() <= before  # those of other tests may end meanwhile


def test_serving_takes_the_port_it_is_given() -> None:
    """A port of one's own, or an error when it is taken."""
    port = free_port()
    with serving(PlainSandbox().app(), port=port) as base:
        assert base == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match="in use"), serving(PlainSandbox().app(), port=port):
            pytest.fail("two servers on one port")


def test_serving_stops_when_the_work_fails() -> None:
    """The error of what was done with the server is what comes out."""
    served = []

    def work() -> None:
        with serving(PlainSandbox().app()) as base:
            served.append(base)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        work()
    with pytest.raises(ConnectionRefusedError):
        ask(served[0])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # uvicorn leaves by SystemExit
def test_an_application_that_does_not_start_is_told() -> None:
    """Nobody waits for, or talks to, a server that never was."""

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise OSError("no database")

    with pytest.raises(RuntimeError, match="did not start"), serving(broken):
        pytest.fail("there is no server")
