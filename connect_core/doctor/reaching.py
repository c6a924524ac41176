"""Asks the service at its public address which instance it is, as `web.instance` answers it."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from connect_core.doctor.proof import MARK_COOKIE, PATH, Prover
from connect_core.errors import ConnectError, ProviderFault
from connect_core.http import Answer, Http, parse_object

FORGED_ADDRESS = "192.0.2.77"
"""An address that nobody has (RFC 5737), which a client writes into `X-Forwarded-For`."""


@dataclass(frozen=True, slots=True)
class InstanceReply:
    """What came back from one address. `content` is empty unless it is a JSON object.

    `trouble` says what kept the call from an answer: `dns`, `connect`, `tls`, `timeout`, or `http` for an answer that
    is none; it is empty for an answer, whose `status` is not 0.
    """

    address: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    content: dict[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def base(self) -> str:
        """The address without the path of the question."""
        return self.address.removesuffix(PATH)

    @property
    def is_connect_login(self) -> bool:
        """Whether a connect-login answers at this path."""
        return self.content.get("service") == "connect-login"

    @property
    def is_lost_connect_login(self) -> bool:
        """Whether a connect-login answers that does not know this path."""
        return self.status == 404 and {"code", "request_id"} <= self.content.keys()

    @property
    def is_ours(self) -> bool:
        """Whether it is a service with one of our keys, and it answered this very question."""
        return bool(set(self.codes) & set(self.content.get("codes") or ()))

    @property
    def is_stale(self) -> bool:
        """Whether it is the answer to another question than ours: a cache gave it."""
        return self.is_connect_login and bool(self.content.get("codes")) and not self.is_ours

    @property
    def request(self) -> dict[str, Any]:
        """How the request arrived at the service."""
        return dict(self.content.get("request") or {})

    @property
    def where(self) -> str:
        """Where a redirect leads, without its query."""
        parts = urlsplit(self.headers.get("location", ""))
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.hostname else parts.path


class Asker:
    """Asks addresses with the codes of one key ring."""

    def __init__(self, http: Http, prover: Prover) -> None:
        self._http, self._prover = http, prover

    async def ask(self, base: str, *, nonce: str = "", forwarded_for: str = "") -> InstanceReply:
        """Ask the service below `base`, an origin with or without a path. `nonce` repeats an earlier question."""
        nonce = nonce or secrets.token_hex(16)
        parameters = {"nonce": nonce, "codes": self._prover.make_question(nonce)}
        headers = {"accept": "application/json", "cookie": f"{MARK_COOKIE}=1", "authorization": "Bearer doctor"}
        if forwarded_for:
            headers["x-forwarded-for"] = forwarded_for
        address = base + PATH
        try:
            answer = await self._http.get(address, params=parameters, headers=headers)
        except ProviderFault as fault:
            return InstanceReply(address, trouble=fault.trouble or "http")
        return InstanceReply(
            address,
            answer.status,
            {name.lower(): value for name, value in answer.headers.items()},
            tuple(value for name, value in answer.headers.items() if name.lower() == "set-cookie"),
            _parse(answer),
            tuple(self._prover.make_answer(nonce)),
        )


def _parse(answer: Answer) -> dict[str, Any]:
    try:
        return parse_object(answer.content.decode("utf-8"))
    except (ConnectError, UnicodeDecodeError):
        return {}
