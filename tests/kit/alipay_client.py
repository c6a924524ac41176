"""A client of Alipay's sandbox that signs requests and verifies answers itself, without the provider's code."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connect_alipay.sandbox import AlipayOptions, AlipaySandbox
from connect_core.crypto import (
    RsaPrivateKey,
    RsaPublicKey,
    load_certificates,
    load_private_key,
    load_public_key,
    md5_hex,
)
from connect_core.plugin import ClientType
from connect_core.sandbox import sandbox_app, serving

TOKEN = "alipay.system.oauth.token"
PERSON = "alipay.user.info.share"
DOWNLOAD = "alipay.open.app.alipaycert.download"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of the gateway, with the key it should be signed by."""

    response: httpx.Response
    key: RsaPublicKey

    @property
    def charset(self) -> str:
        """What the answer says of itself."""
        return str(self.response.charset_encoding)

    @property
    def text(self) -> str:
        """The body."""
        return self.response.content.decode(self.charset)

    @property
    def body(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(json.loads(self.text))

    @property
    def node(self) -> str:
        """The name under which the answer stands, which must be the first."""
        return next(iter(self.body))

    @property
    def data(self) -> dict[str, Any]:
        """What stands there."""
        return dict(self.body[self.node])

    @property
    def refusal(self) -> tuple[str, str]:
        """Its code and sub code; empty when it is a success."""
        return self.data.get("code", ""), self.data.get("sub_code", "")

    def source(self) -> str:
        """The characters between the node's name and what follows it."""
        end = self.text.rfind(',"alipay_cert_sn"') if "alipay_cert_sn" in self.body else self.text.rfind(',"sign"')
        return self.text[len(self.node) + 4 : end]

    def is_signed(self) -> bool:
        """Whether the signature covers exactly these characters, as bytes of the charset."""
        signature = base64.b64decode(self.body.get("sign", ""))
        return self.key.verify(signature, self.source().encode(self.charset))


class Caller:
    """An app in front of the sandbox."""

    def __init__(self, sandbox: AlipaySandbox, url: str, client_type: ClientType = ClientType.PC) -> None:
        """`url` is the sandbox's; `client_type` says which app."""
        self.sandbox = sandbox
        self.url = url
        self.client_type = client_type
        self.settings = sandbox.settings(url, client_type)
        self.key = load_private_key(self.settings["private_key"])

    @property
    def alipays_key(self) -> RsaPublicKey:
        """The key that the settings name as Alipay's."""
        if "alipay_cert" in self.settings:
            return load_certificates(self.settings["alipay_cert"])[0].public_key()
        return load_public_key(self.settings["alipay_public_key"])

    def serials(self) -> dict[str, str]:
        """What a request carries in certificate mode."""
        if "app_cert" not in self.settings:
            return {}
        certificate, root = (
            load_certificates(self.settings["app_cert"])[0],
            load_certificates(self.settings["alipay_root_cert"])[-1],
        )
        return {
            "app_cert_sn": md5_hex(certificate.issuer_text + str(certificate.serial_number)),
            "alipay_root_cert_sn": md5_hex(root.issuer_text + str(root.serial_number)),
        }

    def common(self, method: str) -> dict[str, str]:
        """The parameters that every request carries."""
        moment = datetime.fromtimestamp(self.sandbox.now(), UTC) + timedelta(hours=8)
        return {
            "app_id": self.settings["app_id"],
            "method": method,
            "format": "JSON",
            "charset": self.settings["charset"],
            "sign_type": "RSA2",
            "timestamp": moment.strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
        } | self.serials()

    def call(
        self,
        method: str,
        form: Mapping[str, str],
        *,
        changed: Mapping[str, str | None] | None = None,
        key: RsaPrivateKey | None = None,
    ) -> Told:
        """Call with the method's own parameters in `form`; `changed` replaces or (None) takes out common ones."""
        query = {name: value for name, value in {**self.common(method), **(changed or {})}.items() if value is not None}
        signed = "&".join(f"{name}={value}" for name, value in sorted({**query, **form}.items()))
        charset = "gbk" if query.get("charset") == "gbk" else "utf-8"
        query.setdefault("sign", base64.b64encode((key or self.key).sign(signed.encode(charset))).decode())
        return self.send(query, form)

    def send(self, query: Mapping[str, str], form: Mapping[str, str]) -> Told:
        """Post exactly this."""
        response = httpx.post(self.settings["gateway_url"], params=query, data=form, trust_env=False)
        return Told(response, self.alipays_key)

    def redeem(
        self, code: str = "", *, changed: Mapping[str, str | None] | None = None, key: RsaPrivateKey | None = None
    ) -> Told:
        """Redeem a code, by default a fresh one of lihua's."""
        code = code or self.sandbox.code_for(self.client_type, "lihua")
        return self.call(TOKEN, {"grant_type": "authorization_code", "code": code}, changed=changed, key=key)

    def ask_person(self, token: str = "") -> Told:
        """Ask for the profile, by default lihua's, who just agreed."""
        return self.call(PERSON, {"auth_token": token or self.redeem().data["access_token"]})

    def rest(
        self,
        path: str,
        body: Mapping[str, str] | str | None = None,
        *,
        claims: Mapping[str, str | None] | None = None,
        key: RsaPrivateKey | None = None,
    ) -> httpx.Response:
        """Call OpenAPI V3; a text as body is a cipher text. `claims` change those of the authorization header."""
        content = body if isinstance(body, str) else json.dumps(body) if body else ""
        serials = self.serials()
        headers = {"alipay-root-cert-sn": serials.pop("alipay_root_cert_sn")} if serials else {}
        if isinstance(body, str):
            headers |= {"alipay-encrypt-type": "AES", "content-type": "text/plain"}
        fields = {"app_id": self.settings["app_id"], **serials, "nonce": secrets.token_hex(8)}
        fields["timestamp"] = str(int(self.sandbox.now() * 1000))
        text = ",".join(f"{name}={value}" for name, value in {**fields, **(claims or {})}.items() if value is not None)
        signature = base64.b64encode((key or self.key).sign(f"{text}\nPOST\n{path}\n{content}\n".encode())).decode()
        headers["authorization"] = f"ALIPAY-SHA256withRSA {text},sign={signature}"
        return httpx.post(self.url + path, content=content, headers=headers, trust_env=False)

    def is_rest_signed(self, response: httpx.Response) -> bool:
        """Whether a V3 answer's signature covers its time, nonce and body."""
        headers = response.headers
        signed = f"{headers['alipay-timestamp']}\n{headers['alipay-nonce']}\n".encode() + response.content + b"\n"
        return self.alipays_key.verify(base64.b64decode(headers.get("alipay-signature", "")), signed)


@contextmanager
def caller(
    client_type: ClientType = ClientType.PC, *, now: Callable[[], float] = time.time, **options: Any
) -> Iterator[Caller]:
    """Serve a new sandbox with the `AlipayOptions` in `options`, mounted as a shop's demo mounts it."""
    sandbox = AlipaySandbox(AlipayOptions(**options), now=now)
    with serving(sandbox_app({"alipay": sandbox})) as url:
        yield Caller(sandbox, f"{url}/alipay", client_type)
