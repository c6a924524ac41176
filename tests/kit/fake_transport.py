"""A transport in place of the network: a test answers the pool's calls, httpx's requests, with httpx's responses."""

import httpx

from connect_core.http import Answer, Request


class FakeTransport:
    """What `HttpPool(transport=...)` takes."""

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a call."""
        raise NotImplementedError

    async def send(self, request: Request) -> Answer:
        """Translate."""
        call = httpx.Request(request.method, str(request.url), headers=request.headers, content=request.content)
        response = await self.answer(call)
        return Answer(response.status_code, response.headers, await response.aread())

    async def aclose(self) -> None:
        """Nothing is open."""
