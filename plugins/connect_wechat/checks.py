"""What the doctor is told of the form of a registration's id and secret.

https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
"""

import re
from collections.abc import Iterator

from connect_core.plugin import Finding, Level

_APP_ID = re.compile("wx[0-9a-f]{16}")
_SECRET = re.compile("[0-9a-f]{32}")


def check_registration(app_id: str, app_secret: str) -> Iterator[Finding]:
    """Yield a finding for an AppID or AppSecret that looks like none; the secret is not shown."""
    if not _APP_ID.fullmatch(app_id):
        yield Finding(
            "setting_malformed",
            Level.WARNING,
            "app_id is not wx and 16 hexadecimal digits, which every AppID of WeChat is.",
            "Copy the AppID from WeChat's console; the original id (gh_…) is another one.",
        )
    if not _SECRET.fullmatch(app_secret):
        yield Finding(
            "setting_malformed",
            Level.WARNING,
            "app_secret is not 32 hexadecimal digits, which every AppSecret of WeChat is.",
            "Reset the AppSecret in WeChat's console, and copy it whole.",
        )
