"""The texts of the screen *keys*."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "nav_keys": "Keys",
    "secret_keys": "Secret keys",
    "keys_advice": (
        "From [service] secret_keys, in their order. Keys are never shown; compare machines by the "
        "fingerprints. The service does not know how old a key is."
    ),
    "key_place": "Place",
    "key_fingerprint": "Fingerprint",
    "key_token_id": "Key id of access tokens",
    "key_use": "Use",
    "key_seals": "Seals and signs what is new, and opens what it sealed",
    "key_opens": "Opens and verifies what is older",
    "sealed": "What is sealed in the database",
    "sealed_settings": "Settings",
    "sealed_hints": "Log-out hints of vendors",
    "sealed_totp": "One-time passwords",
    "key_not_counted": "not counted",
    "key_not_counted_advice": (
        "A table with 5,000 rows or more is counted when you ask for it: that takes up to a minute for a million "
        "sessions."
    ),
    "key_count": "Count everything",
    "key_count_advice": (
        "Every row is read, in small steps between logins. The result appears below as soon as it is there."
    ),
    "key_counting": "%s: %s rows read",
    "key_count_done": "Everything has been counted.",
    "back_to_keys": "Back to the keys",
    "key_unknown": "None of these keys",
    "key_unknown_advice": (
        "Some values were sealed with a key that this process does not have: they cannot be used. Is a key missing in "
        "secret_keys?"
    ),
    "key_replace": "Replace the secret key",
    "key_step_generate": "Make a new key:",
    "key_step_add": (
        "Add it at the end of secret_keys on every machine and restart the service there. Then move it to the front on "
        "every machine, and restart again."
    ),
    "key_step_rotate": "Seal what is stored with the new key; if this is interrupted, run it again:",
    "key_step_remove": ("Remove the old key from secret_keys once the time is over that the command names."),
}
