"""Against a provider that others wrote: npm's `oidc-provider`, certified by the OpenID Foundation, on loopback.

It is configured as any provider is, by its issuer; the plugin `oidc` knows nothing else about it.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connect_core.crypto import SigningKey
from connect_core.testing import RunningShop, Visitor, run_shop

from ..kit.ports import free_port
from .drivers import install_node

SECRET = "made-up-secret-of-more-than-32-characters"
KEYS = {"RS256": SigningKey.generate("RS256", "own-rsa"), "ES256": SigningKey.generate("ES256", "own-ec")}
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
LOGINS = [(method, algorithm) for method in METHODS for algorithm in KEYS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary folder with the provider, at the versions of the lock file."""
    return install_node(tmp_path_factory.mktemp("openid"), "openid_provider.mjs")


def name_of(method: str, algorithm: str) -> str:
    """The name of a registration."""
    return f"{method}-{algorithm}".lower().replace("_", "-")


def client(method: str, algorithm: str, shop: str) -> dict[str, Any]:
    """A registration as the provider keeps it; `algorithm` signs the ID tokens, and the client's assertions."""
    name = name_of(method, algorithm)
    found = {
        "client_id": name,
        "redirect_uris": [f"{shop}/connect/{name}/pc/callback"],
        "token_endpoint_auth_method": method,
        "id_token_signed_response_alg": algorithm,
    }
    if method != "private_key_jwt":
        return {**found, "client_secret": SECRET}
    return {**found, "token_endpoint_auth_signing_alg": algorithm, "jwks": {"keys": [KEYS[algorithm].public_jwk()]}}


def settings(method: str, algorithm: str, issuer: str) -> dict[str, Any]:
    """The same registration as the shop keeps it."""
    found = {"plugin": "oidc", "issuer": issuer, "client_id": name_of(method, algorithm)}
    if method == "private_key_jwt":
        return {**found, "private_key": KEYS[algorithm].pkcs8_pem(), "key_id": KEYS[algorithm].kid}
    return {**found, "client_secret": SECRET, "token_endpoint_auth_method": method}


@contextmanager
def provider(folder: Path, clients: list[dict[str, Any]]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the provider with `clients`; yields its issuer and its process."""
    command = ["node", "openid_provider.mjs"]
    with subprocess.Popen(
        command, cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps(clients) + "\n")
            process.stdin.flush()
            yield json.loads(process.stdout.readline())["issuer"], process
        finally:
            process.kill()


@contextmanager
def shop_of(folder: Path, logins: list[tuple[str, str]]) -> Iterator[tuple[RunningShop, subprocess.Popen[str]]]:
    """Run a shop with a registration for each login."""
    port = free_port()
    clients = [client(*login, f"http://127.0.0.1:{port}") for login in logins]
    with provider(folder, clients) as (issuer, process):

        def change(raw: dict[str, Any]) -> None:
            raw["providers"] = {name_of(*login): settings(*login, issuer) for login in logins}
            raw["clients"] = {"pc": list(raw["providers"])}

        with run_shop({}, ports=(port, 0), change=change) as running_shop:
            yield running_shop, process


def come_back(login_url: str) -> str:
    """Go through the provider's pages, and return the address of ours that they lead to."""
    with httpx.Client(trust_env=False) as browser:
        answer = browser.get(login_url)
        while answer.is_redirect and "/connect/" not in answer.headers["location"]:
            answer = browser.get(answer.url.join(answer.headers["location"]))
        assert answer.is_redirect, answer.text
        return str(answer.headers["location"])


def test_whole_logins_in_every_way(folder: Path) -> None:
    """Code, PKCE, nonce and `iss`; both algorithms; three kinds of client authentication; the profile."""
    with shop_of(folder, LOGINS) as (running_shop, _):
        for login in LOGINS:
            with Visitor(running_shop) as visitor:
                answer = visitor.http.get(come_back(visitor.begin(name_of(*login), "pc")))
                assert answer.status_code == 303, (login, answer.text)
                assert visitor.http.get("/connect/me").json()["nickname"] == "Name of lihua"
        assert {row["union_id"] for row in running_shop.rows("es_connect")} == {"lihua"}
        assert len(running_shop.rows("es_connect")) == len(LOGINS)


def test_rotated_keys(folder: Path) -> None:
    """Keys that were replaced since the last login are looked up once."""
    login = LOGINS[0]
    with shop_of(folder, [login]) as (running_shop, process), Visitor(running_shop) as visitor:
        for _ in range(2):
            assert visitor.http.get(come_back(visitor.begin(name_of(*login), "pc"))).status_code == 303
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "rotated\n"


def test_the_provider_checks_the_verifier(folder: Path) -> None:
    """A code of one flow under the state of another is refused by the provider, and nobody logs in."""
    login = LOGINS[0]
    with (
        shop_of(folder, [login]) as (running_shop, _),
        Visitor(running_shop) as visitor,
        Visitor(running_shop) as other,
    ):
        stolen, own = (httpx.URL(come_back(one.begin(name_of(*login), "pc"))) for one in (other, visitor))
        injected = own.copy_set_param("code", stolen.params["code"])
        assert visitor.http.get(str(injected)).json()["code"] == "code_invalid"
        assert running_shop.rows("es_member") == []
