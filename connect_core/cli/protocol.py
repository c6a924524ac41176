"""HTTP/1.1 with a limit: uvicorn's fast parser reads request lines and headers of any size."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 32 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """Answers 400 to a request whose line and headers pass 32 KiB, and closes the connection."""

    _head = 0
    _is_in_head = False

    def data_received(self, data: bytes) -> None:
        """Take what came; of a head that is still not whole, all of it counts."""
        super().data_received(data)
        if self._is_in_head:
            self._head += len(data)
            if self._head > HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("the request's head is too large")

    def on_message_begin(self) -> None:
        """Count anew for every request of the connection."""
        self._head, self._is_in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Count no further: what follows is the body."""
        self._is_in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_LIMIT:
            raise ValueError("the request's head is too large")  # the parser makes an answer 400 of it
        super().on_headers_complete()
