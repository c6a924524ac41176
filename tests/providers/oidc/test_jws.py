"""The text of an ID token: a compact JWS of strict JSON, and nothing that only resembles one."""

import json
from typing import Any

import pytest

from connect_core.crypto import SigningKey, encode_part
from connect_core.errors import ProviderFault, ProviderUnsigned

from ...kit.openid import BODY, HEAD, NOW, RSA, log_in_with, refused, sign, token


@pytest.mark.parametrize(
    "header",
    [
        {"enc": "A256GCM"},
        {"zip": "DEF"},
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"b64": True},
        {"kid": 1},
        {"kid": ["rsa-1"]},
    ],
)
async def test_header_that_changes_the_meaning(header: dict[str, Any]) -> None:
    """Encryption, compression and critical extensions are refused before anything is verified."""
    await refused(token(header=header))


async def test_encrypted_token() -> None:
    """A JWE has five parts and is never opened; nor is a password-based one."""
    head = encode_part(json.dumps({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 10**9}).encode())
    await refused(f"{head}.a.b.c.d")


@pytest.mark.parametrize("key", ["jku", "jwk", "x5u", "x5c"])
async def test_header_brings_no_key(key: str) -> None:
    """A key or its address in the header is ignored: the provider's set alone verifies."""
    stranger = SigningKey.generate("RS256", RSA.kid)
    value: object = {"jwk": stranger.public_jwk(), "x5c": ["MII"]}.get(key, "https://evil.example/keys")
    await refused(token(key=stranger, header={key: value}), ProviderUnsigned)


@pytest.mark.parametrize(
    "text",
    [
        "x" * (64 * 1024 + 1),
        "a." * 100,
        f"{token()}.",
        f"{token()}=",
        f" {token()}",
        f"{token()}\n",
        token().replace(".", "．"),
        token().replace(".", "..", 1),
        "a.b.c",
        "",
        None,
        7,
        ["a"],
        {"a": 1},
    ],
)
async def test_no_token(text: object) -> None:
    """Anything but three unpadded parts of at most 64 KiB is refused before it is decoded."""
    with pytest.raises(ProviderFault):
        await log_in_with({} if text is None else text)


async def test_a_long_token_is_refused_however_right() -> None:
    """64 KiB is the limit of one that verifies, too."""
    assert await log_in_with(token(padding="x" * 47_000))
    await refused(token(padding="x" * 49_000))
    await refused(token(padding="x" * 600_000))


@pytest.mark.parametrize("place", range(3))
async def test_one_spelling(place: int) -> None:
    """Bits that a lenient decoder drops are refused: one content has one text."""
    body = BODY if len(BODY) % 3 else BODY.replace("{", "{ ", 1)
    found = sign('{"alg":"RS256","kid":"rsa-1"}', body, lambda data: RSA.sign("RS256", data)).split(".")
    assert len(found[place]) % 4, "no spare bits in this part"
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    found[place] = found[place][:-1] + alphabet[alphabet.index(found[place][-1]) ^ 1]
    await refused(".".join(found), ProviderFault)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('{"alg":"none","alg":"RS256","kid":"rsa-1"}', BODY),
        (HEAD, f'{{"sub":"somebody",{BODY[1:]}'),
        (HEAD, "[]"),
        (HEAD, '"text"'),
        (HEAD, BODY[:-1]),
        (HEAD, BODY.replace(str(NOW + 600), "NaN")),
        (HEAD, "[" * 5000),
        ("[]", BODY),
    ],
)
async def test_json_is_strict(head: str, body: str) -> None:
    """Names that come twice, NaN, nesting without end and anything but an object are refused, signed or not."""
    await refused(sign(head, body, lambda data: RSA.sign("RS256", data)))


async def test_text_is_utf8() -> None:
    """Other bytes are refused without being shown."""
    data = f"{encode_part(HEAD.encode())}.{encode_part(b'{' + bytes([0xFF]) * 9 + b'}')}"
    await refused(f"{data}.{encode_part(RSA.sign('RS256', data.encode()))}")
