"""Replaces secrets in what a login sent by their names, so that a reader sees which value goes where.

A value that is known, such as the code, becomes `{code}`. What only looks like a secret becomes `***`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from connect_core.observability.logs import redact

MASK = "***"
SHORTEST = 8
"""Characters below which a value is replaced only where it stands alone: it may be a part of another word."""
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]*\.[\w-]*")
_ID = re.compile(r"[\w.~+/=|-]{8,}", re.ASCII)
_WORDS = re.compile(r"err|msg|message|scope|status|type", re.IGNORECASE)
"""Names of members that hold words, which are the same in every login."""
_SECRET = re.compile(
    "(code|state|token|secret|password|verifier|nonce|assertion|sign|signature|ticket|private_?key|session_?key)$",
    re.IGNORECASE,
)
"""Names of parameters that hold a secret. A value below `SHORTEST` is a word, such as `code`."""


class Masks:
    """The secrets of one login and their names. Learn values in the order in which the login came to know them."""

    def __init__(self, public: frozenset[str]) -> None:
        """`public` are values that are shown as they are, such as the client id."""
        self._public = public
        self._names: dict[str, str] = {}

    def learn(self, values: Mapping[str, object]) -> None:
        """Remember the values of `values` by name. A value that has a name keeps it."""
        for name, value in values.items():
            text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
            if text and text not in self._public:
                self._names.setdefault(text, name)

    def learn_answer(self, answer: object, name: str = "") -> None:
        """Remember each id and token in an answer, by the name of its member: a later request may repeat it."""
        if isinstance(answer, Mapping):
            for key, value in answer.items():
                if not _WORDS.search(str(key)):
                    self.learn_answer(value, str(key))
        elif isinstance(answer, list):
            for value in answer:
                self.learn_answer(value, name)
        elif _ID.fullmatch(str(answer)) and any(sign.isdigit() for sign in str(answer)):  # not an error's word
            self.learn({name: answer})

    def apply(self, value: Any, name: str = "") -> Any:
        """Return `value`, a JSON value that is called `name`, without secrets. Members of objects keep their names."""
        if isinstance(value, Mapping):
            return {key: self.apply(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.apply(inner, name) for inner in value]
        text = str(value)
        if text in self._public or isinstance(value, bool) or value is None:
            return value
        if text in self._names:
            return f"{{{self._names[text]}}}"
        masked = self.apply_to_text(text)
        is_hidden = masked == text and len(text) >= SHORTEST and _SECRET.search(name)
        return MASK if is_hidden else value if masked == text else masked

    def apply_to_text(self, text: str) -> str:
        """Return a text in which every known value is replaced, and what looks like a token or a signature."""
        for secret in sorted(self._names, key=len, reverse=True):
            for form in (secret, quote(secret, safe=""), quote_plus(secret)) if len(secret) >= SHORTEST else ():
                text = text.replace(form, f"{{{self._names[secret]}}}")
        return _JWT.sub(MASK, text)

    def apply_to_header(self, name: str, value: str) -> str:
        """Return the value of a header; of `Authorization` everything but the scheme and known values is hidden."""
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "basic":
            user, _, password = _decode(credentials).partition(":")
            known = self._names.get(unquote_plus(password))
            return f"{scheme} base64({unquote_plus(user)}:{f'{{{known}}}' if known else MASK})"
        masked = redact(self.apply_to_text(value))
        if name.lower() == "authorization" and masked == value:
            return f"{scheme} {MASK}"
        return masked


def _decode(credentials: str) -> str:
    """Return `client_id:client_secret`, each form-encoded (RFC 6749 §2.3.1)."""
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return MASK
