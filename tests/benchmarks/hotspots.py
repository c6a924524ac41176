"""Where the CPU of a login goes: `python -m tests.benchmarks.hotspots`, with `first` or `returning`, rows and provider.

The shop runs under cProfile on one thread, the database's work included, so that one profile sees everything; what the
hops between threads cost is missing from it. A profiled call costs more than a plain one: read shares, not sums. A
coroutine counts as called whenever it goes on.
"""

import asyncio
import cProfile
import pstats
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connect_core.observability.logs import configure_logging
from connect_core.settings import load_settings
from connect_core.web import create_app

from .processes import Shop, Visitors, new_people, running_shop, running_vendors, visiting

LOGINS = 500
OURS = ("connect_core", "connect_alipay")
Place = tuple[str, int, str]
SELF = [sys.executable, "-m", "tests.benchmarks.hotspots"]


class OnTheSpot(Executor):
    """Runs what it is given at once, on the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return a future that is done."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done


def serve(config: str, port: int) -> None:
    """Serve the shop, with a route more: POST starts the profile, GET ends it and answers the report."""
    profile = cProfile.Profile(time.thread_time)

    async def begin(request: Request) -> Response:
        profile.enable()
        return Response()

    async def report(request: Request) -> Response:
        profile.disable()
        rows, logins = int(request.query_params["rows"]), int(request.query_params["logins"])
        return PlainTextResponse("\n".join(get_report(profile, rows, logins)))

    profiling = [Route("/profile", begin, methods=["POST"]), Route("/profile", report)]
    configure_logging("info")
    app = create_app(load_settings(Path(config)), routes=profiling)
    database = app.state.manager.database
    database._writers._threads = database._readers._threads = OnTheSpot()
    uvicorn.run(app, port=port, log_config=None, access_log=False, server_header=False, proxy_headers=False)


def get_report(profile: cProfile.Profile, rows: int, logins: int) -> Iterator[str]:
    """Two tables: what most time is spent in, and below which functions of ours; µs and calls for each login."""
    found: dict[Place, tuple[int, int, float, float, object]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    own = [(time, calls, place) for place, (_, calls, time, _, _) in found.items()]
    below = [(time, calls, place) for place, (_, calls, _, time, _) in found.items() if _is_ours(place)]
    whole = sum(time for time, _, _ in own)
    yield f"{whole / logins * 1e6:.0f} µs a login under the profiler, {len(found)} functions"
    for title, shown in (("in itself", own), ("with all it calls, ours", below)):
        yield f"\n{'µs':>8} {'%':>5} {'calls':>7}  {title}"
        for spent, calls, place in sorted(shown, reverse=True)[:rows]:
            yield f"{spent / logins * 1e6:>8.1f} {spent / whole:>5.1%} {calls / logins:>7.1f}  {_told(place)}"


def _is_ours(place: Place) -> bool:
    return any(package in Path(place[0]).parts for package in OURS)


def _told(place: Place) -> str:
    path, line, function = place
    return f"{'/'.join(Path(path).parts[-2:])}:{line} {function}" if line else function


async def profile_logins(shop: Shop, kind: str, rows: int, provider: str) -> str:
    """Return the report on people who log in for the `first` time, or `returning`."""
    people = new_people(LOGINS)
    async with visiting() as http:
        visitors = Visitors(http, shop, provider)
        await visitors.log_in(people if kind == "returning" else new_people(LOGINS), 8)
        await http.post(f"{shop.url}/profile")
        await visitors.log_in(people, 8)
        async with http.get(f"{shop.url}/profile", params={"rows": rows, "logins": LOGINS}) as report:
            return await report.text()


def main(kind: str = "returning", rows: str = "25", provider: str = "alipay") -> None:
    """Run the shop, have people log in, and print the report."""
    with (
        TemporaryDirectory() as folder,
        running_vendors() as vendors,
        running_shop(Path(folder), vendors, "normal", SELF) as shop,
    ):
        sys.stdout.write(asyncio.run(profile_logins(shop, kind, int(rows), provider)) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(config=sys.argv[3], port=int(sys.argv[5]))
    else:
        main(*sys.argv[1:])
