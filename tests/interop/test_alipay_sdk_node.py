"""Alipay's SDK for Node.js against the sandbox: it verifies our answers, and the sandbox verifies its requests.

What it verifies is what Alipay's servers would have sent; so a provider that agrees with the
sandbox agrees with Alipay.
"""

from pathlib import Path
from typing import Any

import pytest

from connect_alipay.sandbox import AlipaySandbox
from connect_alipay.sandbox_gateway import PERSON, TOKEN
from connect_core.crypto import RsaPrivateKey
from connect_core.plugin import ClientType

from .drivers import check_persons, drive, install_node, serving_alipay


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder with the SDK, at the versions of the lock file, and the driver."""
    return install_node(tmp_path_factory.mktemp("node"), "node_driver.mjs")


def config(settings: dict[str, str], **changed: str) -> dict[str, str]:
    """The SDK's documented options for these settings."""
    names = {
        "appId": "app_id",
        "privateKey": "private_key",
        "alipayPublicKey": "alipay_public_key",
        "appCertContent": "app_cert",
        "alipayPublicCertContent": "alipay_cert",
        "alipayRootCertContent": "alipay_root_cert",
        "encryptKey": "aes_key",
        "gateway": "gateway_url",
    }
    own = {theirs: settings[ours] for theirs, ours in names.items() if ours in settings}
    return {"keyType": "PKCS8", "endpoint": settings["gateway_url"], **own, **changed}


def log_in(
    folder: Path, sandbox: AlipaySandbox, config: dict[str, str], protocol: str, **job: object
) -> dict[str, Any]:
    """Let the SDK log wangfang in."""
    code = sandbox.code_for(ClientType.PC, "wangfang")
    whole = {"config": config, "protocol": protocol, "code": code, "validateSign": True, **job}
    return drive(["node", "node_driver.mjs"], whole, "Asia/Shanghai", folder)


@pytest.mark.parametrize("mode", ["key", "certificate"])
@pytest.mark.parametrize("protocol", ["v2", "v3"])
def test_the_sdk_logs_in(folder: Path, mode: str, protocol: str) -> None:
    """Token and profile, signatures verified by the SDK, in both key modes and protocols."""
    with serving_alipay(mode=mode, protocol=protocol) as (sandbox, settings):
        told = log_in(folder, sandbox, config(settings), protocol)
        check_persons(told, sandbox, "userId" if protocol == "v2" else "user_id")
        assert (sandbox.called(TOKEN), sandbox.called(PERSON)) == (1, 1)


@pytest.mark.parametrize("protocol", ["v2", "v3"])
def test_the_double_refuses_another_key(folder: Path, protocol: str) -> None:
    """A request that another key signed is refused, and the SDK reads the refusal."""
    with serving_alipay(protocol=protocol) as (sandbox, settings):
        other = config(settings, privateKey=RsaPrivateKey.generate().pkcs8_pem())
        told = log_in(folder, sandbox, other, protocol, validateSign=False)
        code = told["token"]["subCode"] if protocol == "v2" else told["code"]
        assert code == "isv.invalid-signature"


def test_the_double_refuses_another_certificate(folder: Path) -> None:
    """The numbers that the SDK reads from certificates are compared."""
    with serving_alipay(mode="certificate") as (sandbox, settings):
        other = config(settings, appCertContent=settings["alipay_cert"])
        told = log_in(folder, sandbox, other, "v2", validateSign=False)
        assert told["token"]["subCode"] == "isv.app-cert-not-exist"


@pytest.mark.parametrize("kind", ["wrong_sign", "sha1_sign", "changed"])
@pytest.mark.parametrize("protocol", ["v2", "v3"])
def test_the_sdk_notices_what_the_double_spoils(folder: Path, protocol: str, kind: str) -> None:
    """A fault of the signature is one for Alipay's own code too."""
    with serving_alipay(protocol=protocol) as (sandbox, settings):
        sandbox.faults.add(kind, on=TOKEN)
        assert "验签失败" in log_in(folder, sandbox, config(settings), protocol)["error"]


def test_the_sdk_reads_encrypted_answers(folder: Path) -> None:
    """V3, both ways: the SDK encrypts its request, verifies the cipher text and decrypts it."""
    with serving_alipay(protocol="v3", aes=True) as (sandbox, settings):
        check_persons(log_in(folder, sandbox, config(settings), "v3", needEncrypt=True), sandbox)


def test_the_sdk_reads_the_phone_number(folder: Path) -> None:
    """What the mini program hands in is verified and decrypted as the vendor's documentation says."""
    with serving_alipay(aes=True) as (sandbox, settings):
        told = log_in(folder, sandbox, config(settings), "v2", phone=sandbox.phone_for("wangfang"))
        assert told == {"isVerified": True, "phone": {"code": "10000", "msg": "Success", "mobile": "13800000002"}}
