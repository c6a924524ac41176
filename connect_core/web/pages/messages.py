"""Every text that a member reads, in Chinese and English, and the choice between the two languages.

To give an error its own words, add its code to `REFUSALS`. Never holds markup, a vendor's name, or what only an
operator should know: that goes to the log.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from connect_core.identity import Language

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
HEADER_LIMIT = 4096


class Wording(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str

    def in_language(self, language: Language) -> str:
        """Return the text in `language`."""
        return self.zh if language == "zh" else self.en


class RefusalMessage(NamedTuple):
    """What a member reads when a request is refused: what happened, and one sentence on what to do now.

    `other_login`: another way to log in may well work, so the page links to the login page as well.
    """

    title: Wording
    advice: Wording
    other_login: bool = False


TEXTS: Mapping[str, Wording] = {
    "html_language": Wording("zh-CN", "en"),
    "own_name": Wording("中文", "English"),
    "log_in": Wording("登录", "Log in"),
    "choose": Wording("请选择一种登录方式", "Choose how you would like to log in"),
    "log_in_with": Wording("%s登录", "Continue with %s"),
    "choose_elsewhere": Wording(
        "这里无法登录，请按下面的提示打开本页", "You cannot log in right here; please open this page as told below"
    ),
    "open_in_app": Wording("请在%s中打开本页", "Works in %s: open this page there"),
    "open_in_browser": Wording(
        "请点右上角“…”，选择“在浏览器打开”", "Works in your browser: the menu at the top opens this page there"
    ),
    "address": Wording("本页地址", "This page's address"),
    "no_choice": Wording(
        "目前没有可用的登录方式，请稍后再来。", "There is no way to log in at the moment; please come back later."
    ),
    "start_again": Wording("重新登录", "Log in again"),
    "other_login": Wording("选择其他登录方式", "Choose another way to log in"),
    "to_shop": Wording("返回商城", "Back to the shop"),
    "reference": Wording("参考编号", "Reference"),
    "logged_in": Wording("您已登录", "You are logged in"),
    "member_name": Wording("会员名", "Member name"),
    "place": Wording("所在地", "Place"),
    "connections": Wording("已绑定的登录方式", "Your ways to log in"),
    "no_connection": Wording("还没有绑定登录方式。", "None is linked yet."),
    "since": Wording("绑定于", "Linked on"),
    "log_out": Wording("退出登录", "Log out"),
    "account": Wording("登录与安全", "Login and security"),
    "bind": Wording("绑定", "Link"),
    "unbind": Wording("解绑", "Unlink"),
    "unbind_advice": Wording(
        "解绑后不能再用%s登录，用它登录的其他设备也会下线。",
        "You can then no longer log in with %s, and other devices that did are logged out.",
    ),
    "unbind_and_log_out": Wording("这台设备也退出登录", "Log out here as well"),
    "unbind_now": Wording("确认解绑", "Unlink now"),
    "sessions": Wording("已登录的设备", "Where you are logged in"),
    "logged_in_on": Wording("登录于", "Logged in on"),
    "this_device": Wording("当前设备", "This one"),
    "end_session": Wording("下线", "Log out"),
    "end_other_sessions": Wording("退出其他所有设备", "Log out everywhere else"),
    "client_pc": Wording("电脑网页", "Computer"),
    "client_h5": Wording("手机网页", "Phone browser"),
    "client_app": Wording("手机应用", "App"),
    "client_mini": Wording("小程序", "Mini program"),
    "first_login": Wording("欢迎", "Welcome"),
    "hello": Wording("您好，", "Hello, "),
    "first_login_with": Wording("您第一次用%s登录", "This is your first login with %s"),
    "i_am_new": Wording("我是新用户", "I am new here"),
    "i_have_an_account": Wording("我已有账号", "I have an account here"),
    "username": Wording("会员名", "Member name"),
    "password": Wording("密码", "Password"),
    "join": Wording("登录并绑定", "Log in and link"),
    "wrong_credentials": Wording("会员名或密码不正确", "Member name or password is wrong"),
    "set_password": Wording("设置密码", "Set a password"),
    "new_password": Wording("新密码（至少 8 个字符）", "New password (at least 8 characters)"),
    "personal_data": Wording("您的数据", "Your data"),
    "export": Wording("下载我的数据", "Download my data"),
    "erase": Wording("注销账号", "Delete my account"),
    "erase_what": Wording("以下内容将被删除，无法恢复：", "This is deleted, and cannot be brought back:"),
    "erase_profile": Wording("您的昵称、头像、手机号和地区", "Your name, portrait, phone number and place"),
    "erase_connections": Wording("所有已绑定的登录方式", "Every linked login"),
    "erase_sessions": Wording("所有设备上的登录", "Every login on every device"),
    "erase_later": Wording(
        "以后再用同样的方式登录，将成为新会员。", "Whoever logs in the same way later is a new member."
    ),
    "erase_vendor": Wording(
        "您在登录平台上给予的授权，请在该平台的设置中取消。",
        "What you allowed at the platform that you log in with, you take back in its own settings.",
    ),
    "keep": Wording("返回", "Go back"),
    "log_in_by_phone": Wording("用手机扫码登录", "Log in with your phone"),
    "handover_waiting": Wording(
        "请用手机扫描二维码，并在手机上确认", "Scan this QR code with your phone, and confirm there"
    ),
    "handover_code": Wording("登录二维码", "QR code to log in"),
    "handover_scanned": Wording("已扫描", "Scanned"),
    "handover_scanned_advice": Wording("请在手机上确认登录", "Please confirm on your phone"),
    "handover_approved": Wording("手机已确认", "Confirmed on your phone"),
    "handover_approved_advice": Wording("点击下面的按钮完成登录", "One more click and you are logged in"),
    "handover_collect": Wording("完成登录", "Finish logging in"),
    "handover_denied": Wording("手机已拒绝", "Declined on the phone"),
    "handover_denied_advice": Wording("这个二维码已失效", "This QR code no longer works"),
    "handover_expired": Wording("二维码已过期", "This QR code has expired"),
    "handover_expired_advice": Wording("每个二维码两分钟内有效", "A QR code lasts two minutes"),
    "handover_renew": Wording("换一个二维码", "Show a new QR code"),
    "handover_confirm": Wording("在这台电脑上登录？", "Log in on this computer?"),
    "handover_confirm_advice": Wording(
        "只确认您自己刚刚打开的页面。别人发来的二维码，请拒绝。",
        "Confirm only a page that you have just opened yourself. Decline a QR code that somebody sent you.",
    ),
    "shop": Wording("商城", "Shop"),
    "member": Wording("登录账号", "Log in as"),
    "browser": Wording("浏览器", "Browser"),
    "system": Wording("系统", "System"),
    "network": Wording("网络", "Network"),
    "asked_at": Wording("时间", "Time"),
    "seconds_ago": Wording("%d 秒前", "%d seconds ago"),
    "unknown": Wording("未知", "Unknown"),
    "handover_deny": Wording("拒绝", "Decline"),
    "handover_approve": Wording("确认登录", "Confirm"),
    "handover_approved_here": Wording("已确认", "Confirmed"),
    "handover_approved_here_advice": Wording("请回到电脑上完成登录。", "Please finish on the computer."),
    "handover_denied_here": Wording("已拒绝", "Declined"),
    "handover_denied_here_advice": Wording("那台电脑没有登录。", "That computer was not logged in."),
    "handover_take_back": Wording("不是我，撤回确认", "That was not me: take it back"),
    "merge": Wording("合并账号", "Merge accounts"),
    "merge_ask": Wording("并入我的另一个账号", "Merge another account of mine into this one"),
    "merge_start": Wording("您的另一个账号怎么登录？", "How do you log in to your other account?"),
    "merge_start_advice": Wording(
        "请用它登录一次，证明它也是您的。合并之前，您会看到哪些内容将转入这个账号。",
        "Log in with it once, to show that it is yours. Before anything is merged you see what moves into this one.",
    ),
    "merge_stays": Wording("保留", "Stays"),
    "merge_closes": Wording("将停用", "Is closed"),
    "merge_moves": Wording("转入", "Moves over"),
    "merge_ends": Wording("将解绑", "Ends"),
    "merge_ends_why": Wording(
        "保留的账号已绑定另一个；以后用这个登录，将成为新会员",
        "The account that stays has another; who logs in with this one later is a new member",
    ),
    "merge_no_login": Wording("没有绑定登录方式", "No linked login"),
    "merge_shop": Wording("同时转入", "Also moves over"),
    "merge_is_for_good": Wording("合并后无法撤销。", "A merge cannot be undone."),
    "merge_can_be_undone": Wording("可在账号页面撤销，截止", "You can undo it on your account page until"),
    "merge_confirm": Wording("确认合并", "Merge"),
    "merge_cancel": Wording("取消", "Cancel"),
    "merge_refused": Wording("这两个账号不能合并", "These two accounts cannot be merged"),
    "merge_over": Wording("上一次的登录已失效，请重新开始", "The last login no longer counts, please start over"),
    "merge_same": Wording("这就是当前的账号", "This is the account that you are logged in to"),
    "merge_disabled": Wording("那个账号暂时无法使用", "That account cannot be used at the moment"),
    "merged_until": Wording("可撤销至", "Can be undone until"),
    "merge_undo": Wording("撤销合并", "Undo"),
    "leaving": Wording("正在前往登录页面", "Taking you there"),
    "go_on": Wording("继续", "Continue"),
    # login.html, already_logged_in.html
    "last_used": Wording("上次使用", "Last used"),
    "more_ways": Wording("其他登录方式", "More ways to log in"),
    "log_in_by_password": Wording("密码登录", "Log in with a password"),
    "forgot_password": Wording(
        "忘记密码？请先用已绑定的方式登录，再到“登录与安全”中设置新密码。",
        "Forgot your password? Log in with a linked account, then set a new one on your account page.",
    ),
    "logged_in_as": Wording("您已登录：", "You are logged in as"),
    "another_member": Wording("换个账号登录", "Log in as somebody else"),
    # first_login.html
    "join_by_login": Wording(
        "请用您以前的方式登录一次，%s将绑定到那个账号。",
        "Log in the way you did before, and %s is linked to that account.",
    ),
    "join_by_password": Wording("用会员名和密码", "Use your member name and password"),
    "join_nobody": Wording(
        "这种方式在本店还没有账号。请换一种方式，或选择“我是新用户”。",
        "There is no account here for that login. Please try another one, or say that you are new.",
    ),
    # confirm_identity.html
    "confirm_identity": Wording("请先确认是您本人", "Please confirm that it is you"),
    "confirm_advice": Wording(
        "为了账号安全，请用您自己的登录方式验证，然后继续刚才的操作。",
        "To keep your account safe, please log in once more in one of your own ways. Then you can go on.",
    ),
    "confirm_elsewhere": Wording(
        "您的登录方式在这里都无法使用，请按下面的提示打开本店。",
        "None of your ways to log in works in this browser; please open the shop as told below.",
    ),
    "confirm_impossible": Wording(
        "您的登录方式目前都无法使用，请联系商城客服。",
        "None of your ways to log in can be used at the moment; please contact the shop's customer service.",
    ),
    "confirm_with": Wording("用%s验证", "Confirm with %s"),
    "confirm_by_password": Wording("用密码验证", "Confirm with your password"),
    "confirm_again": Wording("换一种方式验证", "Confirm in another way"),
    "confirm": Wording("验证", "Confirm"),
    "wrong_password": Wording("密码不正确", "The password is wrong"),
    "repeat_action": Wording(
        "已确认是您本人，请再操作一次。", "Thank you, it is you. Please repeat what you were about to do."
    ),
}

_NOT_COMPLETED = Wording("登录没有完成", "The login was not completed")
_NOT_AVAILABLE = Wording("这种登录方式暂时不可用", "This login is not available at the moment")

REFUSALS: Mapping[str, RefusalMessage] = {
    "bad_request": RefusalMessage(
        Wording("页面地址不完整", "This address is not complete"),
        Wording("请回到登录页面重新开始。", "Please go back to the login page and start again."),
    ),
    "state_missing": RefusalMessage(_NOT_COMPLETED, Wording("请重新登录一次。", "Please log in once more.")),
    "state_invalid": RefusalMessage(
        Wording("这次登录已失效", "This login is no longer valid"),
        Wording(
            "请重新登录，并在同一个浏览器中完成。", "Please log in again and stay in the same browser until the end."
        ),
    ),
    "state_expired": RefusalMessage(
        Wording("这次登录已过期", "This login has expired"),
        Wording(
            "为了您的安全，请重新登录并在十分钟内完成。",
            "To keep you safe a login lasts ten minutes; please log in again.",
        ),
    ),
    "redirect_not_allowed": RefusalMessage(
        Wording("无法前往这个页面", "We cannot take you to that page"),
        Wording("请从商城首页重新登录。", "Please log in from the shop's home page."),
    ),
    "provider_denied": RefusalMessage(
        Wording("登录已取消", "The login was cancelled"),
        Wording("您可以重新登录，或换一种登录方式。", "You can log in again or choose another way."),
        other_login=True,
    ),
    "page_previewed": RefusalMessage(
        Wording("这里只是页面快照", "This is only a snapshot of the page"),
        Wording(
            "请点屏幕下方的“使用完整服务”，离开快照，再登录一次。",
            'Tap "Use full service" at the bottom of the screen to leave it, then log in again.',
        ),
        other_login=True,
    ),
    "code_missing": RefusalMessage(_NOT_COMPLETED, Wording("请重新登录一次。", "Please log in once more.")),
    "code_seen": RefusalMessage(
        Wording("这次登录已经用过了", "This login has been used already"),
        Wording("每次登录只能使用一次，请重新登录。", "Each login works once; please log in again."),
    ),
    "code_invalid": RefusalMessage(
        Wording("登录没有得到确认", "The login was not confirmed"),
        Wording("请重新登录一次。", "Please log in once more."),
    ),
    "not_logged_in": RefusalMessage(
        Wording("您还没有登录", "You are not logged in"), Wording("请先登录，再继续。", "Please log in to continue.")
    ),
    "token_invalid": RefusalMessage(
        Wording("登录已过期", "Your login has expired"),
        Wording("请重新登录，再继续。", "Please log in again to continue."),
    ),
    "member_disabled": RefusalMessage(
        Wording("这个账号暂时无法使用", "This account cannot be used at the moment"),
        Wording("请联系商城客服。", "Please contact the shop's customer service."),
        other_login=True,
    ),
    "forbidden": RefusalMessage(
        Wording("暂时无法进行这项操作", "This is not possible here"),
        Wording(
            "请返回上一页，如需帮助请联系商城客服。", "Please go back, or ask the shop's customer service for help."
        ),
    ),
    "not_this_member": RefusalMessage(
        Wording("这不是您账号的登录方式", "That login is not linked to your account"),
        Wording(
            "您仍保持登录，请用您账号已绑定的方式验证。",
            "You are still logged in; please use a login that is linked to your account.",
        ),
    ),
    "handover_over": RefusalMessage(
        Wording("这个二维码已失效", "This QR code no longer works"),
        Wording("请在电脑上换一个二维码，再扫一次。", "Please show a new QR code on the computer, and scan that one."),
    ),
    "unsupported": RefusalMessage(
        Wording("这里没有这种登录方式", "This login is not offered here"),
        Wording("请选择其他登录方式。", "Please choose another way to log in."),
        other_login=True,
    ),
    "already_bound": RefusalMessage(
        Wording("已绑定到另一个会员", "Already linked to another member"),
        Wording("请换一个账号绑定，或用原来的会员登录。", "Please link a different account, or log in as that member."),
    ),
    "nothing_to_merge": RefusalMessage(
        Wording("没有可合并的账号", "There is no account to merge"),
        Wording("请用您另一个账号的登录方式再试一次。", "Please log in the way that you do with your other account."),
    ),
    "last_connection": RefusalMessage(
        Wording("这是您唯一的登录方式", "This is your only way to log in"),
        Wording("请先绑定另一种登录方式，再解除这一种。", "Please link another one first, then remove this one."),
    ),
    "rate_limited": RefusalMessage(
        Wording("请稍等片刻", "One moment, please"),
        Wording("现在请求较多，请一分钟后再试。", "There are many requests just now; please try again in a minute."),
    ),
    "provider_unsigned": RefusalMessage(
        _NOT_AVAILABLE,
        Wording("请选择其他登录方式，或稍后再试。", "Please choose another, or try again later."),
        other_login=True,
    ),
    "provider_bad_response": RefusalMessage(
        _NOT_AVAILABLE,
        Wording("请选择其他登录方式，或稍后再试。", "Please choose another, or try again later."),
        other_login=True,
    ),
    "provider_refused": RefusalMessage(
        Wording("这种登录方式正忙", "This login is busy right now"),
        Wording("请稍后再试，或选择其他登录方式。", "Please try again in a moment, or choose another."),
        other_login=True,
    ),
    "provider_config": RefusalMessage(
        _NOT_AVAILABLE, Wording("请选择其他登录方式。", "Please choose another."), other_login=True
    ),
    "provider_timeout": RefusalMessage(
        Wording("等待时间过长", "This is taking too long"),
        Wording("请再试一次，或选择其他登录方式。", "Please try again, or choose another way to log in."),
        other_login=True,
    ),
    "unavailable": RefusalMessage(
        Wording("服务暂时繁忙", "We are busy right now"), Wording("请一分钟后再试。", "Please try again in a minute.")
    ),
}


def texts_in(language: Language) -> Mapping[str, str]:
    """Return the whole table of page texts in `language`."""
    return {key: wording.in_language(language) for key, wording in TEXTS.items()}


def refusal_for(code: str) -> RefusalMessage:
    """Return what a member reads for the error `code`; an unknown one reads as `unavailable`."""
    return REFUSALS.get(code, REFUSALS["unavailable"])


@lru_cache(256)
def pick_language(requested: str | None, accept_language: str) -> Language:
    """Choose the visitor's language: `requested` (`en`, `zh-CN`), else the `Accept-Language` header, else Chinese.

    Quality values as in RFC 9110 §12.5.4, ranges shortened as in RFC 4647 §3.4; of equals the first named wins. A
    malformed range is passed over; a header above 4 KiB is not read at all. Never raises.
    """
    if chosen := find_language(requested or ""):
        return chosen
    weights: dict[Language, float] = {}
    others = 0.0
    for item in accept_language.split(",") if len(accept_language) <= HEADER_LIMIT else ():
        if not (match := _RANGE.fullmatch(item)):
            continue
        weight = float(match["weight"] or 1) or _REFUSED
        if match["range"] == "*":
            others = weight
        elif language := find_language(match["range"]):
            weights[language] = max(weight, weights.get(language, _REFUSED))
    for language in LANGUAGES:
        weights.setdefault(language, others)
    return max(weights, key=lambda language: weights[language])


_REFUSED = -1.0  # a weight of 0 says "not acceptable", which is less than not being named
_RANGE = re.compile(
    r"[ \t]*(?P<range>[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)


def find_language(tag: str) -> Language | None:
    """Return the language that `tag` (`en`, `zh-CN`) begins with, if it is one of ours."""
    primary = tag[:HEADER_LIMIT].lower().partition("-")[0]
    return next((language for language in LANGUAGES if language == primary), None)
