"""Alipay's own SDK for Python, unchanged: reads a job as JSON from standard input, writes what the SDK made of it.

A job: `config`, the attributes of the SDK's configuration, `code`, and the sandbox's `port`. The SDK reaches the ports
80 and 443 alone (of an address with another it makes a TypeError), and binding those takes rights that a test should
not have. So the network below the SDK leads port 80 to the sandbox.
"""

import json
import socket
import sys
from typing import Any

from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.exception.Exception import RequestException, ResponseException
from alipay.aop.api.request.AlipaySystemOauthTokenRequest import AlipaySystemOauthTokenRequest
from alipay.aop.api.request.AlipayUserInfoShareRequest import AlipayUserInfoShareRequest


def log_in(job: dict[str, Any]) -> dict[str, Any]:
    """Redeem the code, and ask for the profile where that gave a token."""
    config = AlipayClientConfig()
    for name, value in job["config"].items():
        setattr(config, name, value)
    client = DefaultAlipayClient(config)
    redemption = AlipaySystemOauthTokenRequest()
    redemption.grant_type, redemption.code = "authorization_code", job["code"]
    token = json.loads(client.execute(redemption))
    if "access_token" not in token:
        return {"token": token}
    question = AlipayUserInfoShareRequest()
    question.add_other_text_param("auth_token", token["access_token"])
    return {"token": token, "person": json.loads(client.execute(question))}


def lead_to(port: int) -> None:
    """Let every connection of this process go to `port`."""
    connect = socket.create_connection

    def create_connection(address: tuple[str, int], *arguments: Any, **further: Any) -> socket.socket:
        return connect((address[0], port), *arguments, **further)

    socket.create_connection = create_connection


if __name__ == "__main__":
    job = json.load(sys.stdin)
    lead_to(job["port"])
    try:
        told = log_in(job)
    except (RequestException, ResponseException) as error:
        told = {"error": str(error)}
    sys.stdout.write(json.dumps(told))
