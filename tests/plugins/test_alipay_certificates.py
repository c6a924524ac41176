"""Certificate mode: how certificates are named, whose signature counts, and what becomes of one not seen before."""

import asyncio
import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5

import pytest

from connect_alipay.trust import MAX_DOWNLOADED, RETRY_AFTER, CertificateTrust, get_root_serials, get_serial
from connect_core.crypto.minting import new_authority, new_certificate, new_ec_authority
from connect_core.errors import Unavailable
from connect_core.plugin import (
    Certificate,
    CodeInvalid,
    ProviderConfig,
    ProviderTimeout,
    ProviderUnsigned,
    RsaPrivateKey,
    SettingsError,
    load_certificates,
)

from ..kit.alipay_vendor import (
    ALIPAYS,
    APP_ID,
    CODE_INVALID,
    KEY_MODE,
    OURS,
    SOMEBODY,
    STRANGERS,
    TOKEN,
    V3_MODE,
    Transport,
    answer,
    answer_v3,
    provider,
    read_parameters,
    response,
    sign,
)
from ..kit.clock import Clock

DOWNLOAD = "alipay.open.app.alipaycert.download"
DAY = timedelta(days=1)

ROOT_KEY, ROOT = new_authority("Ant Root R1")
EC_ROOT = new_ec_authority("Ant Root E1")
MERCHANTS_KEY, AUTHORITY_KEY = RsaPrivateKey.generate(), RsaPrivateKey.generate()
MERCHANTS = new_certificate("Class 1 R1", MERCHANTS_KEY.public_key(), ROOT_KEY, ROOT, is_authority=True)
AUTHORITY = new_certificate("Class 2 R1", AUTHORITY_KEY.public_key(), ROOT_KEY, ROOT, is_authority=True)
NEXT = RsaPrivateKey.generate()


def certify(key: RsaPrivateKey, not_after: datetime | None = None) -> Certificate:
    """Return a certificate as Alipay has one for itself."""
    return new_certificate("Alipay", key.public_key(), AUTHORITY_KEY, AUTHORITY, not_after=not_after)


APP_CERT = new_certificate(APP_ID, OURS.public_key(), MERCHANTS_KEY, MERCHANTS)
ALIPAY_CERT, NEXT_CERT = certify(ALIPAYS), certify(NEXT)
CERTIFICATES = {
    "alipay_public_key": "",
    "app_cert": APP_CERT.pem() + MERCHANTS.pem(),
    "alipay_cert": ALIPAY_CERT.pem() + AUTHORITY.pem(),
    "alipay_root_cert": EC_ROOT.pem() + ROOT.pem(),
}
CERTIFICATE_MODE = {**KEY_MODE, **CERTIFICATES}


def bundle(*certificates: Certificate) -> str:
    """Return the certificates as one PEM text."""
    return "".join(certificate.pem() for certificate in certificates)


def configured(pem: str) -> bytes:
    """Return the download's answer, https://opendocs.alipay.com/apis/api_9/alipay.open.app.alipaycert.download."""
    node = {"code": "10000", "msg": "Success", "alipay_cert_content": base64.b64encode(pem.encode()).decode()}
    return json.dumps({"alipay_open_app_alipaycert_download_response": node}).encode()


async def log_in(*responses: bytes, mode: dict[str, str] | None = None) -> Transport:
    """Redeem a code while the network gives `responses`; return the network."""
    transport = Transport(list(responses))
    await provider(transport, mode or CERTIFICATE_MODE).login_callback(response())
    return transport


def test_serial_is_the_md5_of_issuer_and_decimal_number() -> None:
    """The issuer is RFC 2253 text, the number decimal and of any size, and nothing stands between them."""
    number = 2**158 + 7
    certificate = new_certificate("leaf", OURS.public_key(), ROOT_KEY, ROOT, serial_number=number)
    text = f"CN=Ant Root R1,OU=Certification Authority,O=Sandbox,C=CN{number}"
    assert get_serial(certificate) == md5(text.encode()).hexdigest()


