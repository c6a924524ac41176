"""Providers that call their vendor wrongly, or have an ability wrongly, with one defect each."""

import asyncio
import base64
import json
import secrets
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from connect_apple import AppleProvider
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    CodeInvalid,
    ConnectError,
    ContradictingAnswer,
    Finding,
    Identity,
    Level,
    NoticeAnswer,
    NoticeRequest,
    Profile,
    ProviderBadResponse,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnsigned,
    VerifiedPhone,
    parse_object,
)

from .sound_provider import SoundProvider, SoundSandbox, sign_notice

LOG = Path(tempfile.gettempdir(), "connect-login-mutant.log")
"""Where some of them write."""


class FollowsRedirects(SoundProvider):
    """Goes where the answer leads."""

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Follow a redirect."""
        answer = await self.http.post(f"{self.settings.base_url}/{path}", form=form)
        if "location" in answer.headers:
            answer = await self.http.get(answer.headers["location"])
        return answer.raise_for_outage().json()


class AsksAgain(SoundProvider):
    """Tries an outage once more."""

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Ask twice."""
        try:
            return await super().ask(path, form)
        except ProviderRefused:
            return await super().ask(path, form)


class WrongCode(SoundProvider):
    """Knows no error of the vendor."""

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Turn every refusal into one."""
        try:
            return await super().ask(path, form)
        except CodeInvalid:
            raise ProviderRefused("refused") from None


class SwallowsCancellation(SoundProvider):
    """Goes on when it is cancelled."""

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Wait for longer than anybody does."""
        try:
            return await super().ask(path, form)
        except asyncio.CancelledError:
            await asyncio.sleep(6)
            raise


class SlowCleanup(SoundProvider):
    """Takes its time to clean up."""

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Wait after every failure."""
        has_ended = False
        try:
            answer = await super().ask(path, form)
            has_ended = True
        finally:
            if not has_ended:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(3)
                await asyncio.sleep(3)
        return answer


class IgnoresTimeouts(SoundProvider):
    """Asks again and again until the vendor answers."""

    async def ask(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Never give up."""
        while True:
            with suppress(ProviderTimeout):
                return await super().ask(path, form)


class Blocks(SoundProvider):
    """Holds the event loop."""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Sleep for everybody."""
        time.sleep(0.1)  # noqa: ASYNC251 - the defect
        return await super().login_callback(response)


class OwnClient(SoundProvider):
    """Has an HTTP client of its own."""

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Call the vendor past the core."""
        body = urlencode({"code": "x"}).encode()
        with suppress(OSError):
            await asyncio.to_thread(urllib.request.urlopen, f"{self.settings.base_url}/token", body)
        return await super().login_callback(response)


class SharedState(SoundProvider):
    """Keeps what belongs to one login on the provider."""

    last: Identity

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Mix people up."""
        self.last = await super().login_callback(response)
        await asyncio.sleep(0.01)
        return self.last


class UncheckedProfile(SoundProvider):
    """Does not look whose profile it is."""

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Take any profile."""
        answer = await self.ask("person", {"token": identity.grant})
        return identity.with_profile(Profile.of(nickname=answer.get("name")))


class ProfileIsNeeded(SoundProvider):
    """Lets nobody in without a profile."""

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Raise an error that ends the login."""
        try:
            return await super().fetch_profile(identity)
        except ProviderRefused:
            raise ProviderUnsigned("no profile") from None


class DistrustsPages(SoundProvider):
    """Takes a page of the vendor's proxy for a forged profile."""

    async def fetch_profile(self, identity: Identity) -> Identity:
        """Raise an error that ends the login when the answer cannot be read."""
        try:
            return await super().fetch_profile(identity)
        except ProviderBadResponse:
            raise ContradictingAnswer("no profile") from None


class UnsignedPhone(SoundProvider):
    """Believes any phone number."""

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Take what the client says."""
        number = response.parameters.get("phone", "").partition(".")[0]
        return VerifiedPhone(number.removeprefix("spoilt-"), response.parameters["phone"]) if number else None


class RepeatedPhone(SoundProvider):
    """Takes a proof any number of times."""

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Make every proof a new one."""
        phone = await super().fetch_phone(response, identity)
        return phone and VerifiedPhone(phone.number, secrets.token_hex())


