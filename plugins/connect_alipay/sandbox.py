"""Alipay's sandbox: consent page, gateway (V2), OpenAPI (V3), native SDK and mini program, on loopback.

Web: https://opendocs.alipay.com/open/02xtl7
Native app: https://opendocs.alipay.com/open/218/105327

Checks requests, signs answers and refuses as Alipay documents it. Operations in the fault script: `authorize` (what
follows the person's decision), `my.getPhoneNumber`, and each method of the gateway by its name. Faults of an answer:

- its content: `swapped_id`, `missing_id`, `number_id`, `id` (value: JSON, of every id),
  `field` (value: `name=JSON`), `wrong_node`, `wrong_charset`,
  `error`, `unsigned_error`, `encrypted_error` (unsigned too; value: `code:sub_code`, or a documented sub code)
- its signature: `unsigned`, `empty_sign`, `wrong_sign`, `own_sign` (by the app's key), `sha1_sign`, `changed` (after
  signing), `plain` (not encrypted although requested); harmless: `escaped_slashes`
- its order: `duplicate_node`, `stray_error`; harmless: `reordered`, `stray_node`
- its certificate: `no_cert_sn`, `cert_unknown`, `cert_rogue`, `cert_expired`, `cert_merchant`; in V3 its time: `stale`

Faults of `authorize`: `deny_error`, `other_app`, `app_auth_code`.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_alipay import sandbox_tokens
from connect_alipay.documented import V2_REQUESTS
from connect_alipay.sandbox_gateway import (
    PERSON,
    TOKEN,
    Registration,
    UnsignedAnswer,
    V2Request,
    check_login_string,
    check_request,
    find_link_error,
    read_content,
    read_request,
    sign_answer,
    write_answer,
    write_node,
)
from connect_alipay.sandbox_keys import get_chain, get_key, get_roots, get_serial_of, join_pem
from connect_alipay.sandbox_notices import make_message
from connect_alipay.sandbox_refusals import AlipayRefusal
from connect_alipay.sandbox_rest import V3Request, check_rest_request, read_body, write_rest_answer
from connect_alipay.sandbox_tokens import AlipayTokens, Fields
from connect_core.plugin import ClientType, IdKind, NoticeKind, NoticeRequest
from connect_core.sandbox import PEOPLE, Fault, Person, Sandbox, mobile_of

IDS = ("swapped_id", "missing_id", "number_id", "id")
FIELDS = (*IDS, "field", "wrong_node", "wrong_charset", "error", "unsigned_error", "encrypted_error")
SIGNATURES = ("unsigned", "empty_sign", "wrong_sign", "own_sign", "sha1_sign", "changed", "plain", "escaped_slashes")
ORDERS = ("duplicate_node", "stray_error", "reordered", "stray_node")
CERTIFICATES = ("no_cert_sn", "cert_unknown", "cert_rogue", "cert_expired", "cert_merchant", "stale")
AUTHORIZE = "/oauth2/publicAppAuthorize.htm"
GATEWAY = "/gateway.do"
PHONE = "my.getPhoneNumber"
APP_ID = "2021000117650001"
MINI_APP_ID = "2021000117650002"
PID = "2088102170000001"
CONTENT_KEY = b"sandbox aes key."
ID_NAMES = tuple(kind.value for kind in IdKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipayOptions:
    """How the shop's apps are registered with the sandbox, and how it answers them.

    `mode`: public key or certificates. `protocol` and `charset`: what the sandbox's `settings` choose; both protocols
    and both charsets are always served. `aes`: the apps have an AES key for content encryption. `id_kinds`: the ids in
    answers; `user_id` alone is an app made before 2020, `open_id` alone one made since 2023. `expiry_as_text`:
    `expires_in` is a text, as Alipay documents it. `domain`: the registered callback host; empty accepts any.
    """

    mode: Literal["key", "certificate"] = "key"
    protocol: Literal["v2", "v3"] = "v2"
    charset: Literal["utf-8", "gbk"] = "utf-8"
    aes: bool = False
    id_kinds: Collection[IdKind] = tuple(IdKind)
    expiry_as_text: bool = False
    domain: str = ""


class AlipaySandbox(Sandbox):
    """One shop at Alipay: a website and native app (one app id) and a mini program (another), with the same keys.

    A silent login (`auth_base`) shows the consent page as well, because you choose there who logs in.
    """

    title = "支付宝沙箱 · Alipay sandbox"
    own_faults = (*FIELDS, *SIGNATURES, *ORDERS, *CERTIFICATES, "deny_error", "other_app", "app_auth_code")
    for_tests = ("rotate_certificate",)
    documented = V2_REQUESTS
    app_user_agent = (
        "Mozilla/5.0 (Linux; U; Android 14; zh-CN) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0 "
        "Mobile Safari/537.36 NebulaSDK/1.8.100112 Nebula AliApp(AP/10.6.26.8000) AlipayClient/10.6.26.8000"
    )

    def __init__(
        self,
        options: AlipayOptions = AlipayOptions(),  # immutable
        *,
        people: Sequence[Person] = PEOPLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`people` are offered on the consent page; `now` returns the time in seconds since the epoch."""
        super().__init__(people=people, now=now)
        self.options = options
        self._registration = Registration(
            (APP_ID, MINI_APP_ID), options.mode == "certificate", CONTENT_KEY if options.aes else None, PID
        )
        self._tokens = AlipayTokens(now, options.id_kinds, expiry_as_text=options.expiry_as_text)
        self._signers = ["alipay"]

    def get_untrusted(self) -> Collection[str]:
        """Return the faults whose answers have no valid signature of Alipay's, or no id, or another person's."""
        return ("unsigned", "empty_sign", "wrong_sign", "own_sign", "sha1_sign", "changed", "missing_id", "swapped_id")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return our error code for a wrong code, a wrong signature, a withdrawn consent and an outage."""
        return {
            "40002:isv.code-invalid": "code_invalid",
            "40002:isv.invalid-signature": "provider_config",
            "40003:isv.invalid-auth-relations": "provider_denied",
            "20000:isp.unknow-error": "provider_refused",
        }

    def routes(self) -> Sequence[BaseRoute]:
        """Return the consent page, the gateway, and the two calls of OpenAPI V3."""
        return [
            Route(AUTHORIZE, self._authorize, methods=["GET", "POST"]),
            Route(GATEWAY, self._serve_gateway, methods=["GET", "POST"]),
            *(Route(f"/v3/{name.replace('.', '/')}", self._serve_rest, methods=["POST"]) for name in (TOKEN, PERSON)),
        ]

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """Return the settings of the website and app, or of the mini program, with keys in the console's formats."""
        settings = {
            "app_id": _app_id(client_type),
            "private_key": _bare(get_key("app").pkcs8_pem()),
            "pid": PID,
            "protocol": self.options.protocol,
            "charset": self.options.charset,
            "gateway_url": base_url + (GATEWAY if self.options.protocol == "v2" else ""),
            "authorize_url": base_url + AUTHORIZE,
        }
        if self._registration.content_key:
            settings["aes_key"] = base64.b64encode(self._registration.content_key).decode()
        if not self._registration.has_certificates:
            return settings | {"alipay_public_key": _bare(get_key("alipay").public_key().spki_pem())}
        return settings | {
            "app_cert": get_chain("app")[0].pem(),
            "alipay_cert": join_pem(get_chain("alipay")),
            "alipay_root_cert": join_pem(get_roots()),
        }

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return what `my.getAuthCode` (mini program) or the native SDK gives once the person agreed.

        `login_url` is the signed login string that the native SDK takes; that SDK's code is lasting.
        Raises `ValueError` for a login string that the SDK would refuse, `LookupError` for PC and H5.
        """
        if client_type is ClientType.MINI:
            return {"authCode": self.code_for(client_type, person)}
        if client_type is not ClientType.APP:
            raise LookupError("on web pages people come back through a redirect")
        app_id = check_login_string(login_url, self._registration)
        code = self._tokens.issue_code(app_id, self.find_person(person), "kuaijie", is_lasting=True)
        return {"auth_code": code}

    def code_for(self, client_type: ClientType, person: str, scope: str = "auth_user") -> str:
        """Return a code as if `person` had agreed to `scope`."""
        return self._tokens.issue_code(_app_id(client_type), self.find_person(person), scope)

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return what a mini program's page posts after `my.getPhoneNumber`; without an AES key that is nothing."""
        has_numbers = client_type is ClientType.MINI and self._registration.content_key
        return {"phone": self.phone_for(person)} if has_numbers else {}

    def phone_for(self, person: str) -> str:
        """Return the JSON text that `my.getPhoneNumber` answers in the mini program.

        Faults of `my.getPhoneNumber`: those of the signature, `plain` (signed but not encrypted), and `error` (a
        failure instead of a number, unsigned). Without an AES key the answer is Alipay's failure.
        https://opendocs.alipay.com/mini/api/getphonenumber
        """
        fault = self.faults.take(PHONE) or Fault("")
        fields: Fields = {"code": "10000", "msg": "Success", "mobile": mobile_of(self.find_person(person))}
        if fault.kind == "error" or not self._registration.content_key:
            refused = AlipayRefusal.of_fault(fault.value or "isv.missing-encrypt-key")
            fields = {"code": refused.code, "msg": str(refused), "subCode": refused.sub_code, "subMsg": refused.text}
            return json.dumps({"response": json.dumps(fields, ensure_ascii=False)})
        key = None if fault.kind == "plain" else self._registration.content_key
        node = write_node(fields, "utf-8", key)
        signer = {"wrong_sign": "stranger", "own_sign": "app"}.get(fault.kind, "alipay")
        signature = sign_answer(signer, node.encode(), fault.kind)
        proof = {} if signature is None else {"sign": signature}
        declared = {"sign_type": "RSA2", "encrypt_type": "AES", "charset": "UTF-8"}
        return json.dumps({"response": node if key is None else json.loads(node)} | proof | declared)

    def make_notice(self, client_type: ClientType, person: str, kind: NoticeKind) -> NoticeRequest | None:
        """Return Alipay's message that the person withdrew the consent; None for what Alipay tells nothing of."""
        if kind is not NoticeKind.CONSENT_WITHDRAWN:
            return None
        app_id = _app_id(client_type)
        return make_message(app_id, self._tokens.get_ids(person, app_id), self.now())

    def rotate_certificate(self) -> None:
        """Sign with a new certificate of the same authority from now on. It can be downloaded by its serial."""
        self._signers.append(f"alipay-{len(self._signers)}")

    def user_id(self, person: str) -> str:
        """Return the `user_id` of the person with this key, the same in all apps."""
        return sandbox_tokens.user_id(person)

    def union_id(self, person: str) -> str:
        """Return the `union_id` of the person with this key, the same in the shop's apps."""
        return sandbox_tokens.union_id(person)

    def open_id(self, person: str, client_type: ClientType) -> str:
        """Return the `open_id` of the person with this key in the app of this client type."""
        return sandbox_tokens.open_id(person, _app_id(client_type))

    async def _authorize(self, request: Request) -> Response:
        link = request.query_params
        error = find_link_error(link, self._registration.app_ids, self.options.domain)
        if error:
            return self.error_page("系统错误", error)
        if request.method == "GET":
            return self.consent_page(request, app=link["app_id"], scope=link["scope"])
        form = await request.form()
        return await self.answer("authorize", link, lambda fault: self._decide(link, form, fault))

    def _decide(self, link: Mapping[str, str], form: FormData, fault: Fault | None) -> Response:
        kind = fault.kind if fault else ""
        state = {"state": link["state"]} if "state" in link else {}
        if kind == "deny_error":
            return _redirect(link["redirect_uri"], {"error": "access_denied"} | state)
        if form.get("decision") != "agree":
            return _redirect(link["redirect_uri"], state)
        person = self.find_person(str(form.get("somebody") or form["person"]))
        code = self._tokens.issue_code(link["app_id"], person, link["scope"])
        if kind == "app_auth_code":
            return _redirect(link["redirect_uri"], {"app_id": link["app_id"], "app_auth_code": code} | state)
        app_id = "2021000117659999" if kind == "other_app" else link["app_id"]
        parameters = {"app_id": app_id, "source": "alipay_wallet", "scope": link["scope"], "auth_code": code}
        return _redirect(link["redirect_uri"], parameters | state)

    async def _serve_gateway(self, request: Request) -> Response:
        v2_request = read_request(request.scope["query_string"], await request.body())
        method = v2_request.parameters.get("method", "")
        return await self.answer(method, v2_request.parameters, partial(self._reply, v2_request, method))

    def _reply(self, request: V2Request, method: str, fault: Fault | None) -> Response:
        kind = fault.kind if fault else ""
        node = f"{method.replace('.', '_')}_response"
        is_encrypted = "encrypt_type" in request.parameters and kind != "plain"
        content_key = self._registration.content_key if is_encrypted else None
        try:
            check_request(request, self._registration, self.now())
        except AlipayRefusal as refused:
            text = write_node(refused.fields(), request.charset, None)
            return self._send(request, "error_response", text, "unsigned")
        try:
            fields = self._run(method, request.parameters, partial(read_content, request, self._registration), fault)
        except AlipayRefusal as refused:
            fields = refused.fields()
            if kind == "encrypted_error":
                content_key, kind = self._registration.content_key, "unsigned"
            node = "error_response" if method == TOKEN or kind == "unsigned_error" else node
        if kind == "wrong_node":
            node = f"{(PERSON if method == TOKEN else TOKEN).replace('.', '_')}_response"
        return self._send(request, node, write_node(fields, request.charset, content_key), kind)

    def _send(self, request: V2Request, node: str, text: str, kind: str) -> Response:
        body = write_answer(UnsignedAnswer(node, text, request.charset, self._signers[-1], self._serial()), kind)
        headers = {"content-type": f"text/html;charset={request.charset}", "trace_id": secrets.token_hex(16)}
        return Response(body, headers=headers)

    def _run(
        self, method: str, parameters: Mapping[str, str], content: Callable[[], Fields], fault: Fault | None
    ) -> Fields:
        """Return the answer to one call of an app that is authenticated. Raises `AlipayRefusal`."""
        success = {"code": "10000", "msg": "Success"}
        app_id = parameters["app_id"]
        match method:
            case "alipay.system.oauth.token":
                fields = self._tokens.get_token_answer(parameters, app_id)
            case "alipay.user.info.share":
                fields = {**success, **self._tokens.get_profile_answer(parameters.get("auth_token", ""), app_id)}
            case _:
                fields = {**success, "alipay_cert_content": self._find_certificate(content().get("alipay_cert_sn"))}
        if fault and fault.kind in {"error", "unsigned_error", "encrypted_error"}:
            raise AlipayRefusal.of_fault(fault.value)
        return self._falsify(fields, app_id, fault)

    def _find_certificate(self, serial: object) -> str:
        for role in (*self._signers, "expired", "merchant", "rogue"):
            if self._registration.has_certificates and serial == get_serial_of(role):
                return base64.b64encode(join_pem(get_chain(role)).encode()).decode()
        raise AlipayRefusal("ALIPAY_CERT_NOT_EXIST")

    def _falsify(self, fields: Fields, app_id: str, fault: Fault | None) -> Fields:
        match fault:
            case Fault("swapped_id"):
                return fields | self._tokens.get_ids("nobody", app_id)
            case Fault("missing_id"):
                return {name: value for name, value in fields.items() if name not in ID_NAMES}
            case Fault("number_id") if "user_id" in fields:
                return fields | {"user_id": int(str(fields["user_id"]))}
            case Fault("id", value):
                return fields | {name: json.loads(value) for name in ID_NAMES if name in fields}
            case Fault("field", value):
                name, _, text = value.partition("=")
                return fields | {name: json.loads(text)}
            case _:
                return fields

    async def _serve_rest(self, request: Request) -> Response:
        v3_request = await _read_rest(request)
        method = request.url.path.rpartition("/v3/")[2].replace("/", ".")
        query = dict(parse_qsl(request.scope["query_string"].decode("latin-1")))
        return await self.answer(method, query, partial(self._reply_rest, v3_request, method, query))

    def _reply_rest(self, request: V3Request, method: str, query: Mapping[str, str], fault: Fault | None) -> Response:
        kind, status = fault.kind if fault else "", 200
        try:
            check_rest_request(request, self._registration, self.now())
        except AlipayRefusal as refused:
            return self._send_rest(refused.v3_fields(), None, "unsigned", refused.status)
        try:
            body = read_body(request, self._registration)
            fields = self._run(method, {**body, **query, "app_id": request.claims["app_id"]}, dict, fault)
            fields = {name: value for name, value in fields.items() if name not in {"code", "msg"}}
            fields |= {"gender": str(fields["gender"]).upper()} if "gender" in fields else {}
        except AlipayRefusal as refused:
            fields, status = refused.v3_fields(), refused.status
        content_key = self._registration.content_key if request.encrypt_type and kind != "plain" else None
        return self._send_rest(fields, content_key, kind, status)

    def _send_rest(self, fields: Fields, content_key: bytes | None, kind: str, status: int) -> Response:
        text = write_node(fields, "utf-8", content_key).strip('"')
        unsigned = UnsignedAnswer("", text, "utf-8", self._signers[-1], self._serial())
        body, headers = write_rest_answer(unsigned, self.now(), kind)
        headers |= {"alipay-trace-id": secrets.token_hex(16), "content-type": "application/json;charset=utf-8"}
        return Response(body, status, headers)

    def _serial(self) -> str:
        return get_serial_of(self._signers[-1]) if self._registration.has_certificates else ""


async def _read_rest(request: Request) -> V3Request:
    # An SDK may sign the path below the sandbox's mount point, as if the sandbox had a host of its own.
    headers = request.headers
    full_path, query = request.url.path, request.scope["query_string"].decode("latin-1")
    paths = {full_path, full_path.removeprefix(request.scope.get("root_path", ""))}
    return V3Request(
        request.method,
        [f"{path}?{query}" if query else path for path in paths],
        headers.get("authorization", ""),
        headers.get("alipay-root-cert-sn", ""),
        (await request.body()).decode("utf-8", "replace"),
        headers.get("alipay-encrypt-type", ""),
    )


def _app_id(client_type: ClientType) -> str:
    return MINI_APP_ID if client_type is ClientType.MINI else APP_ID


def _bare(pem: str) -> str:
    return "".join(pem.splitlines()[1:-1])


def _redirect(redirect_uri: str, parameters: Mapping[str, str]) -> Response:
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
    return RedirectResponse(parts._replace(query=query).geturl(), 303, {"cache-control": "no-store"})