def test_serial_keeps_its_leading_zeros() -> None:
    """The name always has 32 digits."""
    numbers = range(1, 2000)
    zero = next(n for n in numbers if md5(f"{APP_CERT.issuer_text}{n}".encode()).hexdigest().startswith("0"))
    certificate = new_certificate("x", OURS.public_key(), MERCHANTS_KEY, MERCHANTS, serial_number=zero)
    assert (get_serial(certificate)[0], len(get_serial(certificate))) == ("0", 32)


def test_roots_signed_with_rsa_name_the_bundle() -> None:
    """Others are passed over, the order is the file's, and blocks nobody can read do no harm."""
    _, second = new_authority("Ant Root R2")
    broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    roots = load_certificates(bundle(second, EC_ROOT) + broken + ROOT.pem().replace("\n", "\r\n"))
    assert get_root_serials(roots) == f"{get_serial(second)}_{get_serial(ROOT)}"


async def test_request_names_the_apps_certificate_and_the_roots() -> None:
    """Both names go with every call, signed."""
    [request] = (await log_in(answer(TOKEN, serial=get_serial(ALIPAY_CERT)))).requests
    sent = read_parameters(request)
    assert (sent["app_cert_sn"], sent["alipay_root_cert_sn"]) == (get_serial(APP_CERT), get_serial(ROOT))


async def test_success_that_names_no_certificate_is_refused() -> None:
    """In certificate mode an answer says which certificate signed it, even where the loaded one did."""
    with pytest.raises(ProviderUnsigned):
        await log_in(answer(TOKEN))


async def test_failure_that_names_no_certificate_is_a_failure() -> None:
    """It cannot be verified, so it is what an unsigned failure is; nothing is downloaded for its sake."""
    for body in (
        answer(CODE_INVALID),
        answer(CODE_INVALID, serial="0" * 32),
        answer(CODE_INVALID, node="error_response"),
    ):
        transport = Transport([body])
        with pytest.raises(CodeInvalid):
            await provider(transport, CERTIFICATE_MODE).login_callback(response())
        assert DOWNLOAD not in transport.methods


async def test_new_certificate_is_downloaded_once_and_kept() -> None:
    """Alipay may renew its certificate at any time; the first answer that names the new one fetches it."""
    body = answer(TOKEN, key=NEXT, serial=get_serial(NEXT_CERT))
    transport = Transport([body, configured(bundle(NEXT_CERT, AUTHORITY)), body])
    alipay = provider(transport, CERTIFICATE_MODE)
    for _ in range(3):
        await alipay.login_callback(response())
    assert transport.methods.count(DOWNLOAD) == 1
    sent = read_parameters(transport.requests[1])
    assert json.loads(sent["biz_content"]) == {"alipay_cert_sn": get_serial(NEXT_CERT)}
    assert "encrypt_type" not in sent


async def test_parallel_logins_share_one_download() -> None:
    """However many logins meet the new certificate at once, it is fetched once."""
    body = answer(TOKEN, key=NEXT, serial=get_serial(NEXT_CERT))
    transport = Transport([*[body] * 8, configured(bundle(NEXT_CERT)), body])
    alipay = provider(transport, CERTIFICATE_MODE)
    await asyncio.gather(*(alipay.login_callback(response()) for _ in range(8)))
    assert transport.methods.count(DOWNLOAD) == 1


