"""The texts of the screen *administrators*."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "nav_administrators": "Administrators",
    "accounts": "Accounts",
    "role": "Role",
    "account_state": "State",
    "state_active": "Active",
    "state_disabled": "Disabled",
    "state_waiting": "Not set up yet",
    "without_totp": "No one-time password",
    "last_sign_in": "Last sign-in",
    "never": "Never",
    "actions": "Actions",
    "change_role": "Change role",
    "disable": "Disable",
    "enable": "Enable",
    "reset": "New set-up code",
    "reset_advice": "Password and one-time password of %s stop working at once, and all sessions end.",
    "new_administrator": "New administrator",
    "new_administrator_advice": (
        "You get a set-up code, with which they choose their own password and authenticator app."
    ),
    "create": "Create",
    "admin_sessions": "Sessions",
    "through": "Through %s",
    "proof_time": "Proved who they are",
    "last_use": "Last used",
    "this_session": "This session",
    "end_sessions": "End sessions",
    "set_up_code_of": "Set-up code of %s",
    "set_up_code_advice": (
        "Give them this code and address, on a way that nobody else reads. The code is shown only now, works "
        "once, and for 24 hours."
    ),
    "set_up_address": "Address",
    "flash_role_changed": "The role is changed; it counts from the next request on.",
    "flash_administrator_disabled": "The administrator is disabled, and the sessions have ended.",
    "flash_administrator_enabled": "The administrator can sign in again.",
    "flash_administrator_sessions_ended": "The sessions have ended.",
    "mistake_name_form": (
        "A name has at most 48 letters, digits and signs of . _ @ - and begins with a letter or digit."
    ),
    "mistake_name_taken": "There is an administrator of this name.",
    "mistake_last_operator": "Nobody else is an operator. Make somebody else one first.",
}
