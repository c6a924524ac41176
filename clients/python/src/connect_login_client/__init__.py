"""Calls a connect-login service: third-party logins for shops.

with ConnectLogin("https://shop.example") as shop:
    tokens = shop.log_in("wechat", "mini", code=code)
"""

from connect_login_client.api import AsyncConnectLogin, ConnectLogin
from connect_login_client.models import ErrorCode
from connect_login_client.transport import Refusal, UnexpectedAnswer

__all__ = ["AsyncConnectLogin", "ConnectLogin", "ErrorCode", "Refusal", "UnexpectedAnswer"]
