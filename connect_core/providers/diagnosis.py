"""What `connect-login doctor` has to know of a vendor to judge its answers. Values only: the doctor makes the calls."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connect_core.identity import ClientType


class Registered(StrEnum):
    """What a vendor's console wants of the address to which people come back."""

    ADDRESS = "address"
    """The whole callback address."""
    ORIGIN = "origin"
    """Its scheme, host and port."""
    HOST = "host"
    """Its host, and the port if there is one."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the doctor has to know of a vendor. State what departs from the defaults, as the vendor documents it.

        diagnosis = Diagnosis(remedies={"40164": "Add this machine's address to the console's IP allow-list."})

    - `ambiguous_refusals`: the client types for which a refused code does not show that app id and secret are right,
      because the vendor answers a wrong secret in the same way, or documents no error for it.
    - `remedies`: what the operator does about an error of the vendor, in one sentence, by the vendor's own word for it.
      The word is a value of `ConnectError.vendor`.
    - `redirect_errors`: the vendor's words for a callback address that is not registered with it. A word that contains
      `redirect` needs no mention.
    - `registered`: what the vendor's console wants of the callback address.
    - `compares_clocks`: True where the vendor refuses a request, or we its answer, when the two clocks differ.
    """

    ambiguous_refusals: Collection[ClientType] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    redirect_errors: Collection[str] = ()
    registered: Collection[Registered] = (Registered.ADDRESS,)
    compares_clocks: bool = False
