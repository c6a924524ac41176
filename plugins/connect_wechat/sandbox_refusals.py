"""The sandbox's error answers: WeChat's error numbers and their texts.

https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
"""

BAD_LINK = 0

TEXTS = {
    BAD_LINK: "链接参数错误 · the link's parameters are not in WeChat's order, or response_type is not code",
    -1: "system error",
    10003: "redirect_uri 域名与后台配置不一致 · redirect_uri is outside the registered domain",
    10005: "没有 scope 的权限 · no right to this scope",
    10010: "scope 不能为空 · scope is missing",
    10011: "redirect_uri 不能为空 · redirect_uri is missing",
    10012: "appid 错误 · appid is missing or unknown",
    10013: "state 错误 · state is missing, longer than 128 bytes, or not a-zA-Z0-9",
    10016: "appid 类型不符 · this kind of appid does not log in here",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40030: "invalid refresh_token",
    40125: "invalid appsecret",
    40163: "code been used",
    40226: "code blocked",
    40243: "AppSecret is frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41009: "missing openid",
    42001: "access_token expired",
    42003: "code expired",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
}


class WechatRefusal(Exception):
    """WeChat refuses a call or shows an error page. Raised inside the sandbox, never by the provider."""

    def __init__(self, errcode: int) -> None:
        """`errcode` is WeChat's number; one that `TEXTS` does not have is answered with the text "refused"."""
        super().__init__(TEXTS.get(errcode, "refused"))
        self.errcode = errcode


def require(condition: object, errcode: int) -> None:
    """Raise `WechatRefusal` with `errcode` unless `condition` is true."""
    if not condition:
        raise WechatRefusal(errcode)
