"""Ports of this machine for servers that a test starts in processes of their own."""

import random
import socket
from contextlib import closing

# the kernel gives connections and listeners that name no port those from 32768 on, so none of them takes one of ours
FIRST, LAST = 15_000, 31_999

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens to, and that nobody gets who does not ask for it by its number."""
    while True:
        port = random.randint(FIRST, LAST)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    try:
        with closing(socket.create_server(("127.0.0.1", port))):
            return True
    except OSError:
        return False
