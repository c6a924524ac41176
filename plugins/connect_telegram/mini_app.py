"""`TelegramMiniProvider`: who opened a Mini App, out of the data that Telegram signs with the bot's token.

https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app
Fields: https://core.telegram.org/bots/webapps#webappinitdata
"""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    ClientType,
    CodeInvalid,
    Duration,
    Entrance,
    Field,
    Http,
    Identity,
    PersonId,
    Profile,
    Provider,
    ProviderBadResponse,
    ProviderSettings,
    ProviderUnsigned,
    SecretStr,
    parse_object,
)

SKEW = 60
"""Seconds by which Telegram's clock may be ahead of ours."""
_HASH = re.compile("[0-9a-f]{64}")
_TIME = re.compile("[0-9]{1,12}")


class TelegramMiniSettings(ProviderSettings):
    """One bot with a Mini App."""

    client_id: str = Field(min_length=1, description="The bot's number, which is the Client ID of its Login Widget.")
    bot_token: SecretStr = Field(min_length=1, description="The bot's token, with which Telegram signs the data.")
    max_age: Duration = Field(3600, gt=0, description="Age above which the signed data is refused.")


class TelegramMiniProvider(Provider):
    """One bot's Mini App. Nothing is called: the signature says who the person is."""

    union_type = "TELEGRAM"
    titles: Mapping[str, str] = {"zh": "Telegram", "en": "Telegram"}
    entrances: ClassVar = {ClientType.MINI: Entrance.CLIENT_CODE}
    Settings = TelegramMiniSettings
    code_names = ("init_data",)
    now: Callable[[], float] = staticmethod(time.time)
    settings: TelegramMiniSettings

    def __init__(self, settings: TelegramMiniSettings, http: Http) -> None:
        """Derive the secret key of the bot's token."""
        super().__init__(settings, http)
        self._key = hmac.digest(b"WebAppData", settings.bot_token.get_secret_value().encode(), "sha256")

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Raise `NotImplementedError`: a Mini App has its data from the start."""
        raise NotImplementedError

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Check the data that the Mini App posts as `init_data` and return the person in it.

        Raises `CodeInvalid` for a text that is no such data or too old, `ProviderUnsigned` for one that Telegram did
        not sign for this bot, and `ProviderBadResponse` for data without a person.
        """
        fields = read_fields(response.code)
        self._check(fields)
        user = parse_object(fields.get("user", ""))
        return Identity(
            self.union_type, (PersonId.user_id(_read_number(user)),), self.settings.client_id, _read_profile(user)
        )

    def _check(self, fields: Mapping[str, str]) -> None:
        lines = sorted(f"{name}={value}" for name, value in fields.items() if name != "hash")
        expected = hmac.new(self._key, "\n".join(lines).encode("utf-8", "surrogatepass"), hashlib.sha256)
        given = fields.get("hash", "")
        if not _HASH.fullmatch(given) or not hmac.compare_digest(expected.hexdigest(), given):
            raise ProviderUnsigned("hash of init_data does not verify")
        now, opened = self.now(), int(fields["auth_date"])
        if not now - self.settings.max_age <= opened <= now + SKEW:
            raise CodeInvalid("init_data is too old, or not valid yet; is the clock of this machine right?")


def read_fields(init_data: str) -> dict[str, str]:
    """Return the fields of `init_data`, a query string, each once. Raises `CodeInvalid` for anything else."""
    try:
        pairs = parse_qsl(init_data, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=64)
    except ValueError:
        pairs = []
    fields = dict(pairs)
    if len(fields) != len(pairs) or not _TIME.fullmatch(fields.get("auth_date", "")):
        raise CodeInvalid("init_data is no signed data of a Mini App")
    return fields


def _read_number(user: Mapping[str, Any]) -> int:
    number = user.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        raise ProviderBadResponse("id of user is no number")
    return number


def _read_profile(user: Mapping[str, Any]) -> Profile:
    names = (user.get("first_name"), user.get("last_name"))
    nickname = " ".join(name for name in names if isinstance(name, str) and name)
    return Profile.of(nickname=nickname or user.get("username"), face=user.get("photo_url"))
