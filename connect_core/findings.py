"""What a check of the configuration found. `connect-login doctor` prints findings; a provider can report its own."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is. `WARNING`: logins work, but not for long or not for all; `BROKEN`: logins fail."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    `id` is its stable name, lower case with `_`, such as `certificate_expires`; scripts rely on it. `text` says in one
    sentence what was seen, and `remedy` what the operator does about it; it is empty where nothing is to be done.
    Neither contains a secret. `subject` is what was checked: `database`, `alipay`, `alipay/pc`; the doctor fills it in
    for providers.
    """

    id: str
    level: Level
    text: str
    remedy: str = ""
    subject: str = ""
