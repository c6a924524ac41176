"""A page that grows while something is done: it is sent in parts, each as soon as it is there, and needs no script."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

MARK = "<!--results-->"
"""Where the parts stand in the template of the page."""


def send_in_parts(page: Response, parts: AsyncIterator[Response]) -> Response:
    """Answer `page` as far as its `MARK`, then the content of each of `parts`, then the rest of the page."""
    head, _, tail = bytes(page.body).partition(MARK.encode())

    async def stream() -> AsyncIterator[bytes]:
        yield head
        async for part in parts:
            yield bytes(part.body)
        yield tail

    answer = StreamingResponse(stream())
    answer.raw_headers = [(name, value) for name, value in page.raw_headers if name != b"content-length"]
    # nginx would otherwise keep the parts until the page is complete
    answer.headers["x-accel-buffering"] = "no"
    return answer
