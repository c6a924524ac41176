"""Alipay's gateway (protocol V2): sends a signed request and returns the verified answer.

https://opendocs.alipay.com/common/02kf5q

A success counts only if Alipay's signature covers it and it stands under the name of the method that was called. A
failure may be unsigned, and encrypted all the same: it is reported as a failure with Alipay's code, and nothing else in
it is used. Owns no keys and reads no ids.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from connect_alipay.encryption import decrypt_content, encrypt_content
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
    note_trace,
    parse_object,
)

HOSTS = {
    "production": "https://openapi.alipay.com/gateway.do",
    "sandbox": "https://openapi-sandbox.dl.alipaydev.com/gateway.do",
}
CHINA = timezone(timedelta(hours=8))
DOWNLOAD = "alipay.open.app.alipaycert.download"


class Gateway:
    """Calls the gateway's methods for one app. Safe to share between concurrent logins."""

    def __init__(self, settings: AlipaySettings, keys: Keys, http: Http, now: Callable[[], float] = time.time) -> None:
        """`now` returns the time in seconds since the epoch; tests pass a clock of their own."""
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
        # The gateway merges query and form. The charset has to be in the query, because the form is decoded with it.
        # Everything else goes into the form, which the access logs of proxies do not record.
        self._address = f"{url}{'&' if '?' in url else '?'}charset={settings.charset}"

    async def call(self, method: str, parameters: Mapping[str, str], *, auth_token: str = "") -> dict[str, Any]:
        """Call `method` with `parameters` and return its verified answer, decrypted where it is encrypted.

        `auth_token` is the access token of the person whom the call is about; empty for a call about nobody. Encryption
        is asked for where `parameters` have `biz_content`, and only there, as Alipay's own SDKs do.

        Raises the exception that `get_refusal` returns for Alipay's error code, `ProviderUnsigned` for a success whose
        signature is missing or wrong, `ProviderBadResponse` for an answer that is not as documented, `ProviderConfig`
        for an answer that `aes_key` does not decrypt, and what `Http.post` raises.
        """
        sent, options = self._encrypt(parameters)
        answer = await self._post(method, {**sent, "auth_token": auth_token}, options)
        reply = read_reply(answer.content, self._charset, method)
        trace_id = answer.headers.get("trace_id", "")
        unverified = self._read_unverified(reply)
        is_failure = reply.is_error or is_refusal(unverified)
        key = await self._fetch_key(reply, is_failure=is_failure)
        if key is None and is_failure:
            raise get_refusal(method, unverified, trace_id, is_signed=False)
        verified = self._find_verified(reply, key)
        if verified is None:
            self._keys.trust.check_validity(reply.serial)
            raise ProviderUnsigned(
                f"{method} answered with a signature that is missing, wrong or not by a trusted certificate",
                vendor=get_vendor_codes(unverified, trace_id),
            )
        data = unverified if verified is reply.source and unverified else self._read(verified)
        if reply.is_error or is_refusal(data):
            raise get_refusal(method, data, trace_id)
        note_trace(trace_id)
        return data

    def _encrypt(self, parameters: Mapping[str, str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the parameters with `biz_content` encrypted, and the option that says so; without a key both plain."""
        content, key = parameters.get("biz_content"), self._keys.content_key
        if not content or key is None:
            return parameters, {}
        return {**parameters, "biz_content": encrypt_content(key, content.encode(self._charset))}, {
            "encrypt_type": "AES"
        }

    def _read_unverified(self, reply: Reply) -> dict[str, Any]:
        """Return what an answer says before its signature is checked, so that a refusal can be told by its code.

        Alipay does not sign every refusal, not even one that it encrypts. Cipher text with a signature is not opened
        here. Raises `ProviderConfig` for a refusal that `aes_key` does not open.
        """
        if not reply.is_encrypted:
            return parse_object(reply.source)
        if reply.sign:
            return {}
        try:
            return self._read(reply.source)
        except (ProviderConfig, ProviderBadResponse):
            if reply.is_error:
                raise
        return {}

    async def _post(self, method: str, parameters: Mapping[str, str], options: Mapping[str, str]) -> Answer:
        timestamp = datetime.fromtimestamp(self._now(), CHINA).strftime("%Y-%m-%d %H:%M:%S")
        # An empty parameter must be neither sent nor signed.
        present = {name: value for name, value in parameters.items() if value}
        form = {**self._constant, **options, "method": method, "timestamp": timestamp, **present}
        # Alipay's codes are ASCII. A made-up code may have characters outside the charset: they are sent as "?", and
        # Alipay refuses the code.
        form["sign"] = sign(self._keys.private, get_signed_text(form).encode(self._charset, "replace"))
        del form["charset"]
        content = encode_form(form, self._charset, "replace")
        answer = await self._http.post(self._address, content=content, headers=self._headers)
        return answer.raise_for_outage()

    async def _fetch_key(self, reply: Reply, *, is_failure: bool) -> RsaPublicKey | None:
        if not reply.sign:
            return None
        if is_failure:  # not worth the download of a certificate
            return self._keys.trust.find_key(reply.serial)
        return await self._keys.trust.fetch_key(reply.serial, self._fetch_certificate)

    async def _fetch_certificate(self, serial: str) -> str:
        # https://opendocs.alipay.com/apis/api_9/alipay.open.app.alipaycert.download
        # Its signature is not checked: the certificate has to lead to the configured root anyway.
        answer = await self._post(DOWNLOAD, {"biz_content": json.dumps({"alipay_cert_sn": serial})}, {})
        reply = parse_object(read_reply(answer.content, self._charset, DOWNLOAD).source)
        try:
            return base64.b64decode(reply.get("alipay_cert_content") or "").decode()
        except (TypeError, ValueError) as error:
            raise ProviderBadResponse(f"{DOWNLOAD}: alipay_cert_content is no base64 of a text") from error

    def _find_verified(self, reply: Reply, key: RsaPublicKey | None) -> str | None:
        # The gateway may have escaped slashes after signing. Only the spelling that the signature covers is read.
        for source in dict.fromkeys((reply.source, reply.source.replace("\\/", "/"))):
            if key and is_signed_by(key, reply.sign, source.encode(self._charset)):
                return source
        return None

    def _read(self, source: str) -> dict[str, Any]:
        """Return the object in the source text of a node, decrypted if it is cipher text."""
        if not source.startswith('"'):
            return parse_object(source)
        if not self._keys.content_key:
            raise ProviderConfig("aes_key is missing: Alipay encrypted its answer")
        try:
            text = decrypt_content(self._keys.content_key, json.loads(source)).decode(self._charset)
        except ValueError:
            text = None
        if text is None:
            # Raised outside the except block: a UnicodeDecodeError as the cause would carry the whole answer.
            raise ProviderConfig("aes_key does not open Alipay's answer")
        return parse_object(text)
