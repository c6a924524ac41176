"""What the doctor is told of the form of Apple's ids.

https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
"""

import re
from collections.abc import Iterator, Mapping

from connect_core.plugin import Finding, Level

_APPLE_ID = re.compile("[0-9A-Z]{10}")


def find_malformed(ids: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a finding for each of the `ids` of a team or a key, by setting, that is not ten characters."""
    for name, value in ids.items():
        if not _APPLE_ID.fullmatch(value):
            yield Finding(
                "setting_malformed",
                Level.WARNING,
                f"{name} is not ten letters and digits, which every one of Apple's is.",
                f"Copy {name} from Certificates, Identifiers & Profiles of Apple's developer account.",
            )
