"""Alipay in memory: its keys, a transport that answers from memory, and answers signed as Alipay signs them."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx

from connect_alipay import AlipayProvider
from connect_alipay import signature as rsa2
from connect_alipay.encryption import encrypt_content
from connect_alipay.settings import AlipaySettings
from connect_core.http import HttpPool
from connect_core.plugin import AuthorizationResponse, ClientType, Identity, PersonId, RsaPrivateKey

from .fake_transport import FakeTransport

Answers = list[httpx.Response | bytes]

OURS, ALIPAYS, STRANGERS = (RsaPrivateKey.generate() for _ in range(3))
APP_ID = "2021000000000001"
SOMEBODY = Identity("ALIPAY", (PersonId.user_id("2088102150477652"),), APP_ID)
CODE = "4b203fe6c11548bcabd8da5bb087a83b"
AES_KEY = bytes(range(16))
KEY_MODE: Mapping[str, str] = {
    "app_id": APP_ID,
    "private_key": OURS.pkcs8_pem(),
    "alipay_public_key": ALIPAYS.public_key().spki_pem(),
    "gateway_url": "https://gateway.example/gateway.do",
}
V3_MODE: Mapping[str, str] = {**KEY_MODE, "protocol": "v3", "gateway_url": "https://openapi.example"}
TOKEN_CALL, TOKEN_NODE = "alipay.system.oauth.token", "alipay_system_oauth_token_response"
USER_CALL, USER_NODE = "alipay.user.info.share", "alipay_user_info_share_response"

# https://opendocs.alipay.com/open/02ailc
TOKEN = (
    '{"user_id":"2088102150477652","access_token":"20120823ac6ffaa4d2d84e7384bf983531473993","expires_in":"3600",'
    '"refresh_token":"20120823ac6ffdsdf2d84e7384bf983531473993","re_expires_in":"3600"}'
)
# https://opendocs.alipay.com/open/02ailc (a code that is spent, expired or another app's)
CODE_INVALID = '{"code":"40002","msg":"Invalid Arguments","sub_code":"isv.code-invalid","sub_msg":"授权码code无效"}'


@dataclass
class Transport(FakeTransport):
    """A network that gives its `responses` in turn, the last one for ever, and keeps the `requests`."""

    responses: Answers
    requests: list[httpx.Request] = field(default_factory=list)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Keep the request and answer it, one turn of the loop later."""
        self.requests.append(request)
        await asyncio.sleep(0)
        answer = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(answer, bytes):
            return httpx.Response(200, stream=httpx.ByteStream(answer))
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))

    @property
    def methods(self) -> list[str]:
        """The methods that were called at the V2 gateway, in order."""
        return [read_parameters(request)["method"] for request in self.requests]


def read_parameters(request: httpx.Request, charset: str = "utf-8") -> dict[str, str]:
    """Read query and form together, as the V2 gateway does; every name must stand once."""
    pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True, strict_parsing=True)
    pairs += parse_qsl(request.content.decode(), keep_blank_values=True, encoding=charset, errors="strict")
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def sign(source: str, key: RsaPrivateKey = ALIPAYS, charset: str = "utf-8") -> str:
    """Return the base64 signature over `source`."""
    return rsa2.sign(key, source.encode(charset))


def answer(
    source: str, *, node: str = TOKEN_NODE, key: RsaPrivateKey = ALIPAYS, serial: str = "", charset: str = "utf-8"
) -> bytes:
    """Return a V2 answer: `source` under the name `node`, signed, and naming the certificate `serial` if given."""
    certificate = f',"alipay_cert_sn":"{serial}"' if serial else ""
    return f'{{"{node}":{source},"sign":"{sign(source, key, charset)}"{certificate}}}'.encode(charset)


def answer_v3(
    source: str, status: int = 200, *, key: RsaPrivateKey = ALIPAYS, age: float = 0, serial: str = ""
) -> httpx.Response:
    """Return a V3 answer that was signed `age` seconds ago."""
    timestamp, nonce = str(int((time.time() - age) * 1000)), "5f9a1c"
    headers = {
        "alipay-timestamp": timestamp,
        "alipay-nonce": nonce,
        "alipay-signature": sign(f"{timestamp}\n{nonce}\n{source}\n", key),
        "alipay-trace-id": "0b1a2c3d",
    }
    return httpx.Response(status, headers=headers | ({"alipay-sn": serial} if serial else {}), content=source.encode())


def encrypt(source: str, key: bytes = AES_KEY, charset: str = "utf-8") -> str:
    """Return `source` encrypted, as base64."""
    return encrypt_content(key, source.encode(charset))


def provider(
    network: Transport | bytes | httpx.Response, mode: Mapping[str, str] = KEY_MODE, **more: str
) -> AlipayProvider:
    """Return a provider in front of `network`, a transport or the one answer that it gives."""
    transport = network if isinstance(network, Transport) else Transport([network])
    settings = AlipaySettings.model_validate({**mode, **more})
    return AlipayProvider(settings, HttpPool(transport=transport).for_provider("alipay"))


def response(code: str = CODE, **parameters: str) -> AuthorizationResponse:
    """Return what the core hands over once it has redeemed a flow."""
    return AuthorizationResponse.of_spent_flow(client_type=ClientType.PC, code=code, parameters=parameters)


def change(source: str, **members: object) -> str:
    """Return the JSON object `source` with `members` in place of its own; those given as None are gone."""
    merged = {**json.loads(source), **members}
    return json.dumps({name: value for name, value in merged.items() if value is not None}, ensure_ascii=False)
