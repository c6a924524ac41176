"""Alipay's OpenAPI (protocol V3): JSON bodies, one path per method, signatures in headers.

Signing: https://opendocs.alipay.com/open-v3/054q58
Verifying: https://opendocs.alipay.com/open-v3/054d0z

Has the same interface as `gateway`. Owns no keys and reads no ids.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from connect_alipay.keys import Keys
from connect_alipay.refusals import get_refusal, get_vendor_codes, is_refusal
from connect_alipay.settings import AlipaySettings
from connect_alipay.signature import is_signed_by, sign
from connect_core.plugin import Answer, Http, ProviderUnsigned, note_trace

TIME_TOLERANCE = 600
"""Seconds by which the time in an answer may differ from this machine's clock."""
HOSTS = {"production": "https://openapi.alipay.com", "sandbox": "https://openapi-sandbox.dl.alipaydev.com"}
UNENCODED = "/:@?!$'()*,"
"""Characters that stay as they are in the query: HTTP clients decode them, and the path sent must be the one signed."""


class RestGateway:
    """Calls OpenAPI V3 for one app, always in UTF-8. Safe to share between concurrent logins."""

    def __init__(self, settings: AlipaySettings, keys: Keys, http: Http, now: Callable[[], float] = time.time) -> None:
        """`now` returns the time in seconds since the epoch; tests pass a clock of their own."""
        self._http = http
        self._keys = keys
        self._now = now
        self._url = (settings.gateway_url or HOSTS[settings.environment]).rstrip("/")
        self._app = f"app_id={settings.app_id}"
        self._headers = {"content-type": "application/json"}
        if keys.trust.app_serial:
            self._app += f",app_cert_sn={keys.trust.app_serial}"
            self._headers["alipay-root-cert-sn"] = keys.trust.root_serials

    async def call(self, method: str, parameters: Mapping[str, str], *, auth_token: str = "") -> dict[str, Any]:
        """Call `method` (its V2 name) with `parameters` and return its verified answer.

        `auth_token` is the access token of the person whom the call is about; empty for a call about nobody.

        Raises as `Gateway.call` does. Only the configured `alipay_cert` is accepted: V3 documents no call that
        downloads another certificate.
        """
        answer = await self._post(f"/v3/{method.replace('.', '/')}", parameters, auth_token)
        trace_id = answer.headers.get("alipay-trace-id", "")
        signature = answer.headers.get("alipay-signature", "")
        key = self._keys.trust.find_key(answer.headers.get("alipay-sn", "")) if signature else None
        unverified = answer.json()
        is_failure = answer.status >= 400 or is_refusal(unverified)
        if key is None and is_failure:
            raise get_refusal(method, unverified, trace_id, is_signed=False)
        if key is None or not is_signed_by(key, signature, _signed_text(answer)) or not self._is_fresh(answer):
            self._keys.trust.check_validity(answer.headers.get("alipay-sn", ""))
            raise ProviderUnsigned(
                f"{method} answered with a signature that is missing, wrong or old",
                vendor=get_vendor_codes(unverified, trace_id),
            )
        if is_failure:
            raise get_refusal(method, unverified, trace_id)
        note_trace(trace_id)
        return unverified

    async def _post(self, path: str, parameters: Mapping[str, str], auth_token: str) -> Answer:
        target = f"{path}?auth_token={quote(auth_token, safe=UNENCODED)}" if auth_token else path
        body = json.dumps(parameters) if parameters else ""
        claims = f"{self._app},nonce={uuid.uuid4()},timestamp={int(self._now() * 1000)}"
        signature = sign(self._keys.private, f"{claims}\nPOST\n{target}\n{body}\n".encode())
        headers = {
            **self._headers,
            "authorization": f"ALIPAY-SHA256withRSA {claims},sign={signature}",
            "alipay-request-id": uuid.uuid4().hex,
        }
        answer = await self._http.post(self._url + target, content=body.encode(), headers=headers)
        return answer.raise_for_outage()

    def _is_fresh(self, answer: Answer) -> bool:
        # A V3 answer does not name its method, so without this check any old signed answer could be replayed for it.
        timestamp = answer.headers.get("alipay-timestamp", "")
        return timestamp.isdecimal() and abs(int(timestamp[:16]) / 1000 - self._now()) <= TIME_TOLERANCE


def _signed_text(answer: Answer) -> bytes:
    head = f"{answer.headers.get('alipay-timestamp', '')}\n{answer.headers.get('alipay-nonce', '')}\n"
    return head.encode() + answer.content + b"\n"
