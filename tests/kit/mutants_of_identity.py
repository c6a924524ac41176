"""Providers that know people or keep secrets wrongly, with one defect each."""

import hashlib
import logging
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from connect_core.plugin import (
    AuthorizationResponse,
    CodeInvalid,
    ConnectError,
    Identity,
    PersonId,
    Profile,
    ProviderRefused,
)

from .sound_provider import SECRET, SoundProvider

LOG = Path(tempfile.gettempdir(), "connect-login-mutant.log")
"""Where some of them write."""


class TextIds(SoundProvider):
    """Takes whatever comes for a text."""

    def read_ids(self, answer: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return the id as text."""
        return (PersonId.user_id(str(answer.get("id"))),)


class _ChangedIds(SoundProvider):
    def read_ids(self, answer: Mapping[str, Any]) -> tuple[PersonId, ...]:
        """Return a changed id."""
        [one] = super().read_ids(answer)
        return (PersonId.user_id(self.change(one.value)),)

    def change(self, value: str) -> str:
        """Return the id unchanged."""
        return value


class LowerIds(_ChangedIds):
    """Writes ids in small letters."""

    def change(self, value: str) -> str:
        """Return small letters."""
        return value.lower()


class StrippedIds(_ChangedIds):
    """Takes blanks off ids."""

    def change(self, value: str) -> str:
        """Return it without blanks."""
        return value.strip()


class RoundedIds(_ChangedIds):
    """Reads ids as numbers."""

    def change(self, value: str) -> str:
        """Return what a float makes of it."""
        with suppress(ValueError, OverflowError):
            return str(int(float(value)))
        return value


class NameIsId(SoundProvider):
    """Takes the name for the person."""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Ask for the name at once."""
        identity = await super().login_callback(response)
        answer = await self.ask("person", {"token": identity.grant})
        name = PersonId.user_id(hashlib.sha256(str(answer.get("name")).encode()).hexdigest())
        return Identity(self.union_type, (name,), "sound", Profile.of(nickname=answer.get("name")))


class ClientsId(SoundProvider):
    """Believes the client who it is."""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Prefer the client's word."""
        identity = await super().login_callback(response)
        uid = response.parameters.get("account")
        return replace(identity, ids=(PersonId.user_id(uid),)) if uid else identity


class AnyParametersId(SoundProvider):
    """Believes it too, from a copy of the parameters."""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Prefer the client's word."""
        identity = await super().login_callback(response)
        uid = dict(response.parameters).get("uid")
        return replace(identity, ids=(PersonId.user_id(uid),)) if uid else identity


class ClientsName(SoundProvider):
    """Takes the name from the client."""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Take it along."""
        identity = await super().login_callback(response)
        name = response.parameters.get("display")
        return replace(identity, profile=Profile.of(nickname=name)) if name else identity


class AsciiNames(SoundProvider):
    """Knows no letters but its own."""

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Leave out every other letter."""
        described = await super().fetch_profile(identity)
        name = described.profile.nickname if described.profile else ""
        return described.with_profile(Profile.of(nickname=name.encode("ascii", "ignore").decode()))


class _TellingErrors(SoundProvider):
    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Raise another error than the base class does."""
        try:
            return await super().login_callback(response)
        except ConnectError as error:
            self.tell(response.code)
            raise self.find_error(response.code) from error

    def tell(self, code: str) -> None:
        """Tell nobody."""

    def find_error(self, code: str) -> ConnectError:
        """Return a harmless error."""
        return ProviderRefused("refused")


class SecretInText(_TellingErrors):
    """Has the code in the error's text."""

    def find_error(self, code: str) -> ConnectError:
        """Return an error that names the code."""
        return CodeInvalid(f"the code {code} is invalid")


class SecretInVendor(_TellingErrors):
    """Has the secret among the vendor's words."""

    def find_error(self, code: str) -> ConnectError:
        """Return an error that names the secret."""
        return CodeInvalid("invalid", vendor={"request": f"secret={SECRET}"})


class SecretOnStderr(_TellingErrors):
    """Prints the code."""

    def tell(self, code: str) -> None:
        """Print it."""
        sys.stderr.write(f"login failed for {code}\n")


class SecretOnStdout(_TellingErrors):
    """Prints the code to the other stream."""

    def tell(self, code: str) -> None:
        """Print it."""
        sys.stdout.write(f"login failed for {code}\n")


class SecretInFile(_TellingErrors):
    """Keeps a file of its own."""

    def tell(self, code: str) -> None:
        """Append it."""
        with LOG.open("a") as file:
            file.write(code)


class SecretInLogFile(_TellingErrors):
    """Has a handler of its own, which is open already."""

    log = logging.Logger("mutant")  # noqa: LOG001 - a logger that no test can see
    log.addHandler(logging.FileHandler(LOG))

    def tell(self, code: str) -> None:
        """Log it."""
        self.log.error("login failed for %s", code)
