"""Limits the size of a request's line and headers, which uvicorn's httptools parser does not."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connect_core.limits import REQUEST_HEAD_LIMIT


class BoundedProtocol(HttpToolsProtocol):
    """Answers 400 to a request whose line and headers are larger than 64 KiB, and closes the connection."""

    _head = 0
    _is_in_head = False

    def data_received(self, data: bytes) -> None:
        """Parse `data`; while the head is not complete, count every byte received as part of it."""
        super().data_received(data)
        if self._is_in_head:
            self._head += len(data)
            if self._head > REQUEST_HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("the request's head is too large")

    def on_message_begin(self) -> None:
        """Start counting: a connection carries several requests."""
        self._head, self._is_in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting, since the body follows, and check the size of a head that came in one piece."""
        self._is_in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > REQUEST_HEAD_LIMIT:
            raise ValueError("the request's head is too large")  # the parser answers 400
        super().on_headers_complete()
