"""SIGHUP: the service reads its configuration again, without refusing a connection.

A single process finishes its requests and replaces itself; its socket stays open, so connections wait meanwhile. With
several workers, `supervisor` replaces them one by one. A configuration that cannot be used changes nothing: the service
goes on with the old one and logs `reload_refused`.
"""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from connect_core.errors import ConnectError

LISTENER = "CONNECT_LISTENER"
"""Environment variable with the number of the socket that a process hands to the one that replaces it."""
MANAGEMENT_LISTENER = "CONNECT_MANAGEMENT_LISTENER"
"""The same for the socket of the management port."""
log = logging.getLogger("connect_login")


def find_inherited_listener(variable: str = LISTENER) -> socket.socket | None:
    """Return the socket of the process that this one has replaced, or None for a first start."""
    inherited = os.environ.pop(variable, "")
    return socket.socket(fileno=int(inherited)) if inherited else None


def run_reloadable(
    config: uvicorn.Config,
    check: Callable[[], None],
    listener: socket.socket,
    management: socket.socket | None = None,
) -> None:
    """Serve on `listener` with one process that SIGHUP replaces, unless `check` raises a `ConnectError`.

    The socket `management`, on which `config` serves too, is handed over as well.
    """
    handed_over = {LISTENER: listener, MANAGEMENT_LISTENER: management}
    kept = {name: socket_.dup() for name, socket_ in handed_over.items() if socket_}  # uvicorn closes its own
    server, is_reloading = uvicorn.Server(config), threading.Event()

    def reload() -> None:
        if is_usable(check):
            is_reloading.set()
            server.should_exit = True

    if sys.platform != "win32":
        # in a thread: a check takes longer than the event loop may be blocked
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=reload, daemon=True).start())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # which the process before this one held back
    with suppress(KeyboardInterrupt):  # as `uvicorn.run`: Ctrl-C has ended the server already
        server.run([listener])
    if is_reloading.is_set():
        for name, socket_ in kept.items():
            socket_.set_inheritable(True)
            os.environ[name] = str(socket_.fileno())
        if sys.platform != "win32":  # until the new process handles it: another SIGHUP would end it while it starts
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command line, no shell


def is_usable(check: Callable[[], None]) -> bool:
    """Tell whether `check` raises no `ConnectError`; log what it says, line by line, without a traceback."""
    try:
        check()
    except ConnectError as error:
        log.error("reload_refused", extra={"reason": str(error)})
        return False
    return True
