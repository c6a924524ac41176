"""How a connection is read: its head is limited, and one that has just come is not cut when the process stops."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connect_core.limits import REQUEST_HEAD_LIMIT

FIRST_REQUEST_SECONDS = 0.5
"""How long a stopping process waits for the first request of a connection that it has accepted."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 400 to a request whose line and headers are larger than 64 KiB, and closes the connection.

    A connection on which no request has come yet is read for a moment longer when the process stops. Its client has
    only just connected, and cannot know that it has to try again, as it does on a connection that it has used before
    (RFC 9112 §9.3.1).
    """

    _head = 0
    _is_in_head = False
    _has_request = False

    def data_received(self, data: bytes) -> None:
        """Parse `data`; while the head is not complete, count every byte received as part of it."""
        super().data_received(data)
        if self._is_in_head:
            self._head += len(data)
            if self._head > REQUEST_HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("the request's head is too large")

    def on_message_begin(self) -> None:
        """Start counting: a connection carries several requests."""
        self._head, self._is_in_head, self._has_request = 0, True, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting, since the body follows, and check the size of a head that came in one piece."""
        self._is_in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > REQUEST_HEAD_LIMIT:
            raise ValueError("the request's head is too large")  # the parser answers 400
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Close the connection, once what it was opened for has been answered."""
        if not self._has_request and not self.transport.is_closing():
            self.loop.call_later(FIRST_REQUEST_SECONDS, super().shutdown)
        else:
            super().shutdown()
