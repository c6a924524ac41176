"""The texts of the screen *providers*."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "nav_providers": "Providers",
    "provider_add": "Add a provider",
    "provider_edit": "Settings",
    "provider_edit_of": "Settings of %s",
    "provider_plugin": "Plugin",
    "provider_none": "No provider is configured yet.",
    "provider_shown_in": "Shown in",
    "provider_works": "No outage seen",
    "provider_faulty": "Logins fail: see what the doctor found",
    "provider_not_shown": "Not shown anywhere",
    "provider_held": "Held back for %s s: the vendor does not answer",
    "provider_broken": "The plugin cannot be used",
    "provider_sandbox": "A stand-in, not the vendor itself",
    "card_findings": "Findings of the doctor for %s",
    "card_examined": "Doctor's run:",
    "card_well": "The doctor found nothing to do:",
    "card_not_examined": "No doctor run yet. On the machine of the service:",
    "switch_on": "Show %s in: %s",
    "switch_off": "Hide %s in: %s",
    "switch_is_on": "on",
    "switch_is_off": "off",
    "switch_advice": (
        "A switch takes effect at once, everywhere within five seconds. Logins with a provider that is switched "
        "off are refused, also those that are under way."
    ),
    "login_client_pc": "Computer",
    "login_client_h5": "Phone browser",
    "login_client_app": "App",
    "login_client_mini": "Mini program",
    "accounts_title": "Shared accounts",
    "accounts_advice": "Settings that several providers, or the shop's payment, take from one place.",
    "account_add": "Add an account",
    "account_title": "Account %s",
    "account_name": "Name of the account",
    "account_used_by": "Used by: %s",
    "account_unused": "No provider uses it.",
    "account_open": "Open the account %s",
    "plugin_choose": "Plugin",
    "plugin_choose_advice": (
        "A plugin speaks the protocol of one vendor. `oidc` and `oauth2` are for vendors that have no plugin of "
        "their own."
    ),
    "provider_name": "Name",
    "provider_name_advice": (
        "It is part of every address of this login and cannot be changed later. Left empty, it is the plugin's name."
    ),
    "name_taken": "This name is taken; choose another one.",
    "name_form": (
        "A name has at most 64 lower-case letters, digits, - and _, begins with a letter or digit, and is not `new`."
    ),
    "flash_login_shown": "The login is shown now.",
    "flash_login_hidden": "The login is no longer shown.",
    "addresses_title": "To be registered at the vendor",
    "addresses_advice": "Copy it into the vendor's console exactly as it is here.",
    "registered_address": "Callback address",
    "registered_origin": "Origin",
    "registered_host": "Domain",
    "settings_title": "Settings",
    "settings_for_client": "Only for: %s",
    "settings_for_client_advice": "What is left empty here is as in the settings above.",
    "shown_title": "Where the login is shown",
    "provider_new_title": "New provider %s",
    "provider_remove": "Remove this provider",
    "provider_remove_advice": (
        "Makes a draft without this provider. Members keep what they have linked; logins with it are refused once "
        "the draft is active."
    ),
    "test_connection": "Test this connection",
    "test_connection_advice": (
        "Checks keys and certificates, and calls the vendor a few times, with the settings as they are now."
    ),
    "test_title": "Test of %s",
    "test_running": "Each result appears as soon as it is there, at most after %s seconds.",
    "test_of": "Being tested: %s",
    "test_done": "The test has ended.",
    "test_draft": "With the settings of draft %s. Nothing of it is active.",
    "test_nothing": "Nothing could be built that can be tested.",
    "test_remedy": "What to do: %s",
    "level_ok": "well",
    "level_warning": "warning",
    "level_broken": "broken",
    "back_to_draft": "Back to the draft",
    "back_to_provider": "Back to the settings",
    "help_use": "An account whose settings this provider takes; what is given below comes over them.",
}