ROGUE_KEY, ROGUE_ROOT = new_authority("Ant Root R1")
ROGUE_ISSUER = new_certificate("Class 2 R1", STRANGERS.public_key(), ROGUE_KEY, ROGUE_ROOT, is_authority=True)
EXPIRED = certify(NEXT, datetime.now(UTC) - DAY)
UNTRUSTED: dict[str, Sequence[Certificate]] = {
    "authority of the same name": [new_certificate("Alipay", NEXT.public_key(), STRANGERS, ROGUE_ISSUER), ROGUE_ISSUER],
    "its root sent along": [
        new_certificate("Alipay", NEXT.public_key(), STRANGERS, ROGUE_ISSUER),
        ROGUE_ISSUER,
        ROGUE_ROOT,
    ],
    "signed by a certificate that is no authority": [
        new_certificate("x", NEXT.public_key(), ALIPAYS, ALIPAY_CERT),
        ALIPAY_CERT,
    ],
    "another merchant's": [new_certificate("shop", NEXT.public_key(), MERCHANTS_KEY, MERCHANTS), MERCHANTS],
    "expired": [EXPIRED, AUTHORITY],
    "not yet valid": [
        new_certificate("Alipay", NEXT.public_key(), AUTHORITY_KEY, AUTHORITY, not_before=datetime.now(UTC) + DAY)
    ],
}


@pytest.mark.parametrize("case", UNTRUSTED)
async def test_certificate_that_may_not_speak_for_alipay_is_refused(case: str) -> None:
    """A downloaded certificate counts only below the configured root, from Alipay's own issuer, and valid now."""
    certificates = UNTRUSTED[case]
    serial = get_serial(certificates[0])
    with pytest.raises(ProviderUnsigned):
        await log_in(answer(TOKEN, key=NEXT, serial=serial), configured(bundle(*certificates)))


async def test_certificate_other_than_the_one_asked_for_is_refused() -> None:
    """A trusted certificate under another's name is not believed under that name."""
    with pytest.raises(ProviderUnsigned):
        await log_in(answer(TOKEN, key=NEXT, serial="0" * 32), configured(bundle(NEXT_CERT, AUTHORITY)))


async def test_certificate_inside_the_answer_is_not_looked_at() -> None:
    """Whoever signs cannot bring the certificate along."""
    extra = f',"alipay_cert_content":"{base64.b64encode(NEXT_CERT.pem().encode()).decode()}"}}'.encode()
    body = answer(TOKEN, key=NEXT, serial=get_serial(NEXT_CERT))[:-1] + extra
    with pytest.raises(ProviderUnsigned):
        await log_in(body, configured(""))


@pytest.mark.parametrize("key", [ALIPAYS, OURS, STRANGERS])
async def test_signature_counts_for_the_named_certificate_alone(key: RsaPrivateKey) -> None:
    """The loaded key does not vouch for an answer that names another certificate."""
    with pytest.raises(ProviderUnsigned):
        await log_in(answer(TOKEN, key=key, serial=get_serial(NEXT_CERT)), configured(bundle(NEXT_CERT, AUTHORITY)))


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        f'{{"error_response":{CODE_INVALID}}}'.encode(),
        configured(""),
        configured("no certificate"),
        b'{"alipay_open_app_alipaycert_download_response":{"alipay_cert_content":7}}',
        b'{"alipay_open_app_alipaycert_download_response":{"alipay_cert_content":"%%%"}}',
        b'{"alipay_open_app_alipaycert_download_response":{"alipay_cert_content":"A"}}',
        b'{"alipay_open_app_alipaycert_download_response":{"alipay_cert_content":"/w=="}}',
        b'{"alipay_open_app_alipaycert_download_response":{}}',
        b'{"alipay_open_app_alipaycert_download_response":"dGV4dA=="}',
    ],
)
async def test_download_that_brings_nothing_refuses_the_answer(body: bytes) -> None:
    """Without the certificate the answer stays unverified, and the failed download is not a refusal of the profile."""
    with pytest.raises(ProviderUnsigned):
        await log_in(answer(TOKEN, key=NEXT, serial=get_serial(NEXT_CERT)), body)


async def test_expired_certificate_of_the_configuration_is_refused() -> None:
    """`alipay_cert` stops counting when it ends, and no download replaces it under its own name."""
    ended = {**CERTIFICATE_MODE, "alipay_cert": certify(ALIPAYS, datetime.now(UTC) - DAY).pem()}
    serial = get_serial(load_certificates(ended["alipay_cert"])[0])
    with pytest.raises(ProviderConfig, match=r"alipay_cert: it is valid from .* and not now"):
        await log_in(answer(TOKEN, serial=serial), mode=ended)
    with pytest.raises(ProviderUnsigned):
        await log_in(answer(TOKEN, serial="0" * 32), b"{}", mode=ended)


