"""Alipay's loopback double: the page where people agree, the gateway (V2), the OpenAPI (V3), app and mini program.

Checks what Alipay checks, signs as Alipay signs and fails as Alipay fails. Operations in the fault script: `authorize`
(what follows the person's decision), `my.getPhoneNumber`, and each method by its name. Own faults, of an answer:

- what it says: `swapped_id`, `missing_id`, `number_id`, `id` (value: JSON, of every id),
  `field` (value: `name=JSON`), `wrong_node`, `wrong_charset`,
  `error` and `unsigned_error` (value: `code:sub_code`, or a documented sub code)
- its signature: `unsigned`, `empty_sign`, `wrong_sign`, `own_sign` (the app's), `sha1_sign`, `changed` (after signing),
  `plain` (not encrypted though asked); harmless: `escaped_slashes`
- its order: `duplicate_node`, `stray_error`; harmless: `reordered`, `stray_node`
- its certificate: `no_cert_sn`, `cert_unknown`, `cert_rogue`, `cert_expired`, `cert_merchant`; in V3 its time: `stale`

Of `authorize`: `deny_error`, `other_app`, `app_auth_code`.

Web: https://opendocs.alipay.com/open/02xtl7 App: https://opendocs.alipay.com/open/218/105327
"""

import base64
import json
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_alipay import sandbox_grants as ids
from connect_alipay.sandbox_gateway import (
    PERSON,
    TOKEN,
    Draft,
    GatewayRequest,
    Registration,
    check_login_string,
    check_request,
    read_content,
    read_request,
    sign_answer,
    write_answer,
    write_node,
)
from connect_alipay.sandbox_grants import AlipayGrants, Found
from connect_alipay.sandbox_keys import bundle_text, chain_of, key_of, root_bundle, sn_of
from connect_alipay.sandbox_refusals import AlipayRefusal
from connect_alipay.sandbox_rest import RestRequest, check_rest_request, read_body, write_rest_answer
from connect_core.plugin import ClientType, IdKind
from connect_core.sandbox import PEOPLE, Fault, Person, Sandbox

IDS = ("swapped_id", "missing_id", "number_id", "id")
FIELDS = (*IDS, "field", "wrong_node", "wrong_charset", "error", "unsigned_error")
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
SCOPES = {"auth_user", "auth_base"}
ID_NAMES = tuple(kind.value for kind in IdKind)


