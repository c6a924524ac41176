"""What an `OidcSandbox` and its calls share: the grant behind a code, and small parts of its answers."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse, Response

from connect_core.crypto import encode_part
from connect_core.sandbox.oauth2_calls import Refused
from connect_core.sandbox.vendor_server import Person


@dataclass(frozen=True, slots=True)
class OidcGrant:
    """What a code or an access token stands for: who agreed, and to what.

    `link` has the parameters of the authorization request; `expiry` is in seconds since the epoch; `is_used` is True
    for a code that was redeemed.
    """

    person: Person
    link: Mapping[str, str]
    expiry: float
    is_used: bool = False


def refuse_unless(condition: object) -> None:
    """Raise `Refused` with `invalid_client` unless `condition` holds."""
    if not condition:
        raise Refused("invalid_client")


def challenge_of(verifier: str) -> str:
    """Return the code challenge S256 of a verifier (RFC 7636 §4.2); empty for none."""
    return encode_part(hashlib.sha256(verifier.encode()).digest()) if verifier else ""


def posting_page(address: str, fields: Mapping[str, str]) -> Response:
    """`form_post`: a page whose form the browser submits by itself (OAuth 2.0 Form Post Response Mode)."""
    inputs = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    page = f'<!doctype html><body onload="document.forms[0].submit()"><form method="post" action="{escape(address)}">'
    return HTMLResponse(
        f"{page}{inputs}<noscript><button>OK</button></noscript></form>", headers={"cache-control": "no-store"}
    )
