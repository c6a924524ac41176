"""Whether Redis is there, and keeps values as it should. Logins go on without it, so most of it is a warning."""

import re
from collections.abc import Awaitable, Callable, Iterator

from connect_core.cache import RedisCondition, fetch_redis_condition
from connect_core.doctor.kinds import Kind
from connect_core.doctor.public_address import Instance
from connect_core.errors import SettingsError, Unavailable
from connect_core.findings import Finding, Level
from connect_core.settings import Settings

SUBJECT = "redis"
WORKS = Kind("redis", Level.OK, SUBJECT, "Redis answers, takes writes, and makes room when its memory is full.")
INVALID = Kind(
    "redis_url_invalid",
    Level.BROKEN,
    SUBJECT,
    "`redis_url` cannot be used: `serve` does not start with it.",
    "Correct service.redis_url.",
)
UNREACHABLE = Kind(
    "redis_unreachable",
    Level.WARNING,
    SUBJECT,
    "Redis does not answer, or refuses us. Logins go on: each process counts limits and fetches vendors' tokens by "
    "itself.",
    "Start Redis if it does not answer; else correct host, user, password and database in service.redis_url.",
)
READ_ONLY = Kind(
    "redis_read_only",
    Level.WARNING,
    SUBJECT,
    "This Redis is a replica, which takes no writes: nothing is shared.",
    "Name the primary, or a Sentinel: redis+sentinel://HOST:PORT,HOST:PORT/NAME",
)
NO_EVICTION = Kind(
    "redis_no_eviction",
    Level.WARNING,
    SUBJECT,
    "Redis refuses writes once its memory is full, because its `maxmemory-policy` is `noeviction`.",
    "Set maxmemory-policy to volatile-ttl: every key of connect-login expires.",
)
CLOCK_DIFFERS = Kind(
    "redis_clock_differs",
    Level.WARNING,
    SUBJECT,
    "Redis's clock and this machine's are more than ten seconds apart: one of them is wrong.",
    "Switch on NTP on both machines.",
)
OLD = Kind(
    "redis_old",
    Level.WARNING,
    SUBJECT,
    "This Redis is older than 6.2, which gets no more corrections.",
    "Upgrade Redis.",
)
ABSENT = Kind(
    "redis_absent",
    Level.OK,
    SUBJECT,
    "Several workers run without Redis: each counts the limit per_address by itself, so an address may send as many "
    "times more.",
    "Set service.redis_url, or divide limits.per_address by the number of workers.",
)
CLOCK_SECONDS = 10
OLDEST = (6, 2)
Fetch = Callable[[str], Awaitable[RedisCondition]]


async def check_redis(
    settings: Settings, instance: Instance, now: Callable[[], float], fetch: Fetch = fetch_redis_condition
) -> list[Finding]:
    """Ask Redis how it is; `fetch` does so."""
    url = settings.service.redis_url
    if url is None:
        workers = instance.workers or 1
        matters = workers > 1 and settings.limits.per_address != "off"
        return [ABSENT.report(f"{workers} workers run, and service.redis_url is not set")] if matters else []
    began = now()
    try:
        condition = await fetch(url.get_secret_value())
    except SettingsError as error:
        return [INVALID.report(mistake) for mistake in error.mistakes]
    except Unavailable as error:
        return [UNREACHABLE.report(str(error))]
    return list(_judge(condition, (began + now()) / 2)) or [WORKS.report(f"Redis {condition.version} answers")]


def _judge(condition: RedisCondition, now: float) -> Iterator[Finding]:
    if condition.is_replica:
        yield READ_ONLY.report("this Redis is a replica")
    if condition.refuses_when_full:
        yield NO_EVICTION.report("maxmemory is set, and maxmemory-policy is noeviction")
    if abs(condition.time - now) > CLOCK_SECONDS:
        direction = "behind" if condition.time < now else "ahead"
        yield CLOCK_DIFFERS.report(f"Redis's clock is {abs(condition.time - now):.0f} s {direction}")
    numbers = tuple(int(number) for number in re.findall(r"\d+", condition.version)[:2])
    if numbers and numbers < OLDEST:
        yield OLD.report(f"Redis is version {condition.version}")
