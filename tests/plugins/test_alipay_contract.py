"""Alipay's provider against its sandbox over real HTTP: the contract of all providers, and what Alipay alone can do."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from functools import cache
from typing import Any, ClassVar, Literal

import pytest

from connect_alipay import AlipayProvider
from connect_alipay.documented import V2_REQUESTS, V3_REQUESTS
from connect_alipay.sandbox import AlipayOptions, AlipaySandbox
from connect_alipay.settings import AlipaySettings
from connect_core.http import HttpPool
from connect_core.plugin import (
    AuthorizationRequest,
    AuthorizationResponse,
    BadRequest,
    ClientType,
    CodeInvalid,
    Identity,
    IdKind,
    ProviderBadResponse,
    ProviderConfig,
    ProviderUnsigned,
)
from connect_core.sandbox import sandbox_app, serving
from connect_core.testing import ProviderContract

from ..kit.alipay_vendor import SOMEBODY

TOKEN_CALL, USER_CALL = "alipay.system.oauth.token", "alipay.user.info.share"
DOWNLOAD = "alipay.open.app.alipaycert.download"
SPOILT = ("unsigned", "empty_sign", "wrong_sign", "own_sign", "sha1_sign", "changed")
MISLEADING = ("wrong_node", "duplicate_node", "stray_error", "missing_id")
HARMLESS = ("escaped_slashes", "reordered", "stray_node", "number_id")
FALSE_CERTIFICATES = ("no_cert_sn", "cert_unknown", "cert_rogue", "cert_expired", "cert_merchant")
MODES: dict[str, dict[str, Any]] = {
    "key": {},
    "certificate": {"mode": "certificate"},
    "gbk": {"charset": "gbk"},
    "aes": {"aes": True},
    "certificate, gbk, aes": {"mode": "certificate", "charset": "gbk", "aes": True},
    "v3": {"protocol": "v3"},
    "v3, certificate, aes": {"protocol": "v3", "mode": "certificate", "aes": True},
}


class TestContract(ProviderContract):
    """Key mode, protocol V2."""

    plugin = "alipay"
    token_operation = TOKEN_CALL
    profile_operation = USER_CALL
    untrusted: ClassVar[tuple[str, ...]] = (*SPOILT, *MISLEADING, "swapped_id")
    refusals: ClassVar = {
        "40002:isv.code-invalid": "code_invalid",
        "40002:isv.invalid-signature": "provider_config",
        "40003:isv.invalid-auth-relations": "provider_denied",
        "20000:isp.unknow-error": "provider_refused",
    }


class TestContractOfV3(TestContract):
    """Certificate mode, protocol V3."""

    documented: ClassVar = V3_REQUESTS
    untrusted: ClassVar[tuple[str, ...]] = (*SPOILT, "missing_id", "stale", *FALSE_CERTIFICATES, "swapped_id")

    @classmethod
    def make_sandbox(cls) -> AlipaySandbox:
        """Return a sandbox whose shop uses V3."""
        return AlipaySandbox(AlipayOptions(protocol="v3", mode="certificate"))


class TestContractWithPhone(TestContract):
    """A mini program with an AES key, which phone numbers need."""

    clients = (ClientType.MINI,)
    documented: ClassVar = V2_REQUESTS[1:]

    @classmethod
    def make_sandbox(cls) -> AlipaySandbox:
        """Return a sandbox that encrypts."""
        return AlipaySandbox(AlipayOptions(aes=True))


class Shop:
    """A provider and the sandbox it talks to."""

    def __init__(self, sandbox: AlipaySandbox, url: str, client_type: ClientType) -> None:
        self.sandbox = sandbox
        self.client_type = client_type
        self._settings = AlipaySettings.model_validate(sandbox.settings(url, client_type))

    async def ask(self, question: Callable[[AlipayProvider], Awaitable[Any]]) -> Any:
        """Put a question to the provider, over connections of its own."""
        async with aclosing(HttpPool()) as pool:
            return await question(AlipayProvider(self._settings, pool.for_provider("alipay")))

    async def log_in(self, person: str = "lihua", *, times: int = 1) -> Identity:
        """Redeem codes of `person` and ask for the profile; return the last identity."""

        async def question(provider: AlipayProvider) -> Identity:
            identities = []
            for _ in range(times):
                code = self.sandbox.code_for(self.client_type, person)
                identities.append(await provider.login_callback(self.response(code)))
            return await provider.fetch_profile(identities[-1])

        identity: Identity = await self.ask(question)
        return identity

    def response(self, code: str, **parameters: str) -> AuthorizationResponse:
        """Return what the core hands over."""
        return AuthorizationResponse.of_spent_flow(client_type=self.client_type, code=code, parameters=parameters)


@contextmanager
def shop(client_type: ClientType = ClientType.PC, **options: Any) -> Iterator[Shop]:
    """Run a sandbox with `options`, mounted below a path as the demo has it."""
    sandbox = AlipaySandbox(AlipayOptions(**options))
    with serving(sandbox_app({"alipay": sandbox})) as url:
        yield Shop(sandbox, f"{url}/alipay", client_type)
        assert not sandbox.faults.unused


Shops = Callable[[str], Shop]


@pytest.fixture(scope="module")
def shops() -> Iterator[Shops]:
    """`shops(mode)`: a shop in one of `MODES`, started when it is first asked for."""
    with ExitStack() as stack:
        yield cache(lambda mode: stack.enter_context(shop(**MODES[mode])))


@pytest.mark.parametrize("mode", MODES)
async def test_every_mode_logs_people_in(shops: Shops, mode: str) -> None:
    """Keys or certificates, UTF-8 or GBK, plain or encrypted, V2 or V3: the same person with the same profile."""
    running_shop = shops(mode)
    for key, person in running_shop.sandbox.people.items():
        identity = await running_shop.log_in(key)
        assert [person_id.value for person_id in identity.ids] == [
            running_shop.sandbox.user_id(key),
            running_shop.sandbox.union_id(key),
            running_shop.sandbox.open_id(key, ClientType.PC),
        ]
        assert identity.profile is not None
        nickname = person.nickname.replace("🙂", "?") if "gbk" in mode else person.nickname
        assert (identity.profile.nickname, identity.profile.sex) == (nickname, person.sex)
        assert (identity.profile.province, identity.profile.face) == (person.province, person.face)


@pytest.mark.parametrize("kind", list(IdKind))
async def test_any_one_id_is_enough(kind: IdKind) -> None:
    """Old apps are told a user id alone, new ones none."""
    with shop(id_kinds={kind}) as running_shop:
        assert [person_id.kind for person_id in (await running_shop.log_in()).ids] == [kind]


@pytest.mark.parametrize("protocol", ["v2", "v3"])
async def test_a_code_works_once(protocol: Literal["v2", "v3"]) -> None:
    """The second use is the vendor's `isv.code-invalid`, with its trace id for the log."""
    with shop(protocol=protocol) as running_shop:
        code = running_shop.sandbox.code_for(ClientType.PC, "lihua")
        await running_shop.ask(lambda provider: provider.login_callback(running_shop.response(code)))
        with pytest.raises(CodeInvalid) as caught:
            await running_shop.ask(lambda provider: provider.login_callback(running_shop.response(code)))
        assert "isv.code-invalid" in caught.value.vendor.values()
        assert len(caught.value.vendor["trace_id"]) == 32
        assert code not in f"{caught.value!r}{caught.value.vendor}"


