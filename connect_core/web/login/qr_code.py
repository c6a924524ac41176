"""Draws QR codes. Never decides what they lead to."""

import io

import segno
from starlette.responses import Response

from connect_core.errors import BadRequest
from connect_core.web import responses


def code_response(url: str) -> Response:
    """Answer the QR code of `url` as SVG. Raises `BadRequest` for more than a QR code can hold, some 2300 characters.

    Dark on light with a quiet zone of four modules, as ISO/IEC 18004 wants it, whatever the page's colours are.
    """
    svg = io.BytesIO()
    try:
        segno.make_qr(url, error="m").save(svg, kind="svg", scale=8, border=4, light="#fff", xmldecl=False)
    except segno.DataOverflowError:
        raise BadRequest("the address is too long for a QR code") from None
    return Response(svg.getvalue(), 200, responses.HEADERS, "image/svg+xml")
