"""Alipay's SDK for Python against the sandbox: it verifies our answers, and the sandbox verifies its requests.

It knows the key mode of protocol V2 alone, in any charset. It runs in a process of its own, as it installs itself under
the name `alipay` and keeps its state in the process.
"""

import sys
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import pytest

from connect_alipay.sandbox import AlipaySandbox
from connect_alipay.sandbox_gateway import PERSON, TOKEN
from connect_core.crypto import RsaPrivateKey, load_private_key
from connect_core.plugin import ClientType

from .drivers import check_persons, drive, missing, serving_alipay


@pytest.fixture(scope="module", autouse=True)
def _is_installed() -> None:
    if not find_spec("alipay"):
        missing("the PyPI package alipay-sdk-python")


def log_in(sandbox: AlipaySandbox, settings: dict[str, str], key: RsaPrivateKey | None = None) -> dict[str, Any]:
    """Let the SDK log wangfang in; it takes PKCS#1 without armour."""
    gateway = urlsplit(settings["gateway_url"])
    private_key = (key or load_private_key(settings["private_key"])).pkcs1_pem()
    config = {
        "app_id": settings["app_id"],
        "app_private_key": "".join(private_key.splitlines()[1:-1]),
        "alipay_public_key": settings["alipay_public_key"],
        "server_url": f"http://{gateway.hostname}{gateway.path}",
        "charset": settings["charset"],
    }
    code = sandbox.code_for(ClientType.PC, "wangfang")
    job = {"config": config, "code": code, "port": gateway.port}
    return drive([sys.executable, "python_driver.py"], job, "CST-8")


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_the_sdk_logs_in(charset: str) -> None:
    """Token and profile, signatures verified by the SDK over the bytes of the charset."""
    with serving_alipay(charset=charset) as (sandbox, settings):
        check_persons(log_in(sandbox, settings), sandbox)
        assert (sandbox.called(TOKEN), sandbox.called(PERSON)) == (1, 1)


def test_the_double_refuses_another_key() -> None:
    """A request that another key signed gets an unsigned refusal, which the SDK does not take for an answer."""
    with serving_alipay() as (sandbox, settings):
        assert "isv.invalid-signature" in log_in(sandbox, settings, RsaPrivateKey.generate())["error"]


@pytest.mark.parametrize("kind", ["wrong_sign", "changed"])
def test_the_sdk_notices_what_the_double_spoils(kind: str) -> None:
    """A fault of the signature is one for Alipay's own code too."""
    with serving_alipay() as (sandbox, settings):
        sandbox.faults.add(kind, on=TOKEN)
        assert "sign verify failed" in log_in(sandbox, settings)["error"]


def test_the_sdk_reads_a_signed_refusal() -> None:
    """A failure behind the door is signed, and the SDK accepts it as Alipay's."""
    with serving_alipay() as (sandbox, settings):
        sandbox.faults.add("error", "isv.code-invalid", on=TOKEN)
        assert log_in(sandbox, settings)["token"]["sub_code"] == "isv.code-invalid"
