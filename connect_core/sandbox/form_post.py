"""The page with which a vendor posts its authorization response (OAuth 2.0 Form Post Response Mode)."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse, Response


def get_form_post_page(address: str, fields: Mapping[str, str]) -> Response:
    """Return a page whose form with `fields` the browser submits by itself to `address`."""
    inputs = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    page = (
        '<!doctype html><html lang="en"><title>Back to the shop</title><body onload="document.forms[0].submit()">'
        f'<main><form method="post" action="{escape(address)}">'
    )
    return HTMLResponse(
        f"{page}{inputs}<noscript><button>OK</button></noscript></form></main>", headers={"cache-control": "no-store"}
    )
