"""A relay before a PostgreSQL server or a pooler that notes what its clients send: parameters and statements."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from struct import unpack

from sqlalchemy import make_url

from .ports import free_port

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


@dataclass(slots=True)
class Sent:
    """What the clients sent: the names of start-up parameters, each statement, and the names of prepared statements."""

    parameters: set[str] = field(default_factory=set)
    statements: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def note(self, kind: bytes, content: bytes) -> None:
        """Note a message of a client: `Q` is a query, `P` a statement to be parsed, with a name or without."""
        name, _, rest = content.partition(b"\0")
        if kind == b"P":
            self.names.add(name.decode())
        if kind in (b"P", b"Q"):
            self.statements.append((rest.partition(b"\0")[0] if kind == b"P" else name).decode())


@contextmanager
def recording(database_url: str) -> Iterator[tuple[str, Sent]]:
    """The address of the same server through the relay, and what is sent to it."""
    url, sent, port = make_url(database_url), Sent(), free_port()
    with socket.create_server(("127.0.0.1", port)) as listener:
        target = (str(url.host), int(url.port or 5432))
        threading.Thread(target=_accept, args=(listener, target, sent), daemon=True).start()
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False), sent


def _accept(listener: socket.socket, target: tuple[str, int], sent: Sent) -> None:
    with suppress(OSError):  # closed at the end of the test
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(target)
            threading.Thread(target=_relay, args=(server, client), daemon=True).start()
            threading.Thread(target=_note_all, args=(client, server, sent), daemon=True).start()


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError), source, sink:
        while received := source.recv(65536):
            sink.sendall(received)


def _note_all(client: socket.socket, server: socket.socket, sent: Sent) -> None:
    with suppress(OSError, EOFError), client, server:
        while True:  # the start has no kind, and may be a question for encryption before it
            content = _pass_on(client, server)
            if unpack("!I", content[:4])[0] not in (SSL_REQUEST, GSS_REQUEST):
                sent.parameters |= {name.decode() for name in content[4:].split(b"\0")[:-1:2] if name}
                break
        while kind := client.recv(1):
            server.sendall(kind)
            sent.note(kind, _pass_on(client, server))


def _pass_on(client: socket.socket, server: socket.socket) -> bytes:
    head = _read(client, 4)
    content = _read(client, unpack("!I", head)[0] - 4)
    server.sendall(head + content)
    return content


def _read(client: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        if not (more := client.recv(count - len(received))):
            raise EOFError
        received += more
    return received
