"""Alipay's gateway, protocol V2: how a method is called, and when its answer is believed.

A success is believed when Alipay's signature covers it under the name of the method that was called. A failure is
verified where it is signed and a known key can tell; otherwise it is a failure all the same, and nothing else follows
from it. https://opendocs.alipay.com/common/02kf5q
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from connect_alipay.encryption import decrypt_content
from connect_alipay.keys import Keys
from connect_alipay.refusals import get_refusal, get_vendor_codes, is_refusal
from connect_alipay.responses import Reply, read_reply
from connect_alipay.settings import AlipaySettings
from connect_alipay.signature import get_signed_text, is_signed_by, sign
from connect_core.plugin import (
    Answer,
    Http,
    ProviderBadResponse,
    ProviderConfig,
    ProviderUnsigned,
    RsaPublicKey,
    encode_form,
    parse_object,
)

HOSTS = {
    "production": "https://openapi.alipay.com/gateway.do",
    "sandbox": "https://openapi-sandbox.dl.alipaydev.com/gateway.do",
}
CHINA = timezone(timedelta(hours=8))
DOWNLOAD = "alipay.open.app.alipaycert.download"


class Gateway:
    """One app's access to the gateway."""

    def __init__(self, settings: AlipaySettings, keys: Keys, http: Http, now: Callable[[], float] = time.time) -> None:
        """`now` answers seconds since the epoch."""
        self._http = http
        self._keys = keys
        self._now = now
        self._charset = settings.charset
        self._headers = {"content-type": f"application/x-www-form-urlencoded;charset={settings.charset}"}
        self._constant = {
            "app_id": settings.app_id,
            "format": "JSON",
            "charset": settings.charset,
            "sign_type": "RSA2",
            "version": "1.0",
        }
        if keys.trust.app_serial:
            self._constant |= {"app_cert_sn": keys.trust.app_serial, "alipay_root_cert_sn": keys.trust.root_serials}
        url = settings.gateway_url or HOSTS[settings.environment]
        # the gateway merges address and form. It wants the charset in the address; the rest is nobody's who keeps logs
        self._address = f"{url}{'&' if '?' in url else '?'}charset={settings.charset}"

    async def call(self, method: str, parameters: Mapping[str, str], *, auth_token: str = "") -> dict[str, Any]:
        """Call `method` with its own `parameters`, on behalf of `auth_token`'s person; return its verified success.

        Raises what `refusals` makes of a failure, `ProviderUnsigned`, and as `Http.post` does.
        """
        encryption = {"encrypt_type": "AES"} if self._keys.content else {}
        answer = await self._post(method, {**parameters, "auth_token": auth_token}, encryption)
        reply = read_reply(answer.content, self._charset, method)
        trace_id = answer.headers.get("trace_id", "")
        claim = {} if reply.is_encrypted else parse_object(reply.source)
        is_failure = reply.is_error or is_refusal(claim)
        key = await self._fetch_key(reply, is_failure=is_failure)
        if key is None and is_failure:
            raise get_refusal(method, claim, trace_id)
        verified = self._find_verified(reply, key)
        if verified is None:
            raise ProviderUnsigned(
                f"{method} answered with a signature that is missing, wrong or not by a trusted certificate",
                vendor=get_vendor_codes(claim, trace_id),
            )
        data = claim if verified is reply.source and claim else self._open(verified)
        if reply.is_error or is_refusal(data):
            raise get_refusal(method, data, trace_id)
        return data

    async def _post(self, method: str, parameters: Mapping[str, str], further: Mapping[str, str]) -> Answer:
        timestamp = datetime.fromtimestamp(self._now(), CHINA).strftime("%Y-%m-%d %H:%M:%S")
        own = {name: value for name, value in parameters.items() if value}
        form = {**self._constant, **further, "method": method, "timestamp": timestamp, **own}
        # a code with characters outside the charset is none of Alipay's; sent as "?" it is refused there as any other
        form["sign"] = sign(self._keys.private, get_signed_text(form).encode(self._charset, "replace"))
        del form["charset"]
        content = encode_form(form, self._charset, "replace")
        answer = await self._http.post(self._address, content=content, headers=self._headers)
        return answer.raise_for_outage()

    async def _fetch_key(self, reply: Reply, *, is_failure: bool) -> RsaPublicKey | None:
        if not reply.sign:
            return None
        if is_failure:
            return self._keys.trust.find_key(reply.serial)
        return await self._keys.trust.fetch_key(reply.serial, self._fetch_certificate)

    async def _fetch_certificate(self, serial: str) -> str:
        """https://opendocs.alipay.com/apis/api_9/alipay.open.app.alipaycert.download."""
        answer = await self._post(DOWNLOAD, {"biz_content": json.dumps({"alipay_cert_sn": serial})}, {})
        content = parse_object(read_reply(answer.content, self._charset, DOWNLOAD).source).get("alipay_cert_content")
        try:
            return base64.b64decode(content or "").decode()
        except (TypeError, ValueError) as error:
            raise ProviderBadResponse(f"{DOWNLOAD}: alipay_cert_content is no base64 of a text") from error

    def _find_verified(self, reply: Reply, key: RsaPublicKey | None) -> str | None:
        # slashes may have been escaped after signing; what gets read is the spelling that verifies
        for source in dict.fromkeys((reply.source, reply.source.replace("\\/", "/"))):
            if key and is_signed_by(key, reply.sign, source.encode(self._charset)):
                return source
        return None

    def _open(self, verified: str) -> dict[str, Any]:
        if not verified.startswith('"'):
            return parse_object(verified)
        if not self._keys.content:
            raise ProviderConfig("aes_key is missing: Alipay encrypted its answer")
        try:
            text = decrypt_content(self._keys.content, json.loads(verified)).decode(self._charset)
        except ValueError:
            text = None
        if text is None:
            # raised out here: a decoding error shows the whole answer in its repr
            raise ProviderConfig("aes_key does not open Alipay's answer")
        return parse_object(text)
