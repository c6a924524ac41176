"""Steam's sandbox on loopback: the page of logins, the check of its responses, and the call that describes players."""

import hashlib
import json
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connect_core.plugin import ClientType
from connect_core.sandbox import DocumentedRequest, Fault, Person, Sandbox

NS = "http://specs.openid.net/auth/2.0"
LOGIN = "https://steamcommunity.com/openid/login"
PLAYERS = "/ISteamUser/GetPlayerSummaries/v0002/"
KEY = "0123456789ABCDEF0123456789ABCDEF"
FIELDS = ("signed", "op_endpoint", "claimed_id", "identity", "return_to", "response_nonce", "assoc_handle")
FIRST_ACCOUNT = 76561197960265728
"""The Steam ID from which individual accounts are counted."""
PLAYER = {
    "steamid": "76561197960435530",
    "personaname": "Robin",
    "profileurl": "https://steamcommunity.com/id/robinwalker/",
    "avatar": "https://avatars.steamstatic.com/f1dd60a188883caf82d0cbfccfe6aba0af1732d4.jpg",
    "avatarmedium": "https://avatars.steamstatic.com/f1dd60a188883caf82d0cbfccfe6aba0af1732d4_medium.jpg",
    "avatarfull": "https://avatars.steamstatic.com/f1dd60a188883caf82d0cbfccfe6aba0af1732d4_full.jpg",
    "personastate": 0,
    "communityvisibilitystate": 3,
    "profilestate": 1,
    "lastlogoff": 1718000000,
}


