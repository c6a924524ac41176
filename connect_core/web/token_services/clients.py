"""Who asks about a token: the client id and secret of a request, compared with `[resource_servers]`.

Both ways of RFC 6749 §2.3.1 are taken, `client_secret_basic` and `client_secret_post`. Never counts attempts.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote_plus

from starlette.requests import Request

from connect_core.crypto import token_hash
from connect_core.errors import BadRequest, ClientInvalid
from connect_core.providers.parameters import ReceivedParameters
from connect_core.settings import ResourceServer

METHODS = ("client_secret_basic", "client_secret_post")
"""How a client may authenticate, as RFC 8414 names it."""


class ResourceServers:
    """The configured resource servers. Keeps hashes of equal length, so that a comparison takes always as long."""

    def __init__(self, servers: Mapping[str, ResourceServer]) -> None:
        self._hashes = {name: token_hash(server.client_secret.get_secret_value()) for name, server in servers.items()}
        self._nobody = token_hash(secrets.token_hex(32))

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._hashes)

    def authenticate(self, request: Request, form: ReceivedParameters) -> bool:
        """Tell whether the sender has proved to be a resource server; False where it says nothing of who it is.

        Raises `ClientInvalid` for a wrong id or secret, and `BadRequest` for one that comes in both ways.
        """
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        is_basic = scheme.lower() == "basic"
        if is_basic and secret:
            raise BadRequest("a client authenticates in one way only")
        if is_basic:
            self._compare([pair for pair in _read_basic(basic) if client_id in ("", pair[0])])
        elif secret:
            self._compare([(client_id, secret)])
        return is_basic or bool(secret)

    def _compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        # every pair is compared, and an unknown id with a hash that no secret has: the time says nothing
        matches = [
            hmac.compare_digest(self._hashes.get(name, self._nobody), token_hash(secret)) for name, secret in pairs
        ]
        if not any(matches):
            raise ClientInvalid("the client id or secret is wrong")


def _read_basic(encoded: str) -> Iterator[tuple[str, str]]:
    """Yield id and secret of HTTP Basic, decoded as RFC 6749 §2.3.1 wants it, and as they stand.

    Many clients do not encode the two as a form does before they put them into the header.
    """
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return
    name, _, secret = text.partition(":")
    yield unquote_plus(name), unquote_plus(secret)
    yield name, secret
