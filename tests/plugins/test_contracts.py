"""Every bundled provider, in each of its modes, under the contract that strangers' plugins run too."""

from connect_alipay.sandbox import AlipaySandbox
from connect_core.sandbox import Sandbox
from connect_core.testing import ProviderContract


class TestWechat(ProviderContract):
    """WeChat: errors inside HTTP 200, a unionid beside the openid."""

    plugin = "wechat"
    token_operation = "token"
    profile_operation = "userinfo"
    untrusted = ("missing_id", "swapped_id")
    refusals = {"40029": "code_invalid", "40163": "code_invalid", "40125": "provider_config", "-1": "provider_refused"}


class TestAlipay(ProviderContract):
    """Alipay with its public key."""

    plugin = "alipay"
    token_operation = "alipay.system.oauth.token"
    profile_operation = "alipay.user.info.share"
    untrusted = ("unsigned", "wrong_sign", "missing_id", "swapped_id")
    refusals = {
        "40002:isv.code-invalid": "code_invalid",
        "20001:aop.invalid-auth-token": "code_invalid",
        "40003:isv.invalid-auth-relations": "provider_denied",
        "20000:isp.unknow-error": "provider_refused",
        "40006:isv.insufficient-isv-permissions": "provider_config",
        "40002:isv.invalid-signature": "provider_config",
    }


class TestAlipayWithCertificates(TestAlipay):
    """Alipay in certificate mode, answers encrypted and in GBK."""

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """Certificate mode with content encryption."""
        return AlipaySandbox(mode="certificate", aes=True, charset="gbk")


class TestAlipayOverV3(TestAlipay):
    """Alipay's OpenAPI V3 in certificate mode."""

    @classmethod
    def make_sandbox(cls) -> Sandbox:
        """OpenAPI V3."""
        return AlipaySandbox(mode="certificate", protocol="v3")
