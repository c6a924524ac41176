"""When a server's TLS certificate expires. Sends nothing over the connection that it opens."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is valid, in epoch seconds."""

    begins: float
    ends: float


async def fetch_validity(host: str, port: int, seconds: float) -> Validity:
    """Return how long the certificate of `host` is valid. It is checked as for a call, with the system's roots.

    Raises `ssl.SSLCertVerificationError` for one that is not trusted, not for this host, or not valid now; `OSError`,
    which `TimeoutError` and the former are, when there is no TLS.
    """
    async with asyncio.timeout(seconds):
        _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    try:
        certificate = writer.get_extra_info("peercert") or {}
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()
    return Validity(*(ssl.cert_time_to_seconds(str(certificate[key])) for key in ("notBefore", "notAfter")))