class SteamSandbox(Sandbox):
    """Steam. The fault script knows the operations `verify` and `players`.

    The faults `id`, `missing_id` and `unsigned` of `verify` spoil the response that Steam sends through the browser,
    since that is where it names the person.
    """

    title = "Steam 沙箱 · Steam sandbox"
    own_faults = ("error", "id", "missing_id", "swapped_id", "unsigned")
    documented = (
        # https://openid.net/specs/openid-authentication-2_0.html#requesting_authentication
        DocumentedRequest(
            "GET",
            LOGIN,
            query={
                "openid.ns": NS,
                "openid.mode": "checkid_setup",
                "openid.claimed_id": f"{NS}/identifier_select",
                "openid.identity": f"{NS}/identifier_select",
                "openid.return_to": "{redirect_uri}?state={state}",
                "openid.realm": "{*}",
            },
        ),
        # https://openid.net/specs/openid-authentication-2_0.html#check_auth
        DocumentedRequest(
            "POST",
            LOGIN,
            form={
                **{f"openid.{name}": "{*}" for name in FIELDS},
                "openid.ns": NS,
                "openid.mode": "check_authentication",
                "openid.op_endpoint": LOGIN,
                "openid.return_to": "{redirect_uri}?state={state}",
                "openid.response_nonce": "{code}",
                "openid.sig": "{*}",
            },
        ),
        # https://developer.valvesoftware.com/wiki/Steam_Web_API#GetPlayerSummaries_.28v0002.29
        # https://partner.steamgames.com/doc/webapi_overview/auth
        DocumentedRequest(
            "GET",
            f"https://api.steampowered.com{PLAYERS}",
            query={"steamids": "{*}"},
            headers={"x-webapi-key": "{web_api_key}"},
            answer={"response": {"players": [PLAYER]}},
        ),
    )

    def __init__(self, *, has_key: bool = True, **options: Any) -> None:
        """`has_key`: the shop has a Web API key."""
        super().__init__(**options)
        self._has_key = has_key
        self._unverified: dict[str, dict[str, str]] = {}
        self._keys: dict[str, str] = {}  # of people, by Steam ID

    def settings(self, base_url: str, client_type: ClientType) -> Mapping[str, Any]:
        """Return the settings of a shop."""
        key = {"web_api_key": KEY} if self._has_key else {}
        return {**key, "login_url": f"{base_url}/openid/login", "profile_url": f"{base_url}{PLAYERS}"}

    def client_parameters(self, client_type: ClientType, person: str, login_url: str = "") -> dict[str, str]:
        """Raise `LookupError`: everybody comes back through a redirect."""
        raise LookupError("Steam has no codes of clients")

    def get_untrusted(self) -> Collection[str]:
        """Return the faults after which the provider must not trust the answer."""
        return ("missing_id", "unsigned", "swapped_id")

    def get_outcomes(self) -> Mapping[str, str]:
        """Return what Steam says of a response, and the error of §5.1.2.2, each with our code."""
        return {"is_valid:false": "code_invalid", "error:malformed request": "provider_refused"}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page, which is also the address that verifies, and the call."""
        return [
            Route("/openid/login", self._log_in, methods=["GET", "POST"]),
            Route(PLAYERS, self._describe, methods=["GET"]),
        ]

    def steam_id(self, person: Person) -> str:
        """Return the id of a person, which depends on the key only."""
        return str(FIRST_ACCOUNT + int.from_bytes(hashlib.sha256(person.key.encode()).digest()[:4]))

    async def _log_in(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        if form.get("openid.mode") == "check_authentication":
            return await self.answer("verify", form, lambda fault: self._verify(form, fault))
        query = request.query_params
        realm, return_to = query.get("openid.realm", ""), query.get("openid.return_to", "")
        is_asked = (query.get("openid.ns"), query.get("openid.mode")) == (NS, "checkid_setup")
        is_open = {query.get("openid.claimed_id"), query.get("openid.identity")} == {f"{NS}/identifier_select"}
        if not (is_asked and is_open and realm and return_to.startswith(f"{realm}/")):
            return self.error_page("Error", "the request is not what §9.1 wants")
        if request.method == "GET":
            return self.consent_page(request, app=realm, scope="openid")
        if form.get("decision") != "agree":
            return _returned(return_to, {"openid.ns": NS, "openid.mode": "cancel"})
        return _returned(return_to, self._assert(self.find_person(form.get("somebody") or form["person"]), return_to))

    def _assert(self, person: Person, return_to: str) -> dict[str, str]:
        fault = self._take_fault_of_assertion()
        steam_id, signed = self.steam_id(person), list(FIELDS)
        if fault and fault.kind == "id":
            value = json.loads(fault.value)
            steam_id = value.encode("utf-8", "replace").decode() if isinstance(value, str) else fault.value
        if fault and fault.kind == "unsigned":
            signed = [name for name in FIELDS if name not in ("claimed_id", "identity")]
        self._keys[steam_id] = person.key
        claimed_id = f"https://steamcommunity.com/openid/id/{steam_id}"
        fields = {
            "ns": NS,
            "mode": "id_res",
            "op_endpoint": LOGIN,
            "claimed_id": claimed_id,
            "identity": claimed_id,
            "return_to": return_to,
            "response_nonce": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now())) + secrets.token_hex(14),
            "assoc_handle": "1234567890",
            "signed": ",".join(signed),
            "sig": secrets.token_urlsafe(20),
        }
        if fault and fault.kind == "missing_id":
            fields = {name: value for name, value in fields.items() if name not in ("claimed_id", "identity")}
        assertion = {f"openid.{name}": value for name, value in fields.items()}
        self._unverified[assertion["openid.sig"]] = assertion
        return assertion

    def _take_fault_of_assertion(self) -> Fault | None:
        """Return the fault that spoils what goes through the browser. Any other one waits for the check."""
        fault = self.faults.take("verify")
        if fault and fault.kind not in ("id", "missing_id", "unsigned"):
            self.faults.add(fault.kind, fault.value, on="verify")
            return None
        return fault

    def _verify(self, form: Mapping[str, str], fault: Fault | None) -> Response:
        """Verify a response once (§11.4.2)."""
        said = fault.value if fault and fault.kind == "error" else ""
        if said.startswith("error:"):
            return PlainTextResponse(f"ns:{NS}\n{said}\n", 400)
        assertion = self._unverified.pop(form.get("openid.sig", ""), None)
        is_ours = assertion is not None and {**assertion, "openid.mode": "check_authentication"} == form
        if not is_ours:
            self.refused.append("the fields are not exactly those of a response that nobody has verified yet")
        return PlainTextResponse(f"ns:{NS}\n{said or f'is_valid:{str(is_ours).lower()}'}\n")

    async def _describe(self, request: Request) -> Response:
        parameters = {**request.query_params, "key": request.headers.get("x-webapi-key", "")}
        return await self.answer("players", parameters, lambda fault: self._players(parameters, fault))

    def _players(self, parameters: Mapping[str, str], fault: Fault | None) -> Response:
        if parameters["key"] != KEY:
            return Response("<h1>Unauthorized</h1>", 401, media_type="text/html")
        steam_id = parameters.get("steamids", "")
        if steam_id not in self._keys:
            return JSONResponse({"response": {"players": []}})
        person, player = self.find_person(self._keys[steam_id]), {**PLAYER, "steamid": steam_id}
        if fault and fault.kind == "id":
            player["steamid"] = json.loads(fault.value)
        elif fault and fault.kind == "swapped_id":
            player["steamid"] = str(FIRST_ACCOUNT)
        player |= {
            "personaname": person.nickname,
            **dict.fromkeys(("avatar", "avatarmedium", "avatarfull"), person.face),
        }
        return JSONResponse({"response": {"players": [player]}})


def _returned(return_to: str, parameters: Mapping[str, str]) -> Response:
    query = urlencode(parameters, quote_via=quote, safe=":", errors="replace")
    return RedirectResponse(f"{return_to}{'&' if '?' in return_to else '?'}{query}", 302)
