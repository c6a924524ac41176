"""OpenAPI V3: what is signed is what is sent, and the same answers lead to the same errors as with V2."""

import json
import time

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connect_alipay.keys import load_keys
from connect_alipay.rest import RestGateway
from connect_alipay.settings import AlipaySettings
from connect_alipay.signature import is_signed_by
from connect_core.crypto.minting import sign_with_sha1
from connect_core.http import HttpPool
from connect_core.plugin import (
    CodeInvalid,
    ProviderBadResponse,
    ProviderConfig,
    ProviderDenied,
    ProviderRefused,
    ProviderUnsigned,
)
from connect_core.sandbox import serving

from ..kit.alipay_vendor import (
    ALIPAYS,
    APP_ID,
    CODE,
    OURS,
    STRANGERS,
    TOKEN,
    TOKEN_CALL,
    USER_CALL,
    V3_MODE,
    Transport,
    answer_v3,
)

REDEEM = {"grant_type": "authorization_code", "code": CODE}
AWKWARD = "".join(map(chr, range(0x20, 0x7F))) + "/+=%%2F支"

# https://opendocs.alipay.com/open-v3/054kaq (failures)
V3_CODE_INVALID = '{"code":"isv.code-invalid","message":"授权码code无效","links":[{"link":"https://open.alipay.com"}]}'


async def call(network: Transport | httpx.Response, auth_token: str = "") -> dict[str, object]:
    """Redeem a code at `network`, or ask for a person when there is a token."""
    transport = network if isinstance(network, Transport) else Transport([network])
    gateway = get_gateway(V3_MODE["gateway_url"], HttpPool(transport=transport))
    if auth_token:
        return await gateway.call(USER_CALL, {}, auth_token=auth_token)
    return await gateway.call(TOKEN_CALL, REDEEM)


def get_gateway(url: str, pool: HttpPool) -> RestGateway:
    """Return the gateway of an app at `url`."""
    settings = AlipaySettings.model_validate({**V3_MODE, "gateway_url": url})
    return RestGateway(settings, load_keys(settings), pool.for_provider("alipay"))


def is_signed_by_us(authorization: str, method: str, target: str, body: str) -> bool:
    """Check a request's signature as OpenAPI V3 does."""
    scheme, _, rest = authorization.partition(" ")
    claims, _, signature = rest.partition(",sign=")
    text = f"{claims}\n{method}\n{target}\n{body}\n"
    return scheme == "ALIPAY-SHA256withRSA" and is_signed_by(OURS.public_key(), signature, text.encode())


async def test_token_call_is_the_documented_one() -> None:
    """The code travels in a JSON body; the header names app, nonce and time and signs path and body."""
    transport = Transport([answer_v3(TOKEN)])
    assert (await call(transport))["user_id"] == "2088102150477652"
    [request] = transport.requests
    assert (request.method, str(request.url)) == ("POST", "https://openapi.example/v3/alipay/system/oauth/token")
    assert json.loads(request.content) == REDEEM
    assert request.headers["content-type"] == "application/json"
    claims = dict(part.split("=", 1) for part in request.headers["authorization"].partition(" ")[2].split(","))
    assert claims["app_id"] == APP_ID
    assert abs(int(claims["timestamp"]) / 1000 - time.time()) < 60
    assert is_signed_by_us(request.headers["authorization"], "POST", request.url.path, request.content.decode())


async def test_nonces_are_never_the_same() -> None:
    """Every request has a nonce and an id of its own."""
    transport = Transport([answer_v3(TOKEN)])
    for _ in range(3):
        await call(transport)
    assert len({request.headers["authorization"].partition("nonce=")[2][:36] for request in transport.requests}) == 3
    assert len({request.headers["alipay-request-id"] for request in transport.requests}) == 3


@pytest.mark.parametrize("token", ["20120823ac6f", "a/b+c=d%e", "%2F%2B%3D%25", AWKWARD])
async def test_token_is_signed_as_it_goes_over_the_wire(token: str) -> None:
    """HTTP clients rewrite queries on their way; the signed path is the one that arrives."""
    seen: list[bool] = []

    async def share(request: Request) -> Response:
        target = f"{request.scope['raw_path'].decode()}?{request.scope['query_string'].decode()}"
        seen.append(is_signed_by_us(request.headers["authorization"], "POST", target, (await request.body()).decode()))
        seen.append(request.query_params["auth_token"] == token)
        reply = answer_v3('{"user_id":"2088102150477652"}')
        return Response(reply.content, headers=dict(reply.headers))

    async def ask(url: str) -> None:
        pool = HttpPool()
        try:
            await get_gateway(url, pool).call(USER_CALL, {}, auth_token=token)
        finally:
            await pool.aclose()

    with serving(Starlette(routes=[Route("/v3/alipay/user/info/share", share, methods=["POST"])])) as url:
        await ask(url)
    assert seen == [True, True]