class Downloads:
    """A download function that counts, and a clock to wait with."""

    def __init__(self, *certificates: Certificate) -> None:
        self.offered = {get_serial(certificate): certificate.pem() for certificate in certificates}
        self.requests: list[str] = []
        self.fault: Exception | None = None
        self.clock = Clock()

    async def __call__(self, serial: str) -> str:
        """Hand out the certificate, or the fault."""
        self.requests.append(serial)
        if self.fault:
            raise self.fault
        return self.offered.get(serial, "")

    def trust(self) -> CertificateTrust:
        """Return a trust that lives by this clock."""
        return CertificateTrust(APP_CERT, [ALIPAY_CERT, AUTHORITY], [ROOT], self.clock)


async def test_unknown_certificate_is_asked_for_again_after_a_while() -> None:
    """A failed download is not repeated at every answer, nor is it remembered for ever."""
    downloads = Downloads()
    trust, serial = downloads.trust(), get_serial(NEXT_CERT)
    for _ in range(3):
        assert await trust.fetch_key(serial, downloads) is None
    assert len(downloads.requests) == 1
    downloads.offered[serial] = NEXT_CERT.pem()
    downloads.clock.advance(RETRY_AFTER)
    assert await trust.fetch_key(serial, downloads) == NEXT.public_key()


async def test_download_that_fails_is_not_repeated_at_once() -> None:
    """A vendor fault during the download refuses the answer and holds further downloads back."""
    downloads = Downloads(NEXT_CERT)
    trust, serial = downloads.trust(), get_serial(NEXT_CERT)
    downloads.fault = ProviderTimeout()
    with pytest.raises(ProviderUnsigned) as caught:
        await trust.fetch_key(serial, downloads)
    assert isinstance(caught.value.__cause__, ProviderTimeout)
    assert await trust.fetch_key(serial, downloads) is None
    assert len(downloads.requests) == 1


async def test_our_own_overload_is_not_held_against_a_certificate() -> None:
    """When the download never left, the next answer may try again."""
    downloads = Downloads(NEXT_CERT)
    trust, serial = downloads.trust(), get_serial(NEXT_CERT)
    downloads.fault = Unavailable()
    with pytest.raises(Unavailable):
        await trust.fetch_key(serial, downloads)
    downloads.fault = None
    assert await trust.fetch_key(serial, downloads) == NEXT.public_key()


async def test_downloaded_certificate_ends_when_it_ends() -> None:
    """Validity is looked at whenever the certificate is used, not only when it came."""
    downloads = Downloads(certify(NEXT, datetime.now(UTC) + DAY))
    trust, [serial] = downloads.trust(), downloads.offered
    assert await trust.fetch_key(serial, downloads) == NEXT.public_key()
    downloads.clock.advance(2 * DAY.total_seconds())
    assert await trust.fetch_key(serial, downloads) is None
    assert len(downloads.requests) == 1


@pytest.mark.parametrize("serial", ["", "x", "0" * 31, "0" * 33, "A" * 32, "0" * 31 + "\n", "../../etc/passwd"])
async def test_malformed_name_of_a_certificate_is_not_asked_for(serial: str) -> None:
    """Only what can be a name goes to the gateway."""
    downloads = Downloads()
    assert await downloads.trust().fetch_key(serial, downloads) is None
    assert downloads.requests == []


async def test_known_certificates_are_bounded() -> None:
    """Whoever invents names fills no memory; the oldest are forgotten."""
    downloads = Downloads()
    trust, names = downloads.trust(), [f"{number:032x}" for number in range(MAX_DOWNLOADED + 1)]
    for name in [*names, *reversed(names)]:
        await trust.fetch_key(name, downloads)
    assert downloads.requests == [*names, names[0]]