class AlipaySandbox(Sandbox):
    """One shop's website and native app (one app id) and its mini program (another), with the same keys.

    A silent login (`auth_base`) shows the consent page too: a laptop has no phone whose owner could be taken.
    """

    title = "支付宝沙箱 · Alipay sandbox"
    own_faults = (*FIELDS, *SIGNATURES, *ORDERS, *CERTIFICATES, "deny_error", "other_app", "app_auth_code")

    def __init__(
        self,
        *,
        mode: Literal["key", "certificate"] = "key",
        protocol: Literal["v2", "v3"] = "v2",
        charset: Literal["utf-8", "gbk"] = "utf-8",
        aes: bool = False,
        id_kinds: Collection[IdKind] = tuple(IdKind),
        expiry_as_text: bool = False,
        domain: str = "",
        people: Sequence[Person] = PEOPLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`protocol` and `charset` are what `settings` asks for; both protocols and charsets are always served.

        `aes` gives the apps a content key. `id_kinds` are the ids that answers hold (`user_id` alone: an app of before
        2020). `expiry_as_text`: `expires_in` comes as a text. `domain` is the registered callback host; empty lets any
        pass. `now` as in the kit.
        """
        super().__init__(people=people, now=now)
        self._registration = Registration(
            (APP_ID, MINI_APP_ID), mode == "certificate", CONTENT_KEY if aes else None, PID
        )
        self._protocol, self._charset, self._domain = protocol, charset, domain
        self._grants = AlipayGrants(now, id_kinds, expiry_as_text=expiry_as_text)
        self._signers = ["alipay"]

    def get_untrusted(self) -> Collection[str]:
        """Answers that are not signed by Alipay, or not for this call, or name nobody, or somebody else."""
        return ("unsigned", "empty_sign", "wrong_sign", "own_sign", "sha1_sign", "changed", "missing_id", "swapped_id")

    def get_outcomes(self) -> Mapping[str, str]:
        """A code that is wrong, a signature of ours that is, a person who took back the consent, and an outage."""
        return {
            "40002:isv.code-invalid": "code_invalid",
            "40002:isv.invalid-signature": "provider_config",
            "40003:isv.invalid-auth-relations": "provider_denied",
            "20000:isp.unknow-error": "provider_refused",
        }

    def routes(self) -> Sequence[BaseRoute]:
        """The page, the gateway, and the two calls of OpenAPI V3."""
        return [
            Route(AUTHORIZE, self._authorize, methods=["GET", "POST"]),
            Route(GATEWAY, self._serve_gateway, methods=["GET", "POST"]),
            *(Route(f"/v3/{name.replace('.', '/')}", self._serve_rest, methods=["POST"]) for name in (TOKEN, PERSON)),
        ]

    def settings(self, base_url: str, client_type: ClientType) -> dict[str, str]:
        """The settings of the website and app, or of the mini program, with the keys as the console hands them out."""
        settings = {
            "app_id": _app_id(client_type),
            "private_key": _bare(key_of("app").pkcs8_pem()),
            "pid": PID,
            "protocol": self._protocol,
            "charset": self._charset,
            "gateway_url": base_url + (GATEWAY if self._protocol == "v2" else ""),
            "authorize_url": base_url + AUTHORIZE,
        }
        if self._registration.content_key:
            settings["aes_key"] = base64.b64encode(self._registration.content_key).decode()
        if not self._registration.has_certificates:
            return settings | {"alipay_public_key": _bare(key_of("alipay").public_key().spki_pem())}
        return settings | {
            "app_cert": chain_of("app")[0].pem(),
            "alipay_cert": bundle_text(chain_of("alipay")),
            "alipay_root_cert": bundle_text(root_bundle()),
        }

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """What `my.getAuthCode` and the native SDK give; that SDK's code is lasting and wants the signed `login_url`.

        Raises `ValueError` for a login string that Alipay would not take, `LookupError` where people are redirected.
        """
        if client_type is ClientType.MINI:
            return {"authCode": self.code_for(client_type, person)}
        if client_type is not ClientType.APP:
            raise LookupError("on web pages people come back through a redirect")
        app_id = check_login_string(login_url, self._registration)
        code = self._grants.issue_code(app_id, self.find_person(person), "kuaijie", is_lasting=True)
        return {"auth_code": code}

    def code_for(self, client_type: ClientType, person: str, scope: str = "auth_user") -> str:
        """Return a code as if `person` had agreed to `scope`."""
        return self._grants.issue_code(_app_id(client_type), self.find_person(person), scope)

    def phone_for(self, person: str) -> str:
        """Return what `my.getPhoneNumber` answers in the mini program, as JSON text.

        Faults on `my.getPhoneNumber`: of the signature, `plain` (signed, not encrypted), `error` (inside, unsigned).
        Without an AES key it is Alipay's failure. https://opendocs.alipay.com/mini/api/getphonenumber
        """
        fault = self.faults.take(PHONE) or Fault("")
        found: Found = {"code": "10000", "msg": "Success", "mobile": self.find_person(person).mobile}
        if fault.kind == "error" or not self._registration.content_key:
            refused = AlipayRefusal.of_fault(fault.value or "isv.missing-encrypt-key")
            found = {"code": refused.code, "msg": str(refused), "subCode": refused.sub_code, "subMsg": refused.text}
            return json.dumps({"response": json.dumps(found, ensure_ascii=False)})
        key = None if fault.kind == "plain" else self._registration.content_key
        node = write_node(found, "utf-8", key)
        signer = {"wrong_sign": "stranger", "own_sign": "app"}.get(fault.kind, "alipay")
        signature = sign_answer(signer, node.encode(), fault.kind)
        proof = {} if signature is None else {"sign": signature}
        named = {"sign_type": "RSA2", "encrypt_type": "AES", "charset": "UTF-8"}
        return json.dumps({"response": node if key is None else json.loads(node)} | proof | named)

    def rotate_certificate(self) -> None:
        """Sign with a new certificate of the same authority from now on; it can be downloaded by its number."""
        self._signers.append(f"alipay-{len(self._signers)}")

    def user_id(self, person: str) -> str:
        """What Alipay calls the person with this key everywhere."""
        return ids.user_id(person)

    def union_id(self, person: str) -> str:
        """What Alipay calls the person with this key across the shop's apps."""
        return ids.union_id(person)

    def open_id(self, person: str, client_type: ClientType) -> str:
        """What Alipay calls the person with this key for the app of this client type."""
        return ids.open_id(person, _app_id(client_type))

    async def _authorize(self, request: Request) -> Response:
        link = request.query_params
        mistake = self._find_mistake(link)
        if mistake:
            return _error_page(mistake)
        if request.method == "GET":
            return self.consent_page(request, app=link["app_id"], scope=link["scope"])
        form = await request.form()
        return await self.answer("authorize", link, lambda fault: self._decide(link, form, fault))

    def _find_mistake(self, link: Mapping[str, str]) -> str:
        target = urlsplit(link.get("redirect_uri", ""))
        if link.get("app_id") not in self._registration.app_ids:
            return "INVALID_APP_ID 应用不存在 · app_id is missing or unknown"
        if target.scheme not in {"http", "https"} or not target.hostname:
            return "INVALID_REDIRECT_URI 回调地址无效 · redirect_uri is missing or not absolute"
        if self._domain not in {"", target.hostname}:
            return "INVALID_REDIRECT_URI 授权回调地址不匹配 · redirect_uri is not on the registered host"
        if not set(link.get("scope", "").split(",")) <= SCOPES:
            return "INVALID_SCOPE 授权范围无效 · scope is missing or unknown"
        if not re.fullmatch("[a-zA-Z0-9+/=]{0,100}", link.get("state", "")):
            return "INVALID_STATE 参数错误 · state is longer than 100 characters, or not of the base64 alphabet"
        return ""

    def _decide(self, link: Mapping[str, str], form: FormData, fault: Fault | None) -> Response:
        kind = fault.kind if fault else ""
        state = {"state": link["state"]} if "state" in link else {}
        if kind == "deny_error":
            return _back(link["redirect_uri"], {"error": "access_denied"} | state)
        if form.get("decision") != "agree":
            return _back(link["redirect_uri"], state)
        person = self.find_person(str(form.get("somebody") or form["person"]))
        code = self._grants.issue_code(link["app_id"], person, link["scope"])
        if kind == "app_auth_code":
            return _back(link["redirect_uri"], {"app_id": link["app_id"], "app_auth_code": code} | state)
        app_id = "2021000117659999" if kind == "other_app" else link["app_id"]
        told = {"app_id": app_id, "source": "alipay_wallet", "scope": link["scope"], "auth_code": code}
        return _back(link["redirect_uri"], told | state)

    async def _serve_gateway(self, request: Request) -> Response:
        asked = read_request(request.scope["query_string"], await request.body())
        method = asked.parameters.get("method", "")
        return await self.answer(method, asked.parameters, partial(self._reply, asked, method))

    def _reply(self, asked: GatewayRequest, method: str, fault: Fault | None) -> Response:
        kind = fault.kind if fault else ""
        node = f"{method.replace('.', '_')}_response"
        content_key = self._registration.content_key if "encrypt_type" in asked.parameters and kind != "plain" else None
        try:
            check_request(asked, self._registration, self.now())
        except AlipayRefusal as refused:
            return self._send(asked, "error_response", write_node(refused.fields(), asked.charset, None), "unsigned")
        try:
            found = self._run(method, asked.parameters, partial(read_content, asked, self._registration), fault)
        except AlipayRefusal as refused:
            found = refused.fields()
            node = "error_response" if method == TOKEN or kind == "unsigned_error" else node
        if kind == "wrong_node":
            node = f"{(PERSON if method == TOKEN else TOKEN).replace('.', '_')}_response"
        return self._send(asked, node, write_node(found, asked.charset, content_key), kind)

    def _send(self, asked: GatewayRequest, node: str, text: str, kind: str) -> Response:
        body = write_answer(Draft(node, text, asked.charset, self._signers[-1], self._serial()), kind)
        headers = {"content-type": f"text/html;charset={asked.charset}", "trace_id": secrets.token_hex(16)}
        return Response(body, headers=headers)

    def _run(self, method: str, asked: Mapping[str, str], content: Callable[[], Found], fault: Fault | None) -> Found:
        """Return the answer to one call of an authenticated app. Raises `AlipayRefusal`."""
        success = {"code": "10000", "msg": "Success"}
        app_id = asked["app_id"]
        match method:
            case "alipay.system.oauth.token":
                found = self._grants.exchange(asked, app_id)
            case "alipay.user.info.share":
                found = {**success, **self._grants.tell_person(asked.get("auth_token", ""), app_id)}
            case _:
                found = {**success, "alipay_cert_content": self._find_certificate(content().get("alipay_cert_sn"))}
        if fault and fault.kind in {"error", "unsigned_error"}:
            raise AlipayRefusal.of_fault(fault.value)
        return self._spoil(found, app_id, fault)

    def _find_certificate(self, serial: object) -> str:
        for role in (*self._signers, "expired", "merchant", "rogue"):
            if self._registration.has_certificates and serial == sn_of(role):
                return base64.b64encode(bundle_text(chain_of(role)).encode()).decode()
        raise AlipayRefusal("ALIPAY_CERT_NOT_EXIST")

    def _spoil(self, found: Found, app_id: str, fault: Fault | None) -> Found:
        match fault:
            case Fault("swapped_id"):
                return found | self._grants.ids_of("nobody", app_id)
            case Fault("missing_id"):
                return {name: value for name, value in found.items() if name not in ID_NAMES}
            case Fault("number_id") if "user_id" in found:
                return found | {"user_id": int(str(found["user_id"]))}
            case Fault("id", value):
                return found | {name: json.loads(value) for name in ID_NAMES if name in found}
            case Fault("field", value):
                name, _, text = value.partition("=")
                return found | {name: json.loads(text)}
            case _:
                return found

    async def _serve_rest(self, request: Request) -> Response:
        asked = await _read_rest(request)
        method = request.url.path.rpartition("/v3/")[2].replace("/", ".")
        query = dict(parse_qsl(request.scope["query_string"].decode("latin-1")))
        return await self.answer(method, query, partial(self._reply_rest, asked, method, query))

    def _reply_rest(self, asked: RestRequest, method: str, query: Mapping[str, str], fault: Fault | None) -> Response:
        kind, status = fault.kind if fault else "", 200
        try:
            check_rest_request(asked, self._registration, self.now())
        except AlipayRefusal as refused:
            return self._send_rest(refused.v3_fields(), None, "unsigned", refused.status)
        try:
            body = read_body(asked, self._registration)
            found = self._run(method, {**body, **query, "app_id": asked.claims["app_id"]}, dict, fault)
            found = {name: value for name, value in found.items() if name not in {"code", "msg"}}
            found |= {"gender": str(found["gender"]).upper()} if "gender" in found else {}
        except AlipayRefusal as refused:
            found, status = refused.v3_fields(), refused.status
        content_key = self._registration.content_key if asked.encrypt_type and kind != "plain" else None
        return self._send_rest(found, content_key, kind, status)

    def _send_rest(self, found: Found, content_key: bytes | None, kind: str, status: int) -> Response:
        text = write_node(found, "utf-8", content_key).strip('"')
        draft = Draft("", text, "utf-8", self._signers[-1], self._serial())
        body, headers = write_rest_answer(draft, self.now(), kind)
        headers |= {"alipay-trace-id": secrets.token_hex(16), "content-type": "application/json;charset=utf-8"}
        return Response(body, status, headers)

    def _serial(self) -> str:
        return sn_of(self._signers[-1]) if self._registration.has_certificates else ""


async def _read_rest(request: Request) -> RestRequest:
    """A signature may be over the path below the place where the double is mounted, as if it had a host of its own."""
    headers = request.headers
    path, query = request.url.path, request.scope["query_string"].decode("latin-1")
    paths = {path, path.removeprefix(request.scope.get("root_path", ""))}
    return RestRequest(
        request.method,
        [f"{one}?{query}" if query else one for one in paths],
        headers.get("authorization", ""),
        headers.get("alipay-root-cert-sn", ""),
        (await request.body()).decode("utf-8", "replace"),
        headers.get("alipay-encrypt-type", ""),
    )


def _app_id(client_type: ClientType) -> str:
    return MINI_APP_ID if client_type is ClientType.MINI else APP_ID


def _bare(pem: str) -> str:
    return "".join(pem.splitlines()[1:-1])


def _error_page(mistake: str) -> Response:
    """Say no to a person; the status is 400 so that no script takes the page for the one that asks."""
    page = f"<!doctype html><meta charset=utf-8><title>支付宝</title><h1>系统错误</h1><p>{mistake}</p>"
    return HTMLResponse(page, 400)


def _back(redirect_uri: str, parameters: Mapping[str, str]) -> Response:
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
    return RedirectResponse(parts._replace(query=query).geturl(), 303, {"cache-control": "no-store"})
