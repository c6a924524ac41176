"""Sends the requests of the clients: addresses, tokens, JSON, and refusals as errors with their code."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from connect_login_client.models import ErrorCode, Problem

TIMEOUT = 15.0
"""Seconds that a request may take: the service waits eight for a vendor."""


class Refusal(Exception):
    """The service refuses a request. Show texts by `code`, and give `request_id` to your support.

    `retry_after` says after how many seconds to try again, where the service says so. `problem` is the whole answer,
    such as `reauthenticate_url` of a login that is too old.
    """

    def __init__(self, problem: Problem, retry_after: int | None) -> None:
        super().__init__(f"the service answers {problem['status']} {problem['code']}")
        self.status: int = problem["status"]
        self.code: ErrorCode = problem["code"]
        self.request_id: str = problem["request_id"]
        self.retry_after = retry_after
        self.problem = problem


class UnexpectedAnswer(Exception):
    """The answer is none of connect-login, such as the error page of a proxy in front."""

    def __init__(self, status: int) -> None:
        super().__init__(f"an answer with status {status} that is not the service's")
        self.status = status


def fill(path: str, *values: str) -> str:
    """Return a path with these values in place of its braces."""
    return path.format(*(quote(value, safe="") for value in values))


class _Requests:
    """What both clients have in common."""

    def __init__(self, base_url: str, prefix: str, access_token: str) -> None:
        self.access_token = access_token
        self._address = f"{base_url.rstrip('/')}{prefix}"

    def _make(self, method: str, path: str, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None) -> Any:
        headers = {"accept": "application/json"}
        if self.access_token:
            headers["authorization"] = f"Bearer {self.access_token}"
        return {
            "method": method,
            "url": self._address + path,
            "headers": headers,
            "params": _leave_out(query) if query else None,
            "json": _leave_out(body) if body is not None else None,
        }


def _leave_out(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _read(response: httpx.Response) -> Any:
    """Return the body of an answer, None without one. Raises `Refusal` and `UnexpectedAnswer`."""
    if response.status_code == 204:
        return None
    media = response.headers.get("content-type", "").partition(";")[0]
    if response.is_success and media == "application/json":
        return response.json()
    if media != "application/problem+json":
        raise UnexpectedAnswer(response.status_code)
    seconds = response.headers.get("retry-after", "")
    raise Refusal(response.json(), int(seconds) if seconds.isdecimal() else None)


class Transport(_Requests):
    """A client for blocking code. Use it as a context manager, or call `close` at the end."""

    def __init__(
        self, base_url: str, *, prefix: str = "/connect", access_token: str = "", http: httpx.Client | None = None
    ) -> None:
        """Prepare calls of the service at `base_url`, such as `https://shop.example`.

        `prefix` is where its routes begin. `access_token` is the member's: set the attribute after a login and after
        each refresh. `http` replaces the HTTP client, which keeps the cookies.
        """
        super().__init__(base_url, prefix, access_token)
        self._http = http or httpx.Client(timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        return _read(self._http.request(**self._make(method, path, query, body)))


class AsyncTransport(_Requests):
    """A client for asynchronous code. Use it as a context manager, or call `close` at the end."""

    def __init__(
        self, base_url: str, *, prefix: str = "/connect", access_token: str = "", http: httpx.AsyncClient | None = None
    ) -> None:
        """Prepare calls, as `Transport` does."""
        super().__init__(base_url, prefix, access_token)
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Any:
        return _read(await self._http.request(**self._make(method, path, query, body)))
