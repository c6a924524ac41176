"""Starlette and Alipay's own SDK for Python, which blocks and so runs on Starlette's threads; members are in memory.

The SDK writes the machine's local time, and reaches the ports 80 and 443 alone: sockets below it lead to the sandbox.
"""

import itertools
import json
import os
import secrets
import socket
import sys
import time
import tomllib
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import uvicorn
from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.request.AlipaySystemOauthTokenRequest import AlipaySystemOauthTokenRequest
from alipay.aop.api.request.AlipayUserInfoShareRequest import AlipayUserInfoShareRequest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from connect_core.crypto import load_private_key

os.environ["TZ"] = "CST-8"
time.tzset()
SETTINGS = tomllib.loads(Path(sys.argv[3]).read_text("utf-8"))
ORIGIN, VENDOR = SETTINGS["service"]["public_url"], SETTINGS["providers"]["alipay"]["pc"]
GATEWAY = urlsplit(VENDOR["gateway_url"])
members: dict[str, int] = {}
numbers, connect = itertools.count(1), socket.create_connection
socket.create_connection = lambda address, *a, **k: connect((address[0], GATEWAY.port), *a, **k)

config = AlipayClientConfig()
config.server_url = f"http://{GATEWAY.hostname}{GATEWAY.path}"
config.app_id, config.alipay_public_key = VENDOR["app_id"], VENDOR["alipay_public_key"]
config.app_private_key = "".join(load_private_key(VENDOR["private_key"]).pkcs1_pem().splitlines()[1:-1])
client = DefaultAlipayClient(config)


def login(request: Request) -> Response:
    """Send the browser to Alipay."""
    state = request.session["state"] = secrets.token_hex(16)
    asked = {"app_id": VENDOR["app_id"], "scope": "auth_user", "state": state}
    asked["redirect_uri"] = f"{ORIGIN}/connect/alipay/pc/callback"
    return RedirectResponse(f"{VENDOR['authorize_url']}?{urlencode(asked)}", 303)


def callback(request: Request) -> Response:
    """Redeem the code, ask for a new person's profile, and remember who it is in the session."""
    if request.query_params["state"] != request.session.pop("state"):
        return Response(status_code=400)
    redemption = AlipaySystemOauthTokenRequest()
    redemption.grant_type, redemption.code = "authorization_code", request.query_params["auth_code"]
    token = json.loads(client.execute(redemption))
    if token["user_id"] not in members:
        question = AlipayUserInfoShareRequest()
        question.add_other_text_param("auth_token", token["access_token"])
        assert json.loads(client.execute(question))["nick_name"]
        members[token["user_id"]] = next(numbers)
    request.session["uid"] = members[token["user_id"]]
    return RedirectResponse("/", 303)


app = Starlette(
    routes=[
        Route("/healthz", lambda _: Response()),
        Route("/connect/me", lambda request: JSONResponse({"uid": request.session["uid"]})),
        Route("/connect/alipay/pc/login", login),
        Route("/connect/alipay/pc/callback", callback),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=SETTINGS["service"]["secret_keys"][0])],
)
uvicorn.run(app, port=int(sys.argv[5]), log_config=None, access_log=False, server_header=False, proxy_headers=False)
