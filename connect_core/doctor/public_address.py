"""Whether `public_url` leads to this very service, each time that it is asked."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from connect_core import __version__
from connect_core.doctor.kinds import Kind
from connect_core.doctor.proof import Prover
from connect_core.doctor.proxies import CACHED, check_further, check_reply
from connect_core.doctor.reaching import Asker, InstanceReply
from connect_core.doctor.tls_certificate import check_certificate
from connect_core.findings import Finding, Level
from connect_core.http import HttpPool
from connect_core.settings import Service

SUBJECT = "public address"
ANSWERS = Kind("public_url", Level.OK, SUBJECT, "This service answers at `public_url`, with the keys of this file.")
UNREACHABLE = Kind(
    "public_url_unreachable",
    Level.BROKEN,
    SUBJECT,
    "Nothing answers at `public_url`, seen from this machine: vendors send people to an address that is not there.",
    "Start the service and the proxy before it, and check the name in the DNS and the firewall; "
    "if only this machine cannot reach it, run the doctor elsewhere or with --offline.",
)
PROXY_ERROR = Kind(
    "public_url_proxy_error",
    Level.BROKEN,
    SUBJECT,
    "A proxy answers at `public_url` that it cannot reach the service.",
    "Start the service, and compare the address that the proxy sends requests to with --host and --port of `serve`.",
)
OTHER_INSTANCE = Kind(
    "public_url_other_instance",
    Level.BROKEN,
    SUBJECT,
    "A connect-login that has none of the `secret_keys` of this file answers at `public_url`, always or sometimes.",
    "Give all instances the same secret_keys and restart them, or correct public_url.",
)
FOREIGN = Kind(
    "public_url_foreign",
    Level.BROKEN,
    SUBJECT,
    "Something else than connect-login answers at `public_url`.",
    "Let the proxy send all paths that begin with the service's prefix to connect-login, or correct public_url; if "
    "your own application mounts the service, give the doctor --root-path.",
)
REDIRECTED = Kind(
    "public_url_redirected",
    Level.BROKEN,
    SUBJECT,
    "What answers at `public_url` redirects elsewhere: a vendor's callback, and above all its POST, gets lost there.",
    "Write the address that is redirected to into public_url, and register its callback with the vendors.",
)
WRONG_PATH = Kind(
    "public_url_wrong_path",
    Level.BROKEN,
    SUBJECT,
    "The service is reached under another path than `root_path` and `prefix` say, so every callback URL is wrong.",
    "Let the proxy pass the path on unchanged, or set root_path to the path that it cuts off; if your own application "
    "mounts the service, give the doctor --root-path.",
)
UNSTEADY = Kind(
    "public_url_unsteady",
    Level.BROKEN,
    SUBJECT,
    "Some requests to `public_url` are answered by this service, others are not: some logins fail on the way.",
    "Take the instance that does not answer out of the load balancer, or start it.",
)
KEYS_DIFFER = Kind(
    "service_keys_differ",
    Level.WARNING,
    SUBJECT,
    "The running service has some, not all of the keys of this file: it has not read it since they were changed.",
    "Let the service read its configuration again: systemctl reload connect-login, or SIGHUP.",
)
VERSION_DIFFERS = Kind(
    "service_version_differs",
    Level.WARNING,
    SUBJECT,
    "The running service is another version of connect-login than this command.",
    "Restart the service, or run the doctor of its own installation.",
)
_TROUBLES = {
    "dns": "the host has no address",
    "connect": "the connection is refused or cut",
    "timeout": "no answer comes",
    "http": "what answers does not speak HTTP as it should",
}
FURTHER_QUESTIONS = 7
"""Questions at once after the first, so that each instance behind a load balancer is asked."""
_PROXY_ERRORS = (502, 503, 504)


@dataclass(slots=True)
class Instance:
    """What is known of the running service. `workers` is None while nothing is."""

    workers: int | None = None


async def check_public_address(
    service: Service, pool: HttpPool, instance: Instance, now: Callable[[], float]
) -> list[Finding]:
    """Ask the service at `public_url`, and fill in `instance`."""
    asker = Asker(pool.for_provider("connect-login doctor"), Prover(service.keys))
    reply = await asker.ask(service.public_url + service.root_path + service.prefix)
    certificate = await check_certificate(service.public_url, now())
    findings = [certificate] if certificate else []
    if not reply.is_ours:
        is_explained = reply.trouble == "tls" and certificate is not None
        return findings if is_explained else [*findings, await _explain(service, asker, reply)]
    replies = [reply, *await asyncio.gather(*(asker.ask(reply.base) for _ in range(FURTHER_QUESTIONS)))]
    instance.workers = max(int(ours.content.get("workers") or 1) for ours in replies if ours.is_ours)
    findings += [*_compare(replies), *check_reply(service, reply)]
    findings += [finding async for finding in check_further(service, asker, reply)]
    arrived = reply.request
    text = (
        f"{reply.base} is this service, connect-login {reply.content.get('version')}, "
        f"{_count_workers(instance.workers)}; it is reached as {arrived.get('scheme')}://{arrived.get('host')}"
        f"{arrived.get('path')}, and counts this machine as {arrived.get('client') or 'nobody'}"
    )
    return [ANSWERS.report(text), *findings]


def _compare(replies: Sequence[InstanceReply]) -> Iterator[Finding]:
    """Compare the answers: a load balancer may have instances behind it that differ."""
    ours, others = [reply for reply in replies if reply.is_ours], [reply for reply in replies if not reply.is_ours]
    of_all = f"of {len(replies)} requests"
    if stale := sum(reply.is_stale for reply in others):
        yield CACHED.report(f"{stale} {of_all} get the answer to an earlier one")
    elif strangers := sum(reply.is_connect_login for reply in others):
        yield OTHER_INSTANCE.report(f"{strangers} {of_all} are answered by a connect-login with other keys")
    elif others:
        yield UNSTEADY.report(f"{len(others)} {of_all} are not answered by this service")
    if old := sum(tuple(reply.content["codes"]) != reply.codes for reply in ours):
        yield KEYS_DIFFER.report(
            f"{old} {of_all} are answered by a service whose secret_keys are not those of this file"
        )
    if versions := {str(reply.content.get("version")) for reply in ours} - {__version__}:
        yield VERSION_DIFFERS.report(
            f"the service is version {', '.join(sorted(versions))}, this command {__version__}"
        )


def _count_workers(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


async def _explain(service: Service, asker: Asker, reply: InstanceReply) -> Finding:
    """Return why it is not our service that answered."""
    address = reply.base
    if reply.trouble:
        return UNREACHABLE.report(f"{address}: {_TROUBLES.get(reply.trouble, 'TLS fails')}")
    if reply.is_stale:
        return CACHED.report(f"{address} gives the answer to an earlier question")
    if reply.is_connect_login:
        return OTHER_INSTANCE.report(f"a connect-login with other keys answers at {address}")
    if 300 <= reply.status < 400:
        return REDIRECTED.report(f"{address} redirects to {reply.where or 'nowhere'} (HTTP {reply.status})")
    for base in _guess_addresses(service, address):
        if (await asker.ask(base)).is_ours:
            return WRONG_PATH.report(f"the service answers at {base}, not at {address}")
    if reply.is_lost_connect_login:
        return WRONG_PATH.report(f"a connect-login answers at {address}, but the path reaches it changed")
    if reply.status in _PROXY_ERRORS:
        return PROXY_ERROR.report(f"{address} answers HTTP {reply.status}")
    kind = reply.headers.get("content-type", "").partition(";")[0] or "something without a type"
    return FOREIGN.report(f"{address} answers HTTP {reply.status} with {kind}, which is not ours")


def _guess_addresses(service: Service, address: str) -> Iterator[str]:
    parts = ("", service.prefix, service.root_path, service.prefix + service.prefix)
    yield from (base for part in parts if (base := service.public_url + part) != address)
