"""The sandbox's error answers: Alipay's public codes, its sub codes, and their texts.

Common codes: https://opendocs.alipay.com/common/02km9f
Codes of the token call: https://opendocs.alipay.com/apis/api_9/alipay.system.oauth.token
"""

from typing import Self

MESSAGES = {
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Insufficient Conditions",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}

# sub code: code and text
SUB_CODES = {
    "isp.unknow-error": ("20000", "系统繁忙"),
    "aop.unknow-error": ("20000", "系统繁忙"),
    "aop.invalid-auth-token": ("20001", "无效的访问令牌"),
    "aop.auth-token-time-out": ("20001", "访问令牌已过期"),
    "isv.missing-method": ("40001", "缺少方法名参数"),
    "isv.missing-signature": ("40001", "缺少签名参数"),
    "isv.missing-signature-type": ("40001", "缺少签名类型参数"),
    "isv.missing-app-id": ("40001", "缺少appId参数"),
    "isv.missing-timestamp": ("40001", "缺少时间戳参数"),
    "isv.missing-version": ("40001", "缺少版本参数"),
    "isv.missing-encrypt-key": ("40001", "缺少加密配置"),
    "isv.missing-app-cert-sn": ("40001", "缺少应用公钥证书序列号"),
    "isv.missing-alipay-root-cert-sn": ("40001", "缺少支付宝根证书序列号"),
    "isv.app-cert-not-exist": ("40002", "应用公钥证书不存在"),
    "isv.invalid-alipay-root-cert-sn": ("40002", "支付宝根证书序列号无效"),
    "isv.invalid-parameter": ("40002", "参数无效"),
    "isv.invalid-method": ("40002", "不存在的方法名"),
    "isv.invalid-app-id": ("40002", "无效的appId参数"),
    "isv.invalid-format": ("40002", "无效的数据格式"),
    "isv.invalid-charset": ("40002", "字符集错误"),
    "isv.invalid-timestamp": ("40002", "非法的时间戳参数"),
    "isv.invalid-signature": ("40002", "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配"),
    "isv.invalid-signature-type": ("40002", "无效的签名类型"),
    "isv.invalid-encrypt-type": ("40002", "无效的加密类型"),
    "isv.invalid-encrypt": ("40002", "解密异常"),
    "isv.suspected-attack": ("40002", "可疑的攻击请求"),
    "isv.grant-type-invalid": ("40002", "授权类型无效"),
    "isv.code-invalid": ("40002", "授权码code无效"),
    "isv.refresh-token-invalid": ("40002", "刷新令牌refresh_token无效"),
    "isv.refresh-token-time-out": ("40002", "刷新令牌refresh_token过期"),
    "isv.refreshed-token-invalid": ("40002", "刷新令牌refresh_token已被使用"),
    "isv.invalid-auth-relations": ("40003", "无效的授权关系"),
    "ALIPAY_CERT_NOT_EXIST": ("40004", "支付宝公钥证书不存在"),
    "isv.insufficient-isv-permissions": ("40006", "ISV权限不足，建议在开发者中心检查对应功能是否已经添加"),
}

# code: HTTP status in OpenAPI V3; 400 for all others
STATUS = {"20000": 500, "20001": 401, "40005": 429, "40006": 403}


class AlipayRefusal(Exception):
    """Alipay refuses a call, with a code and a sub code. Raised inside the sandbox, never by the provider."""

    def __init__(self, sub_code: str, code: str = "") -> None:
        """`code` may be empty for a sub code of `SUB_CODES`; for another one the default is 40004."""
        super().__init__(sub_code)
        default_code, text = SUB_CODES.get(sub_code, ("40004", sub_code))
        self.sub_code, self.code, self.text = sub_code, code or default_code, text

    @classmethod
    def of_fault(cls, value: str) -> Self:
        """Return the refusal for the value of a fault: `code:sub_code`, or a sub code of `SUB_CODES` alone."""
        code, mark, sub_code = value.rpartition(":")
        return cls(sub_code or "isp.unknow-error", code if mark else "")

    @property
    def status(self) -> int:
        """The HTTP status in OpenAPI V3."""
        return STATUS.get(self.code, 400)

    def fields(self) -> dict[str, object]:
        """Return the members of the gateway's answer (V2)."""
        message = MESSAGES.get(self.code, "Business Failed")
        return {"code": self.code, "msg": message, "sub_code": self.sub_code, "sub_msg": self.text}

    def v3_fields(self) -> dict[str, object]:
        """Return the members of OpenAPI V3's answer."""
        link = {"link": f"https://open.alipay.com/api/errCheck?code={self.sub_code}", "desc": "解决方案"}
        return {"code": self.sub_code, "message": self.text, "links": [link]}


def require(condition: object, sub_code: str) -> None:
    """Raise `AlipayRefusal` with `sub_code` unless `condition` is true."""
    if not condition:
        raise AlipayRefusal(sub_code)
