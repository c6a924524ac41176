"""`DescribedRequest`: a request of a recorded login in the words of a vendor's documentation, without secrets.

Reads what was recorded, and prints nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connect_core.cli.plugin.masking import SHORTEST, Masks
from connect_core.cli.plugin.recording import Exchange, Recording
from connect_core.cli.plugin.vendor_addresses import find_vendor_addresses
from connect_core.http import Answer
from connect_core.identity import ClientType
from connect_core.providers.provider import Entrance
from connect_core.providers.redaction import PUBLIC_PARAMETERS

_TRANSPORT_HEADERS = {"accept-encoding", "connection", "content-length", "host", "user-agent"}
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DescribedRequest:
    """One request of a login.

    - `sender`: `shop` (the login service), `browser`, or `client` (an app, a mini program, or a page with an SDK).
    - `operation`: the sandbox's name of the endpoint; for the others `authorize`, `callback`, `login-url` or `post`.
    - `url`: without query; the vendor's where the provider states it, else the sandbox's.
    - `query`, `headers`: by name. `body`: a form's or an object's members by name, or a text.
    - `body_kind`: `form`, `json`, `text`, or empty without a body.
    - `status`: the HTTP status of the answer; None where no answer was seen.
    - `answer`: the paths of the members of the answer, such as `data.user.id`, without those that are null.
    """

    sender: str
    operation: str
    method: str = ""
    url: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    body_kind: str = ""
    status: int | None = None
    answer: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DescribedLogin:
    """The requests of one login, in order.

    `error` says why it failed, and is empty when it did not. `lost` says what a login that worked went without, such as
    a profile, and why.
    """

    plugin: str
    client: ClientType
    entrance: Entrance
    requests: tuple[DescribedRequest, ...]
    error: str
    lost: str = ""


def describe_login(recording: Recording) -> DescribedLogin:
    """Return the requests of `recording` with the vendor's addresses and without secrets."""
    reader = _Reader(recording)
    client_requests = list(reader.describe_client())
    requests = list(reader.describe_exchanges())
    start = recording.find_call("get_login_url")
    sent_before = start.sent_before if start else 0
    return DescribedLogin(
        recording.plugin.name,
        recording.client,
        recording.entrance,
        (*requests[:sent_before], *client_requests, *requests[sent_before:]),
        reader.masks.apply_to_text(recording.error),
        reader.masks.apply_to_text(recording.lost),
    )


class _Reader:
    """Describes the requests of one recording."""

    def __init__(self, recording: Recording) -> None:
        self.masks = _make_masks(recording)
        self._recording = recording
        self._addresses = find_vendor_addresses(recording)

    def describe_exchanges(self) -> Iterator[DescribedRequest]:
        """Yield what the login service sent. A value of an answer is known by its name in the requests after it."""
        for exchange, url in zip(self._recording.exchanges, self._addresses.requests, strict=True):
            yield self._describe(exchange, url)
            if exchange.answer:
                self.masks.learn_answer(_parse_answer(exchange.answer))

    def _describe(self, exchange: Exchange, url: str) -> DescribedRequest:
        request = exchange.request
        kind, body = _parse_body(request.content, request.headers)
        return DescribedRequest(
            "shop",
            exchange.operation,
            request.method,
            url or str(request.url.with_query(None)),
            self.masks.apply(dict(parse_qsl(request.url.raw_query_string, keep_blank_values=True))),
            {
                name.lower(): self.masks.apply_to_header(name, value)
                for name, value in request.headers.items()
                if name.lower() not in _TRANSPORT_HEADERS
            },
            self.masks.apply(body),
            kind,
            exchange.answer.status if exchange.answer else None,
            tuple(dict.fromkeys(_find_paths(_parse_answer(exchange.answer)))) if exchange.answer else (),
        )

    def describe_client(self) -> Iterator[DescribedRequest]:
        """Yield what the client sends: where the login begins, and how it comes back."""
        recording, masks = self._recording, self.masks
        start = recording.find_call("get_login_url")
        login_url = str(start.returned or "") if start else ""
        if login_url and not recording.entrance.is_ticketed:
            parts = urlsplit(login_url)
            url = self._addresses.login_url or f"{parts.scheme}://{parts.netloc}{parts.path}"
            yield DescribedRequest("browser", "authorize", "GET", url, masks.apply(_parse_query(parts.query)))
        elif login_url:
            yield DescribedRequest("client", "login-url", body=masks.apply(_parse_query(login_url) or login_url))
        yield from self._describe_return()

    def _describe_return(self) -> Iterator[DescribedRequest]:
        recording, masks = self._recording, self.masks
        start, callback = recording.find_call("get_login_url"), recording.find_call("login_callback")
        if recording.callback_url:
            parts = urlsplit(recording.callback_url)
            url = f"{parts.scheme}://{parts.netloc}{parts.path}"
            yield DescribedRequest("browser", "callback", "GET", url, masks.apply(_parse_query(parts.query)))
        elif recording.posted:
            body = masks.apply(dict(recording.posted))
            yield DescribedRequest("client", "post", "POST", recording.posted_to, body=body, body_kind="json")
        elif start and callback:
            url, form = start.arguments[0].redirect_uri, dict(callback.arguments[0].parameters)
            yield DescribedRequest("browser", "callback", "POST", url, body=masks.apply(form), body_kind="form")


def _make_masks(recording: Recording) -> Masks:
    """Return the names of what the core knows: secret settings, and the state, code and the like of this login."""
    settings = {value for value in recording.settings.values() if isinstance(value, str)}
    masks = Masks(frozenset(settings - set(recording.secrets.values())))
    masks.learn(recording.secrets)
    masks.learn(_get_long(recording.posted))
    for call in recording.calls:
        argument = call.arguments[0]
        for name in ("state", "nonce", "code_challenge", "code", "code_verifier"):
            masks.learn({name: getattr(argument, name, "")})
        parameters = getattr(argument, "parameters", {})
        masks.learn(_get_long({name: parameters[name] for name in parameters.keys() - PUBLIC_PARAMETERS}))
    return masks


def _get_long(values: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is too short for a code or a token."""
    return {name: value for name, value in values.items() if len(value) >= SHORTEST}


def _parse_query(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True)) if "=" in query else {}


def _parse_body(content: bytes | None, headers: Mapping[str, str]) -> tuple[str, Any]:
    if content is None:
        return "", None
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    text = content.decode("utf-8", "replace")
    if "form-urlencoded" in kind:
        return "form", dict(parse_qsl(text, keep_blank_values=True))
    try:
        return "json", json.loads(text)
    except ValueError:
        return "text", text


def _parse_answer(answer: Answer) -> Any:
    """Return the JSON or the form in an answer, with whatever stands around it removed; None for anything else."""
    text = answer.content.decode("utf-8", "replace")
    if wrapped := _OBJECT.search(text):
        try:
            return json.loads(wrapped[0], strict=False)
        except ValueError:
            return None
    return _parse_query(text) or None


def _find_paths(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of members. One that is null is absent."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _find_paths(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _find_paths(inner, f"{path}[]")
    elif path and value is not None:
        yield path