@pytest.mark.parametrize("operation", [TOKEN_CALL, USER_CALL])
@pytest.mark.parametrize("fault", [*SPOILT, *MISLEADING])
@pytest.mark.parametrize("mode", ["key", "gbk", "certificate", "aes"])
async def test_untrusted_answers_are_refused_at_both_calls(shops: Shops, mode: str, fault: str, operation: str) -> None:
    """What cannot be trusted ends the login at the token call and at the profile, in every mode."""
    running_shop = shops(mode)
    running_shop.sandbox.faults.add(fault, on=operation)
    with pytest.raises((ProviderUnsigned, ProviderBadResponse)):
        await running_shop.log_in()


@pytest.mark.parametrize("fault", HARMLESS)
@pytest.mark.parametrize("mode", ["key", "gbk", "certificate"])
async def test_unusual_answers_are_understood(shops: Shops, mode: str, fault: str) -> None:
    """Order, unknown members, escaped slashes and ids as numbers are no reason to refuse anybody."""
    running_shop = shops(mode)
    running_shop.sandbox.faults.add(fault, times=2)
    assert (await running_shop.log_in()).ids[0].value == running_shop.sandbox.user_id("lihua")


@pytest.mark.parametrize("mode", ["aes", "certificate, gbk, aes"])
async def test_an_encrypted_refusal_without_signature_is_named(mode: str) -> None:
    """The operator reads Alipay's code, and the person may start again where that is what it says."""
    with shop(**MODES[mode]) as running_shop:
        for sub_code, error in (("isv.invalid-encrypt", ProviderConfig), ("isv.code-invalid", CodeInvalid)):
            running_shop.sandbox.faults.add("encrypted_error", sub_code)
            with pytest.raises(error) as caught:
                await running_shop.log_in()
            assert caught.value.vendor["sub_code"] == sub_code


