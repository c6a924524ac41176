"""What a plugin author builds a sandbox from: a loopback copy of the vendor, for demos and tests.

A sandbox answers, signs and fails like its vendor, so a whole login runs on a laptop without any account. Derive from
`OAuth2Sandbox`, `OidcSandbox` or, for a vendor with a protocol of its own, from `Sandbox`. `FaultScript` lets the next
answers go wrong on purpose.

A sandbox keeps everything in memory and listens on loopback only.
"""

from connect_core.sandbox.documented import DocumentedRequest, of_login
from connect_core.sandbox.faults import TRANSPORT_FAULTS, Fault, FaultMisfired, FaultScript
from connect_core.sandbox.jwt import changed, read_jwt
from connect_core.sandbox.oauth2 import OAuth2Sandbox
from connect_core.sandbox.oauth2_calls import Grant, JsonObject, Refused
from connect_core.sandbox.oidc import OidcSandbox
from connect_core.sandbox.oidc_calls import OidcGrant
from connect_core.sandbox.phones import encrypt_phone, mobile_of, split_mobile
from connect_core.sandbox.serving import listen, sandbox_app, serving
from connect_core.sandbox.vendor_server import PEOPLE, Call, Person, Sandbox

__all__ = [
    "PEOPLE",
    "TRANSPORT_FAULTS",
    "Call",
    "DocumentedRequest",
    "Fault",
    "FaultMisfired",
    "FaultScript",
    "Grant",
    "JsonObject",
    "OAuth2Sandbox",
    "OidcGrant",
    "OidcSandbox",
    "Person",
    "Refused",
    "Sandbox",
    "changed",
    "encrypt_phone",
    "listen",
    "mobile_of",
    "of_login",
    "read_jwt",
    "sandbox_app",
    "serving",
    "split_mobile",
]
