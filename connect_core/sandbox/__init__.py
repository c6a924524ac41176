"""Loopback doubles of vendors: the kit they are made of, and the fault script that tests live on.

A sandbox answers, signs and fails like its vendor, so that a whole login runs on a laptop with no account anywhere. It
keeps everything in memory, binds to loopback only and is never reachable from a shop's configuration by accident.
"""

from connect_core.sandbox.faults import TRANSPORT_FAULTS, Fault, FaultScript
from connect_core.sandbox.oauth2 import Grant, OAuth2Sandbox, Refused
from connect_core.sandbox.oidc import OidcGrant, OidcSandbox, changed, read_jwt
from connect_core.sandbox.serving import listen, sandbox_app, serving
from connect_core.sandbox.vendor_server import PEOPLE, Call, Person, Sandbox

__all__ = [
    "PEOPLE",
    "TRANSPORT_FAULTS",
    "Call",
    "Fault",
    "FaultScript",
    "Grant",
    "OAuth2Sandbox",
    "OidcGrant",
    "OidcSandbox",
    "Person",
    "Refused",
    "Sandbox",
    "changed",
    "listen",
    "read_jwt",
    "sandbox_app",
    "serving",
]
