"""WeChat's provider under the contract that every plugin runs."""

from typing import ClassVar

from connect_core.testing import ProviderContract


class TestContract(ProviderContract):
    """Errors inside HTTP 200, a unionid beside the openid."""

    plugin = "wechat"
    token_operation = "token"
    profile_operation = "userinfo"
    untrusted = ("missing_id", "swapped_id")
    refusals: ClassVar = {
        "40029": "code_invalid",
        "40163": "code_invalid",
        "40125": "provider_config",
        "40226": "provider_denied",
        "-1": "provider_refused",
    }