async def test_v3_believes_the_configured_certificate_alone() -> None:
    """`alipay-sn` must name `alipay_cert`; there is no way to ask V3 for another."""
    mode = {**V3_MODE, **CERTIFICATES}
    ended = certify(ALIPAYS, datetime.now(UTC) - DAY)
    with_ended = provider(answer_v3(TOKEN, serial=get_serial(ended)), {**mode, "alipay_cert": ended.pem()})
    with pytest.raises(ProviderConfig, match="alipay_cert"):
        await with_ended.login_callback(response())
    transport = Transport([answer_v3(TOKEN, serial=get_serial(ALIPAY_CERT))])
    await provider(transport, mode).login_callback(response())
    headers = transport.requests[0].headers
    assert f"app_id={APP_ID},app_cert_sn={get_serial(APP_CERT)},nonce=" in headers["authorization"]
    assert headers["alipay-root-cert-sn"] == get_serial(ROOT)
    for body in (answer_v3(TOKEN), answer_v3(TOKEN, key=NEXT, serial=get_serial(NEXT_CERT))):
        with pytest.raises(ProviderUnsigned):
            await provider(body, mode).login_callback(response())


async def test_phone_number_is_verified_with_the_configured_certificate() -> None:
    """What a mini program hands in names no certificate; `alipay_cert` must have signed it, and be valid."""
    number = '{"code":"10000","msg":"Success","mobile":"1597671905"}'
    phone = json.dumps({"response": number, "sign": sign(number)})
    phone_number = await provider(b"", CERTIFICATE_MODE).fetch_phone(response(phone=phone), SOMEBODY)
    assert phone_number is not None
    ended = {**CERTIFICATE_MODE, "alipay_cert": certify(ALIPAYS, datetime.now(UTC) - DAY).pem()}
    with pytest.raises(ProviderConfig, match="alipay_cert"):
        await provider(b"", ended).fetch_phone(response(phone=phone), SOMEBODY)


@pytest.mark.parametrize(
    ("key", "pem", "message"),
    [
        ("app_cert", "no certificate", "app_cert"),
        ("app_cert", new_certificate("x", STRANGERS.public_key(), ROOT_KEY, ROOT).pem(), "app_cert.*private_key"),
        ("alipay_cert", APP_CERT.pem(), "alipay_cert.*app's own"),
        ("alipay_cert", EC_ROOT.pem(), "alipay_cert"),
        ("alipay_root_cert", EC_ROOT.pem(), "alipay_root_cert.*RSA"),
        ("alipay_root_cert", "-----BEGIN CERTIFICATE-----", "alipay_root_cert"),
    ],
)
def test_certificate_that_cannot_work_is_told_at_start_up(key: str, pem: str, message: str) -> None:
    """Swapped, foreign and broken files are refused by the name of their key."""
    with pytest.raises(SettingsError, match=message):
        provider(b"", {**CERTIFICATE_MODE, key: pem})


@pytest.mark.parametrize(("days", "level"), [(-2, "ERROR"), (1, "WARNING"), (29, "WARNING"), (40, ""), (None, "")])
def test_a_certificate_that_ends_soon_is_told_at_every_start(
    days: int | None, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By the key of the setting and the day, for Alipay's certificate and the app's."""
    not_after = None if days is None else datetime.now(UTC) + days * DAY + timedelta(hours=1)
    app = new_certificate(APP_ID, OURS.public_key(), MERCHANTS_KEY, MERCHANTS, not_after=not_after)
    ending = {"app_cert": app.pem(), "alipay_cert": certify(ALIPAYS, not_after).pem()}
    for _ in range(2):
        provider(b"", {**CERTIFICATE_MODE, **ending})
    lines = [record for record in caplog.records if record.message == "certificate_ends"]
    assert [vars(record)["setting"] for record in lines] == (["app_cert", "alipay_cert"] * 2 if level else [])
    for record in lines:
        assert (record.levelname, vars(record)["days_left"]) == (level, days)
        assert vars(record)["ends"] == f"{not_after:%Y-%m-%d}"