@pytest.mark.parametrize("mode", ["aes", "certificate, gbk, aes"])
async def test_plain_answers_count_where_encryption_was_asked_for(mode: str) -> None:
    """They are signed all the same."""
    with shop(**MODES[mode]) as running_shop:
        running_shop.sandbox.faults.add("plain", times=2)
        assert (await running_shop.log_in()).ids[0].value == running_shop.sandbox.user_id("lihua")


@pytest.mark.parametrize("operation", [TOKEN_CALL, USER_CALL])
@pytest.mark.parametrize("fault", FALSE_CERTIFICATES)
@pytest.mark.parametrize("mode", ["certificate", "v3, certificate, aes"])
async def test_false_certificates_are_refused_at_both_calls(
    shops: Shops, mode: str, fault: str, operation: str
) -> None:
    """Unknown, expired, of another authority, another merchant's, or none: not Alipay's."""
    running_shop = shops(mode)
    running_shop.sandbox.faults.add(fault, on=operation)
    with pytest.raises(ProviderUnsigned):
        await running_shop.log_in()


async def test_a_renewed_certificate_is_fetched_once() -> None:
    """Alipay signs with a new certificate; logins go on, and the download happens once."""
    with shop(mode="certificate") as running_shop:
        running_shop.sandbox.rotate_certificate()
        await running_shop.log_in(times=3)
        assert running_shop.sandbox.called(DOWNLOAD) == 1


async def test_profile_of_another_person_fails_the_login() -> None:
    """Token and profile must name the same person."""
    with shop() as running_shop:
        running_shop.sandbox.faults.add("swapped_id", on=USER_CALL)
        with pytest.raises(ProviderBadResponse):
            await running_shop.log_in()


async def test_a_profile_that_is_not_permitted_is_a_refusal() -> None:
    """The login can stand on the ids."""
    with shop() as running_shop:
        running_shop.sandbox.faults.add("error", "isv.insufficient-isv-permissions", on=USER_CALL)
        with pytest.raises(ProviderConfig):
            await running_shop.log_in()


async def test_the_native_app_starts_with_a_string_that_alipay_takes() -> None:
    """The SDK checks every value and the signature, and gives a code that names the person."""
    begin = AuthorizationRequest(
        client_type=ClientType.APP, redirect_uri="", state="0aZ" * 10 + "42", nonce="n", code_challenge="c"
    )
    with shop(ClientType.APP) as running_shop:
        login_url = await running_shop.ask(lambda provider: provider.get_login_url(begin))
        code = running_shop.sandbox.client_parameters(ClientType.APP, "maria", login_url)["auth_code"]
        identity = await running_shop.ask(lambda provider: provider.login_callback(running_shop.response(code)))
    assert identity.ids[0].value == running_shop.sandbox.user_id("maria")


async def test_the_mini_program_has_ids_of_its_own_app() -> None:
    """`open_id` holds for the mini program alone; what is vendor-wide is the same."""
    with shop(ClientType.MINI) as running_shop:
        code = running_shop.sandbox.client_parameters(ClientType.MINI, "lihua")["authCode"]
        identity = await running_shop.ask(lambda provider: provider.login_callback(running_shop.response(code)))
    assert identity.ids[0].value == running_shop.sandbox.user_id("lihua")
    assert identity.ids[-1].value == running_shop.sandbox.open_id("lihua", ClientType.MINI)
    assert identity.ids[-1].scope == identity.app_id


@pytest.mark.parametrize("mode", ["aes", "v3, certificate, aes"])
async def test_the_mini_program_hands_in_a_phone_number(mode: str) -> None:
    """Encrypted or plain, it counts when Alipay signed it, and only then."""
    with shop(ClientType.MINI, **MODES[mode]) as running_shop:

        async def fetch() -> Any:
            phone = running_shop.sandbox.phone_for("lihua")
            return await running_shop.ask(
                lambda provider: provider.fetch_phone(running_shop.response("", phone=phone), SOMEBODY)
            )

        assert (await fetch()).number == running_shop.sandbox.people["lihua"].mobile
        running_shop.sandbox.faults.add("plain")
        assert (await fetch()).number == running_shop.sandbox.people["lihua"].mobile
        for fault in ("unsigned", "empty_sign", "wrong_sign", "own_sign", "sha1_sign", "error"):
            running_shop.sandbox.faults.add(fault)
            with pytest.raises(BadRequest):
                await fetch()
