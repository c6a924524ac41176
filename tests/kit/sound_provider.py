"""Sound, a provider that keeps every rule of the contract and has every ability, and its sandbox.

`tests/kit/mutants.py` spoils one thing of it at a time.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    BadRequest,
    ClientType,
    CodeInvalid,
    ConnectError,
    Endpoint,
    Entrance,
    Finding,
    Identity,
    Level,
    NoticeAnswer,
    NoticeKind,
    NoticeRequest,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderConfig,
    ProviderRefused,
    ProviderSettings,
    ProviderUnsigned,
    SecretStr,
    VendorNotice,
    VerifiedPhone,
    get_notice_expiry,
    parse_object,
)
from connect_core.sandbox import Fault, Person, Sandbox

SECRET = "the-secret-of-sound"
ERRORS: Mapping[str, type[ConnectError]] = MappingProxyType({"bad_code": CodeInvalid, "bad_client": ProviderConfig})


class SoundSettings(ProviderSettings):
    """What a shop sets."""

    client_secret: SecretStr = SecretStr(SECRET)
    base_url: Endpoint = "https://sound.example"


class SoundProvider(Provider):
    """Keeps every rule."""

    union_type = "SOUND"
    titles: Mapping[str, str] = MappingProxyType({"zh": "声", "en": "Sound"})
    entrances: ClassVar = {
        ClientType.H5: Entrance.REDIRECT,
        ClientType.MINI: Entrance.CLIENT_CODE,
    }
    Settings = SoundSettings
    settings: SoundSettings

    def check(self) -> Iterable[Finding]:
        """Find nothing wrong."""
        return [Finding("secret_is_long", Level.OK, "client_secret is long enough")]

    def get_certificate_expiries(self) -> Mapping[str, int]:
        """Return the time of a certificate that no login needs."""
        return {"base_url": 4_000_000_000}

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the page on which people agree."""
        parameters = {"redirect_uri": request.redirect_uri, "state": request.state}
        return f"{self.settings.base_url}/authorize?{urlencode(parameters, quote_via=quote)}"

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return the link into Sound's app."""
        return None if "SoundApp" in user_agent else f"sound://open?url={quote(start_url, safe='')}"

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Redeem the code."""
        answer = await self.ask("token", {"code": response.code, "secret": self.secret})
        token = answer.get("token")
        if not isinstance(token, str):
            raise ProviderBadResponse("token is no text")
        return Identity(self.union_type, self.read_ids(answer), "sound", grant=token)

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Ask for the name."""
        answer = await self.ask("person", {"token": identity.grant})
        return identity.with_profile(Profile.of(nickname=answer.get("name")), self.read_ids(answer))

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Check the signature of the phone number."""
        signed = response.parameters.get("phone", "")
        number, _, signature = signed.partition(".")
        if signed and not hmac.compare_digest(sign_phone(number).encode(), signature.encode()):
            raise BadRequest("phone: the signature is wrong")
        return VerifiedPhone(number, signature) if signed else None

    async def revoke(self, identity: Identity) -> None:
        """Withdraw the consent."""
        answer = await self.ask("revoke", {"id": identity.ids[0].value, "secret": self.secret})
        if answer.get("revoked") is not True:
            raise ProviderBadResponse("the vendor did not say that it revoked the consent")

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Check the signature, and return what the vendor tells."""
        notice = parse_object(request.text)
        if not hmac.compare_digest(sign_notice(notice).encode(), str(notice.get("sign")).encode()):
            raise ProviderUnsigned("sign is wrong")
        expiry_time, person = get_notice_expiry(notice["time"], time.time()), PersonId.user_id(notice["id"])
        return NoticeAnswer((VendorNotice(NoticeKind.CONSENT_WITHDRAWN, person, notice["key"], expiry_time),))

    @property
    def secret(self) -> str:
        """The client's secret."""
        return self.settings.client_secret.get_secret_value()

    def read_ids(self, answer: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the id in an answer."""
        return (PersonId.user_id(answer.get("id")),)

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Call the vendor."""
        answer = (await self.http.post(f"{self.settings.base_url}/{path}", form=form)).raise_for_outage().json()
        if error := answer.get("error"):
            raise ERRORS.get(str(error), ProviderRefused)("the vendor answered with an error")
        return answer


def sign_phone(number: str) -> str:
    """Return the vendor's signature of a phone number."""
    return hmac.new(b"key of the vendor", number.encode(), "sha256").hexdigest()


def sign_notice(notice: Mapping[str, Any]) -> str:
    """Return the vendor's signature of a notice, whose member `sign` is not signed."""
    signed = {name: value for name, value in notice.items() if name != "sign"}
    return hmac.new(SECRET.encode(), json.dumps(signed).encode(), "sha256").hexdigest()


class SoundSandbox(Sandbox):
    """One registered client."""

    title = "Sound sandbox"
    own_faults = ("error", "missing_id")
    app_user_agent = "SoundApp/1.0"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._people: dict[str, Person] = {}

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the address."""
        return {"base_url": base_url}

    def get_outcomes(self) -> Mapping[str, str]:
        """Return two errors and one that nobody knows."""
        return {"bad_code": "code_invalid", "bad_client": "provider_config", "busy": "provider_refused"}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Return a code."""
        return {"code": self._issue(self.find_person(person))}

    def phone_parameters(self, client_type: ClientType, person: str) -> dict[str, str]:
        """Return the number, signed."""
        number = self.find_person(person).mobile
        return {"phone": f"{number}.{sign_phone(number)}"}

    def make_notice(self, client_type: ClientType, person: str, kind: NoticeKind) -> NoticeRequest | None:
        """Return a signed notice; this vendor has only this kind."""
        if kind is not NoticeKind.CONSENT_WITHDRAWN:
            return None
        notice = {"id": self.user_id(self.find_person(person)), "key": secrets.token_hex(8), "time": int(self.now())}
        body = json.dumps(notice | {"sign": sign_notice(notice)}).encode()
        return NoticeRequest("POST", {}, {"content-type": "application/json"}, body)

    def user_id(self, person: Person) -> str | int:
        """Return the id of a person."""
        return int(hashlib.sha256(person.key.encode()).hexdigest()[:12], 16)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page and the calls."""
        calls = {"token": self._redeem, "person": self._describe, "revoke": self._revoke}
        return [
            Route("/authorize", self._authorize, methods=["GET", "POST"]),
            *(Route(f"/{name}", self._call(name, reply), methods=["POST"]) for name, reply in calls.items()),
        ]

    async def _authorize(self, request: Request) -> Response:
        query, form = request.query_params, await request.form()
        agreed = {"code": self._issue(self.find_person(str(form["person"])))}
        decided = agreed if form["decision"] == "agree" else {"error": "access_denied"}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode({'state': query['state'], **decided})}", 303)

    def _issue(self, person: Person) -> str:
        code = secrets.token_hex(16)
        self._people[code] = person
        return code

    def _call(self, operation: str, reply: Callable[[Mapping[str, str]], dict[str, Any]]) -> Any:
        async def endpoint(request: Request) -> Response:
            form = {name: str(value) for name, value in (await request.form()).items()}
            return await self.answer(operation, form, lambda fault: JSONResponse(self.spoil(reply(form), fault)))

        return endpoint

    def spoil(self, answer: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
        """Return the answer with the fault applied."""
        if fault is not None and fault.kind == "error":
            return {"error": fault.value}
        return {name: value for name, value in answer.items() if name != "id"} if fault else answer

    def _redeem(self, form: Mapping[str, str]) -> dict[str, Any]:
        person = self._people.pop(form.get("code", ""), None)
        if person is None or form.get("secret") != SECRET:
            return {"error": "bad_code"}
        return {"token": self._issue(person), "id": self.user_id(person)}

    def _describe(self, form: Mapping[str, str]) -> dict[str, Any]:
        person = self._people[form["token"]]
        return {"id": self.user_id(person), "name": person.nickname}

    def _revoke(self, form: Mapping[str, str]) -> dict[str, Any]:
        return {"revoked": form["secret"] == SECRET and bool(json.loads(form["id"]))}
