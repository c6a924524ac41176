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
    "key_unknown": "None of these keys",
    "key_unknown_advice": (
        "Some values were sealed with a key that this process does not have: they cannot be used. Is a key missing in "
        "secret_keys?"
    ),
    "key_replace": "Replace the secret key",
    "key_step_generate": "Make a new key:",
    "key_step_add": (
        "Put it first in secret_keys on every machine, with the old one after it, and restart them one after the other."
    ),
    "key_step_rotate": "Seal what is stored with the new key; it can be repeated, and goes on where it stopped:",
    "key_step_remove": (
        "When it says that nothing is left under the old key, and the longest session has expired, remove the old key."
    ),
}