@pytest.mark.parametrize("missing", ["alipay-signature", "alipay-timestamp", "alipay-nonce"])
async def test_success_without_its_signature_headers_is_refused(missing: str) -> None:
    """A success is signed over time, nonce and body, or it is not used."""
    reply = answer_v3(TOKEN)
    del reply.headers[missing]
    with pytest.raises(ProviderUnsigned):
        await call(reply)


async def test_unsigned_failure_is_a_failure() -> None:
    """A failure needs no signature to be one."""
    with pytest.raises(CodeInvalid):
        await call(httpx.Response(400, content=V3_CODE_INVALID.encode()))


async def test_changed_answer_is_refused() -> None:
    """Body, time and nonce are all under the signature; so is the key, and the digest is SHA-256."""
    headers = dict(answer_v3(TOKEN).headers)
    text = f"{headers['alipay-timestamp']}\n{headers['alipay-nonce']}\n{TOKEN}\n".encode()
    for content, changes in (
        (TOKEN.replace("2088", "2089"), {}),
        (TOKEN + " ", {}),
        (TOKEN, {"alipay-timestamp": str(int(headers["alipay-timestamp"]) + 1)}),
        (TOKEN, {"alipay-nonce": "0"}),
        (TOKEN, {"alipay-signature": sign_with_sha1(ALIPAYS, text)}),
        (TOKEN, {"alipay-signature": headers["alipay-signature"][:-1]}),
    ):
        with pytest.raises(ProviderUnsigned):
            await call(httpx.Response(200, headers={**headers, **changes}, content=content.encode()))
    with pytest.raises(ProviderUnsigned):
        await call(answer_v3(TOKEN, key=STRANGERS))
    with pytest.raises(ProviderUnsigned):
        await call(answer_v3(V3_CODE_INVALID, 400, key=STRANGERS))


async def test_old_answer_is_refused() -> None:
    """An answer does not say what it answers, so a genuine one from another time could be played again."""
    assert await call(answer_v3(TOKEN, age=500))
    for age in (700, -700, 86_400):
        with pytest.raises(ProviderUnsigned):
            await call(answer_v3(TOKEN, age=age))


# https://opendocs.alipay.com/open-v3/054kaq and the pages of the two calls
@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "isv.code-invalid", CodeInvalid),
        (400, "isv.refresh-token-invalid", CodeInvalid),
        (400, "isv.grant-type-invalid", ProviderConfig),
        (400, "isv.unmatched-app-id", ProviderConfig),
        (400, "isp.unknow-error", ProviderRefused),
        (401, "aop.invalid-auth-token", CodeInvalid),
        (401, "isv.invalid-signature", ProviderConfig),
        (403, "isv.insufficient-isv-permissions", ProviderConfig),
        (403, "isv.invalid-auth-relations", ProviderDenied),
        (429, "isv.app-call-limited", ProviderRefused),
        (500, "isp.unknow-error", ProviderRefused),
        (400, "SYSTEM_ERROR", ProviderRefused),
        (200, "isv.code-invalid", CodeInvalid),
    ],
)
async def test_failure_becomes_the_error_that_says_who_must_act(status: int, code: str, error: type[Exception]) -> None:
    """The same classes as with V2; here the sub code stands in `code`."""
    with pytest.raises(error):
        await call(answer_v3(V3_CODE_INVALID.replace("isv.code-invalid", code), status))


@pytest.mark.parametrize("links", ['"https://open.alipay.com"', "[]", "null"])
async def test_failure_tells_code_and_trace(links: str) -> None:
    """The log learns what Alipay's support asks for; the form of `links`, which differs, does not matter."""
    with pytest.raises(CodeInvalid) as caught:
        await call(answer_v3(f'{{"code":"isv.code-invalid","message":"x","links":{links}}}', 400))
    assert caught.value.vendor == {"code": "isv.code-invalid", "trace_id": "0b1a2c3d"}


@pytest.mark.parametrize("body", ["", "<html></html>", "[]", '{"a":1,"a":2}', '{"a":NaN}', "[" * 100_000, TOKEN[:50]])
@pytest.mark.parametrize("status", [200, 400])
async def test_body_that_is_no_json_object_is_refused(status: int, body: str) -> None:
    """What cannot be read is a bad response, signed or not."""
    with pytest.raises(ProviderBadResponse):
        await call(answer_v3(body, status))


async def test_redirect_is_not_followed() -> None:
    """A gateway redirects nobody."""
    with pytest.raises(ProviderBadResponse):
        await call(httpx.Response(302, headers={"location": "http://169.254.169.254/"}))
