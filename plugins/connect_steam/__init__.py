"""Steam login, through OpenID 2.0, which is a predecessor of OpenID Connect.

https://steamcommunity.com/dev (addresses, claimed id, key)
https://partner.steamgames.com/doc/features/auth#website
https://openid.net/specs/openid-authentication-2_0.html (§9 request, §10 response, §11 checks)
Profile: https://developer.valvesoftware.com/wiki/Steam_Web_API#GetPlayerSummaries_.28v0002.29
Key in a header: https://partner.steamgames.com/doc/webapi_overview/auth
The list of signed fields is from a library, not the vendor's page: xPaw/SteamOpenID.php.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from connect_core.plugin import (
    Answer,
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    Endpoint,
    Entrance,
    Field,
    Identity,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderRefused,
    ProviderSettings,
    ProviderUnsigned,
    SecretStr,
    provider_hook,
    with_query,
)

NAMESPACE = "http://specs.openid.net/auth/2.0"
SELECT = f"{NAMESPACE}/identifier_select"
LOGIN_URL = "https://steamcommunity.com/openid/login"
"""The page of logins, the address that verifies responses, and Steam's name for itself in them."""
SIGNED = frozenset({"op_endpoint", "return_to", "response_nonce", "assoc_handle", "claimed_id", "identity"})
"""The fields that a response must have signed (§10.1)."""
_CLAIMED_ID = re.compile(r"https://steamcommunity\.com/openid/id/([1-9][0-9]{0,19})", re.ASCII)


class SteamSettings(ProviderSettings):
    """A shop that Steam logs people in to. It registers nowhere."""

    web_api_key: SecretStr | None = Field(
        None, min_length=1, description="A Web API key, to read names and pictures; without one only the id is known."
    )
    login_url: Endpoint = Field(LOGIN_URL, description="Steam's page, which also verifies; another for a sandbox only.")
    profile_url: Endpoint = Field(
        "https://api.steampowered.com/ISteamUser/GetPlayerSummaries/v0002/",
        description="Where a person is described; another for a sandbox only.",
    )


class SteamProvider(Provider):
    """Steam by OpenID 2.0. Every response is verified by Steam itself, since the two share no key.

    The response belongs to one login, because `return_to` has our state and is signed. Its nonce counts as the code:
    the core takes each only once.
    """

    union_type = "STEAM"
    titles = {"zh": "Steam", "en": "Steam"}
    entrances = {ClientType.PC: Entrance.REDIRECT, ClientType.H5: Entrance.REDIRECT}
    Settings = SteamSettings
    settings: SteamSettings
    code_names = ("openid.response_nonce",)
    refuses_without_code = True  # openid.mode=cancel

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return the address of Steam's page (§9.1). The state is in the address to which Steam returns."""
        parameters = {
            "openid.ns": NAMESPACE,
            "openid.mode": "checkid_setup",
            "openid.claimed_id": SELECT,
            "openid.identity": SELECT,
            "openid.return_to": with_query(request.redirect_uri, {"state": request.state}),
            "openid.realm": find_realm(request.redirect_uri),
        }
        return with_query(self.settings.login_url, parameters)

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Check the response, let Steam verify it, and return the person whom it names.

        Raises `ProviderBadResponse` for one that is not about this login and `ProviderUnsigned` where a field that
        counts is not signed, both before Steam is asked; then `CodeInvalid` when Steam did not write it.
        """
        return_to = with_query(response.redirect_uri, {"state": response.parameters.get("state", "")})
        fields = {name: value for name, value in response.parameters.items() if name.startswith("openid.")}
        steam_id = read_assertion(fields, return_to)
        answer = await self.http.post(self.settings.login_url, form={**fields, "openid.mode": "check_authentication"})
        if not is_valid(answer.raise_for_outage()):
            raise CodeInvalid("Steam does not verify the response")
        ids = (PersonId.user_id(steam_id),)
        return Identity(self.union_type, ids, find_realm(response.redirect_uri))

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Return `identity` with name and picture, if there is a Web API key."""
        if self.settings.web_api_key is None:
            return identity
        headers = {"accept": "application/json", "x-webapi-key": self.settings.web_api_key.get_secret_value()}
        query = {"steamids": identity.strongest.value}
        answer = (await self.http.get(self.settings.profile_url, params=query, headers=headers)).raise_for_outage()
        if answer.status != 200:
            raise ProviderRefused(f"Steam answered HTTP {answer.status}: look at web_api_key")
        players = answer.json().get("response")
        players = players.get("players") if isinstance(players, dict) else None
        if not (isinstance(players, list) and len(players) == 1 and isinstance(players[0], dict)):
            raise ProviderBadResponse("the answer does not describe one player")
        player = players[0]
        profile = Profile.of(nickname=player.get("personaname"), face=player.get("avatarfull"))
        return identity.with_profile(profile, (PersonId.user_id(player.get("steamid")),))


def find_realm(redirect_uri: str) -> str:
    """Return scheme and host of an address, which Steam shows to the person (§9.2)."""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"


def read_assertion(fields: Mapping[str, str], return_to: str) -> str:
    """Return the Steam ID in the `fields` of a positive assertion (§10.1, §11.1, §11.2) that was sent to `return_to`.

    The caller has yet to let Steam verify it. Raises `ProviderBadResponse` and `ProviderUnsigned`.
    """
    expected = {
        "openid.ns": NAMESPACE,
        "openid.mode": "id_res",
        "openid.op_endpoint": LOGIN_URL,
        "openid.return_to": return_to,
        "openid.identity": fields.get("openid.claimed_id", ""),
    }
    for name, value in expected.items():
        if fields.get(name, "") != value:
            raise ProviderBadResponse(f"{name} is not what this login expects")
    if missing := SIGNED - set(fields.get("openid.signed", "").split(",")):
        raise ProviderUnsigned(f"{min(missing)} is not among openid.signed")
    match = _CLAIMED_ID.fullmatch(expected["openid.identity"])
    if match is None:
        raise ProviderBadResponse("openid.claimed_id is no Steam ID")
    return match[1]


def is_valid(answer: Answer) -> bool:
    """Return whether Steam says that it wrote the response (§11.4.2.2), in lines of key, colon and value (§4.1.1).

    Raises `ProviderRefused` for an error (§5.1.2.2), and `ProviderBadResponse` for what says neither.
    """
    if answer.status != 200:
        raise ProviderRefused(f"Steam answered HTTP {answer.status}")
    lines = answer.content.decode("utf-8", "replace").splitlines()
    pairs = [(key, value) for key, colon, value in (line.partition(":") for line in lines) if colon]
    said = dict(pairs)
    if len(said) != len(pairs) or said.get("ns") != NAMESPACE or said.get("is_valid") not in ("true", "false"):
        raise ProviderBadResponse("the answer does not say whether the response is valid")
    return said["is_valid"] == "true"


connect_register_providers = provider_hook(
    "steam", SteamProvider, sandbox="connect_steam.sandbox:SteamSandbox", icon="connect_steam:icon.svg"
)
