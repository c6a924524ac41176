"""Every text that a member reads, in English: the source that the catalogues in `locale/` translate.

To give an error its own words, add its code to `REFUSALS`. Never holds markup, a vendor's name, or what only an
operator should know: that goes to the log.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from connect_core.identity import Language

LANGUAGES: Final[tuple[Language, ...]] = ("zh-CN", "zh-TW", "en", "ja", "ko")
"""The built-in languages, in the order in which pages offer them."""


class RefusalMessage(NamedTuple):
    """What a member reads when a request is refused: what happened, and one sentence on what to do now.

    `other_login`: another way to log in may well work, so the page links to the login page as well.
    """

    title: str
    advice: str
    other_login: bool = False


TEXTS: Mapping[str, str] = {
    "own_name": "English",
    "log_in": "Log in",
    "choose": "Choose how you would like to log in",
    "log_in_with": "Continue with %s",
    "choose_elsewhere": "You cannot log in here; please open this page as described below",
    "open_in_app": "Please open this page in %s",
    "open_in_browser": "Use the menu at the top to open this page in your browser",
    "address": "This page's address",
    "no_choice": "Login is not available at the moment; please try again later.",
    "start_again": "Log in again",
    "other_login": "Choose another way to log in",
    "to_shop": "Back to the shop",
    "reference": "Reference",
    "logged_in": "You are logged in",
    "member_name": "Member name",
    "place": "Location",
    "connections": "Your ways to log in",
    "no_connection": "No login is linked yet.",
    "since": "Linked on",
    "log_out": "Log out",
    "account": "Login and security",
    "bind": "Link",
    "unbind": "Unlink",
    "unbind_advice": "You can then no longer log in with %s, and other devices logged in with it are logged out.",
    "unbind_and_log_out": "Also log out on this device",
    "unbind_now": "Unlink now",
    "sessions": "Where you are logged in",
    "logged_in_on": "Logged in",
    "this_device": "This device",
    "end_session": "Log out",
    "end_other_sessions": "Log out on all other devices",
    "client_pc": "Computer",
    "client_h5": "Phone browser",
    "client_app": "App",
    "client_mini": "Mini program",
    "first_login": "Welcome",
    "hello": "Hello, ",
    "first_login_with": "This is your first login with %s",
    "i_am_new": "I am new here",
    "i_have_an_account": "I already have an account",
    "username": "Member name",
    "password": "Password",
    "join": "Log in and link",
    "wrong_credentials": "The member name or password is wrong",
    "set_password": "Set a password",
    "change_password": "Change the password",
    "new_password": "New password (at least 8 characters)",
    "personal_data": "Your data",
    "export": "Download my data",
    "erase": "Delete my account",
    "erase_what": "The following is deleted and cannot be restored:",
    "erase_profile": "Your name, profile picture, phone number and location",
    "erase_connections": "All linked logins",
    "erase_sessions": "Your logins on all devices",
    "erase_later": "If you log in the same way later, you become a new member.",
    "erase_vendor": "What you allowed on the platform that you log in with, you can withdraw in its settings.",
    "keep": "Go back",
    "log_in_by_phone": "Log in with your phone",
    "handover_waiting": "Scan this QR code with your phone, and confirm there",
    "handover_code": "QR code to log in",
    "handover_scanned": "Scanned",
    "handover_scanned_advice": "Please confirm on your phone",
    "handover_approved": "Confirmed on your phone",
    "handover_approved_advice": "Click the button below to finish logging in",
    "handover_collect": "Finish logging in",
    "handover_denied": "Declined on the phone",
    "handover_denied_advice": "This QR code no longer works",
    "handover_expired": "This QR code has expired",
    "handover_expired_advice": "A QR code is valid for two minutes",
    "handover_renew": "Show a new QR code",
    "handover_confirm": "Log in on this computer?",
    "handover_confirm_advice": (
        "Confirm only if you have just opened the login page yourself. Decline if somebody sent you the QR code."
    ),
    "shop": "Shop",
    "member": "Log in as",
    "browser": "Browser",
    "system": "System",
    "network": "Network",
    "asked_at": "Time",
    "seconds_ago": "%d seconds ago",
    "unknown": "Unknown",
    "handover_deny": "Decline",
    "handover_approve": "Confirm",
    "handover_approved_here": "Confirmed",
    "handover_approved_here_advice": "Please finish on the computer.",
    "handover_denied_here": "Declined",
    "handover_denied_here_advice": "That computer was not logged in.",
    "handover_take_back": "That was not me: cancel the confirmation",
    "merge": "Merge accounts",
    "merge_ask": "Merge another account into this one",
    "merge_start": "How do you log in to your other account?",
    "merge_start_advice": (
        "Log in to it once to show that it is yours. Before anything is merged, you see what moves to this account."
    ),
    "merge_stays": "Stays",
    "merge_moves": "Moves over",
    "merge_ends": "Unlinked",
    "merge_ends_why": "The account that stays has its own; if you log in with this one later, you become a new member",
    "merge_no_login": "No linked login",
    "merge_shop": "Also moves over",
    "merge_is_for_good": "A merge cannot be undone.",
    "merge_can_be_undone": "You can undo it on your account page until",
    "merge_confirm": "Merge",
    "merge_cancel": "Cancel",
    "merge_refused": "These two accounts cannot be merged",
    "merge_over": "The last login has expired; please start again",
    "merge_same": "You are already logged in to this account",
    "merge_disabled": "That account cannot be used at the moment",
    "merged_until": "Can be undone until",
    "merge_undo": "Undo",
    "leaving": "Taking you to the login page",
    "go_on": "Continue",
    "languages": "Languages",
    "javashop_107": "The login has expired, or the member name or password is wrong",
    "javashop_e134": "This login is not linked",
    "to_login": "Go to the login page",
    "log_out_ask": "Do you want to log out?",
    "password_too_short": "A password needs at least 8 characters",
    "password_too_long": "A password can have at most 128 characters",
    "password_common": "This password is too common; please choose another",
    "password_name": "Your password cannot be your member name or nickname",
    "flash_confirmed": "Thank you, your identity is confirmed. Please continue with what you were about to do.",
    "flash_erased": "Your account and your data have been deleted",
    "flash_join_nobody": (
        "There is no account here for that login. Please try another one, or continue as a new member."
    ),
    "flash_linked": "The login has been linked",
    "flash_linked_name": "%s has been linked",
    "flash_logged_out": "You have been logged out",
    "flash_merge_undone": "The merge has been undone",
    "flash_merged": "The accounts have been merged",
    "flash_other_sessions_ended": "You have been logged out on all other devices",
    "flash_password_changed": "Your password has been changed",
    "flash_password_set": "Your password has been set",
    "flash_session_ended": "That device has been logged out",
    "flash_unlinked": "The login has been unlinked",
    "flash_unlinked_name": "%s has been unlinked",
    "terms": "Terms of use",
    "privacy": "Privacy policy",
    "both_documents": "%s and %s",
    "consent_shown": "By continuing you agree to our %s.",
    "consent_tick": "I have read and agree to the %s",
    "consent_first": "Please tick the box to agree before you create an account",
    "create_account": "Agree and create my account",
    "bind_more": "Add another way to log in",
    "bind_more_advice": "With a second one, you can still log in if you lose access to the first.",
    "erase_advice": "Your profile and all your ways to log in are permanently deleted.",
    "export_advice": "Download a file with everything that we have stored about you.",
    "password_advice": "You can then log in with your member name, %s, and the password.",
    "by_password": "With a member name and a password",
    "merge_kept": "This account stays",
    "merge_merged": "This account is closed",
    "merge_current": "You are logged in to this account",
    "handover_seconds": "Valid for another %d seconds",
    "last_seen": "Last active",
    "device_place": "Location",
    "leave_by_menu": "Tap '...' at the top right, then 'Open in browser'",
    "leave_qq": "Tap the menu at the top right, then 'Open in browser'",
    "leave_meta": "Tap '...' at the top right, then 'Open in external browser'",
    "leave_by_link": "Open this page in your browser",
    "leave_android": (
        "Choose 'Open in browser' in the menu at the top right, or copy the address below into your browser"
    ),
    "leave_ios": "Tap the compass or 'Open in Safari', or copy the address below into Safari",
    "app_opening": "Opening %s...",
    "app_opened": "Continue in %s",
    "app_goes_on": "The login continues in %s. You are then logged in there, not in this browser.",
    "app_open": "Open %s",
    "app_nothing_happens": "Nothing happens? Choose another way to log in",
    "app_log_in_here": "Use this browser to log in instead",
    "app_scan": "Scan with %s",
    "app_scan_advice": (
        "Scan this QR code with %s on your phone. You are then logged in on the phone, not on this computer."
    ),
    "app_by_phone": "Log in on this computer instead",
    "app_code": "QR code to log in on your phone",
    "app_blocked": "%s cannot be opened from here",
    "last_used": "Last used",
    "more_ways": "More ways to log in",
    "log_in_by_password": "Log in with a password",
    "forgot_password": "Forgot your password? Log in with a linked account, then set a new one on your account page.",
    "logged_in_as": "You are logged in as",
    "another_member": "Log in as somebody else",
    "join_by_login": "Log in the way you did before, and %s will be linked to that account.",
    "join_by_password": "Use your member name and password",
    "confirm_identity": "Please confirm that it is you",
    "confirm_advice": "To keep your account safe, please log in again in one of the ways below. You can then continue.",
    "confirm_elsewhere": "None of your ways to log in works in this browser; please open the shop as described below.",
    "confirm_impossible": (
        "None of your ways to log in can be used at the moment; please contact the shop's customer service."
    ),
    "confirm_with": "Confirm with %s",
    "confirm_by_password": "Confirm with your password",
    "confirm_again": "Confirm in another way",
    "confirm": "Confirm",
    "wrong_password": "The password is wrong",
    "vendor_down": "%s does not answer at the moment. Please log in another way.",
    "vendor_down_later": "%s does not answer at the moment. Please try again later.",
}

_NOT_COMPLETED = "The login was not completed"
_NOT_AVAILABLE = "This login is not available at the moment"

REFUSALS: Mapping[str, RefusalMessage] = {
    "bad_request": RefusalMessage("This address is incomplete", "Please go back to the login page and start again."),
    "state_missing": RefusalMessage(_NOT_COMPLETED, "Please log in once more."),
    "state_invalid": RefusalMessage(
        "This login is no longer valid", "Please log in again and stay in the same browser until the end."
    ),
    "state_expired": RefusalMessage(
        "This login has expired", "For your security, please log in again and finish within ten minutes."
    ),
    "redirect_not_allowed": RefusalMessage(
        "We cannot take you to that page", "Please log in from the shop's home page."
    ),
    "provider_denied": RefusalMessage(
        "The login was cancelled", "You can log in again or choose another way.", other_login=True
    ),
    "page_previewed": RefusalMessage(
        "This is only a snapshot of the page",
        'Tap "Use full service" at the bottom of the screen to leave it, then log in again.',
        other_login=True,
    ),
    "code_missing": RefusalMessage(_NOT_COMPLETED, "Please log in once more."),
    "code_seen": RefusalMessage("This login has been used already", "Each login works once; please log in again."),
    "code_invalid": RefusalMessage("The login was not confirmed", "Please log in once more."),
    "not_logged_in": RefusalMessage("You are not logged in", "Please log in to continue."),
    "client_invalid": RefusalMessage(
        "This service is not allowed to ask", "Please contact the shop's customer service."
    ),
    "token_invalid": RefusalMessage("Your login has expired", "Please log in again to continue."),
    "member_disabled": RefusalMessage(
        "This account cannot be used at the moment", "Please contact the shop's customer service.", other_login=True
    ),
    "forbidden": RefusalMessage(
        "This is not possible here", "Please go back, or ask the shop's customer service for help."
    ),
    "handover_over": RefusalMessage(
        "This QR code no longer works", "Please show a new QR code on the computer, and scan that one."
    ),
    "unsupported": RefusalMessage(
        "This login is not offered here", "Please choose another way to log in.", other_login=True
    ),
    "already_bound": RefusalMessage(
        "Already linked to another member", "Please link a different account, or log in as that member."
    ),
    "nothing_to_merge": RefusalMessage(
        "There is no account to merge", "Please log in the way you log in to your other account."
    ),
    "last_connection": RefusalMessage(
        "This is your only way to log in", "Please link another one first, then unlink this one."
    ),
    "changed_meanwhile": RefusalMessage(
        "Somebody else changed this meanwhile", "Please load the page again, and make your change anew if it is wanted."
    ),
    "rate_limited": RefusalMessage("Too many requests", "Please try again %s."),
    "provider_unsigned": RefusalMessage(
        _NOT_AVAILABLE, "Please choose another way to log in, or try again later.", other_login=True
    ),
    "provider_bad_response": RefusalMessage(
        _NOT_AVAILABLE, "Please choose another way to log in, or try again later.", other_login=True
    ),
    "provider_refused": RefusalMessage(
        "This login is busy right now",
        "Please try again in a moment, or choose another way to log in.",
        other_login=True,
    ),
    "provider_config": RefusalMessage(_NOT_AVAILABLE, "Please choose another way to log in.", other_login=True),
    "provider_timeout": RefusalMessage(
        "This is taking too long", "Please try again, or choose another way to log in.", other_login=True
    ),
    "provider_down": RefusalMessage(
        "This login does not answer at the moment",
        "Please log in another way, or try again %s.",
        other_login=True,
    ),
    "unavailable": RefusalMessage("We are busy right now", "Please try again in a minute."),
    "bad_form": RefusalMessage(
        "The form could not be accepted", "Please go back, check what you entered and send it again."
    ),
    "unbind_cooldown": RefusalMessage("This login was linked only recently", "You can unlink it from %s."),
    "page_outdated": RefusalMessage(
        "This page is out of date",
        "Nothing was changed, because you have logged in otherwise in another tab since then; please look at the page "
        "again.",
    ),
    "page_not_found": RefusalMessage("Page not found", "Please check the address, or continue from here."),
    "not_there": RefusalMessage(
        "This is no longer available", "It may have been changed on another page or device; please go back and check."
    ),
    "method_not_allowed": RefusalMessage("This address cannot be opened directly", "Please continue from here."),
    "too_many_tries": RefusalMessage("Too many password attempts", "Please try again %s, or log in another way."),
    "consent_required": RefusalMessage(
        "Please agree to the terms first", "Please go back, tick the box and create your account."
    ),
    "not_this_member": RefusalMessage(
        "That login is not linked to your account",
        "You are still logged in; please use a login that is linked to your account.",
    ),
}


def refusal_for(code: str) -> RefusalMessage:
    """Return what a member reads for the error `code`, in English; an unknown one reads as `unavailable`."""
    return REFUSALS.get(code, REFUSALS["unavailable"])


def refusal_keys(code: str) -> tuple[str, str]:
    """Return the keys of the title and the advice for the error `code`, as catalogues have them."""
    known = code if code in REFUSALS else "unavailable"
    return f"refusal.{known}.title", f"refusal.{known}.advice"


def get_sources() -> dict[str, str]:
    """Return every text that is translated, by its key: those of pages and those of refusals."""
    sources = dict(TEXTS)
    for code, refusal in REFUSALS.items():
        title, advice = refusal_keys(code)
        sources |= {title: refusal.title, advice: refusal.advice}
    return sources