class NoCountry(SoundProvider):
    """Takes every number for one of the mainland."""

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Cut the country code off."""
        phone = await super().fetch_phone(response, identity)
        return phone and VerifiedPhone(phone.number.rpartition("-")[2], phone.proof)


class NoPhone(SoundProvider):
    """Forgets the number."""

    async def fetch_phone(self, response: AuthorizationResponse, identity: Identity) -> VerifiedPhone | None:
        """Return none."""
        return None


class RevokesNothing(SoundProvider):
    """Tells the vendor nothing."""

    async def revoke(self, identity: Identity) -> None:
        """Do nothing."""


class RevokesByGrant(SoundProvider):
    """Wants a token that is long gone."""

    async def revoke(self, identity: Identity) -> None:
        """Ask with the grant."""
        await self.ask("person", {"token": identity.grant})


class RevokesSilently(SoundProvider):
    """Tells nobody that the vendor refused."""

    async def revoke(self, identity: Identity) -> None:
        """Swallow every error."""
        with suppress(ConnectError):
            await super().revoke(identity)


class UnsignedNotice(SoundProvider):
    """Believes whoever sends a notice."""

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Sign it ourselves."""
        notice = parse_object(request.text)
        content = json.dumps(notice | {"sign": sign_notice(notice)}).encode()
        return await super().read_notice(replace(request, content=content))


class IgnoredNotice(SoundProvider):
    """Answers, and says nothing to us."""

    async def read_notice(self, request: NoticeRequest) -> NoticeAnswer:
        """Check it, and return nothing."""
        await super().read_notice(request)
        return NoticeAnswer()


class RawLink(SoundProvider):
    """Does not encode our address."""

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return a link that ends at the first `&`."""
        return f"sound://open?url={start_url}"


class TwiceEncodedLink(SoundProvider):
    """Encodes our address twice."""

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return a link that leads to no address."""
        return f"sound://open?url={quote(quote(start_url, safe=''), safe='')}"


class LinkInsideTheApp(SoundProvider):
    """Opens the app from inside the app."""

    def get_deep_link(self, start_url: str, user_agent: str) -> str | None:
        """Return the link to everybody."""
        return super().get_deep_link(start_url, "")


class OwnState(SoundProvider):
    """Has a state of its own."""

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return a link with a short state."""
        return await super().get_login_url(replace(request, state="12345"))


class SecretInLink(SoundProvider):
    """Gives the secret to every browser."""

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return a link with the secret."""
        return f"{await super().get_login_url(request)}&key={self.secret}"


class RawRedirectUri(SoundProvider):
    """Does not encode the callback address."""

    async def get_login_url(self, request: AuthorizationRequest) -> str:
        """Return a link that is put together by hand."""
        return f"{self.settings.base_url}/authorize?redirect_uri={request.redirect_uri}&state={request.state}"


class IgnoresNonce(AppleProvider):
    """Takes an ID token of any login."""

    union_type = "NONCE"

    async def login_callback(self, response: AuthorizationResponse) -> Identity:
        """Believe the token's own nonce."""
        claims = base64.urlsafe_b64decode(response.code.split(".")[1] + "==")
        response.nonce = json.loads(claims)["nonce"]
        return await super().login_callback(response)


class NoOutcomes(SoundSandbox):
    """Has no errors and does not say why."""

    def get_outcomes(self) -> Mapping[str, str]:
        """Return none."""
        return {}


class Crashing(SoundSandbox):
    """Fails itself whenever it should refuse."""

    def spoil(self, answer: dict[str, Any], fault: Any) -> dict[str, Any]:
        """Look for what is not there."""
        return answer["missing"] if fault else answer


class Invented(SoundSandbox):
    """Can play no error in the call that redeems the code."""

    own_faults: ClassVar = ("missing_id",)


class FindsTexts(SoundProvider):
    """Tells the doctor texts."""

    def check(self) -> Any:
        """Return what is no finding."""
        return ["all is well"]


class FindsFaultWithItself(SoundProvider):
    """Warns of settings that are right."""

    def check(self) -> Iterable[Finding]:
        """Return a warning, whatever the settings are."""
        return [Finding("secret_is_short", Level.WARNING, "client_secret is short", "Make it longer.")]


class ExpiresAsText(SoundProvider):
    """Tells the end of a certificate as a text."""

    def get_certificate_expiries(self) -> Any:
        """Return a day."""
        return {"base_url": "2096-10-02"}


class UnknownCertificate(SoundProvider):
    """Tells the end of a certificate that is none of its settings."""

    def get_certificate_expiries(self) -> Mapping[str, int]:
        """Return the time of something else."""
        return {"somewhere": 4_000_000_000}
