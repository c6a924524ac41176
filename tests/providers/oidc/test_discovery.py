"""Discovery and keys: what a provider may say about itself, and how often it is asked."""

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from connect_core.cache.documents import FRESH_SECONDS, RETRY_PAUSE_SECONDS, USABLE_SECONDS, CachedDocument
from connect_core.crypto import SigningKey, encode_part
from connect_core.errors import ProviderBadResponse, ProviderFault, ProviderRefused, ProviderUnsigned
from connect_core.providers.oidc.jwks import MOST_KEYS

from ...kit.clock import Clock
from ...kit.openid import EC, ISSUER, OTHER, RSA, Vendor, log_in_with, make, request, response, token


async def begin(vendor: Vendor, **settings: Any) -> str:
    """Begin a login and return the provider's page."""
    return await make(vendor, **settings).get_login_url(request())


@pytest.mark.parametrize(
    "issuer", [f"{ISSUER}/", "https://evil.example", None, [ISSUER], "HTTPS://id.example", "https://id.example/a"]
)
async def test_issuer_of_the_document(issuer: object) -> None:
    """The document calls itself exactly what is configured (Discovery §4.3)."""
    with pytest.raises(ProviderBadResponse):
        await begin(Vendor(discovery={"issuer": issuer}))


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize(
    "address",
    [
        "http://id.example/x",
        "http://127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://localhost/x",
        "https://id.example@evil.example/x",
        "https://id.example/x#f",
        "/x",
        "ftp://id.example/x",
        ["https://id.example/x"],
        7,
    ],
)
async def test_addresses_of_the_document(name: str, address: object) -> None:
    """Plain http, this machine, private networks, user names and anything but an address are refused."""
    with pytest.raises(ProviderBadResponse) as caught:
        await begin(Vendor(discovery={name: address}))
    assert name in str(caught.value)


async def test_missing_addresses() -> None:
    """User-info may be missing, nothing else."""
    assert await begin(Vendor(discovery={"userinfo_endpoint": None}))
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        with pytest.raises(ProviderBadResponse):
            await begin(Vendor(discovery={name: None}))


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9/op", "http://localhost:9/op", "https://10.0.0.7/op"])
async def test_inner_issuer_has_inner_addresses(issuer: str) -> None:
    """An issuer of this machine or network may have its endpoints there."""
    ends = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{issuer}/x")
    vendor = Vendor(discovery={"issuer": issuer, **ends, "userinfo_endpoint": None})
    assert (await begin(vendor, issuer=issuer)).startswith(f"{issuer}/x?")


@pytest.mark.parametrize("answer", [404, 302, b"[]", b"<html>", b'{"issuer":1,"issuer":2}', b"x" * 2_000_000, 503])
async def test_no_document(answer: object) -> None:
    """An answer that is no document ends this login; the next one asks again."""
    vendor = Vendor()
    right = vendor.documents["discovery"]
    provider = make(vendor)
    vendor.documents["discovery"] = answer
    with pytest.raises(ProviderFault):
        await provider.get_login_url(request())
    vendor.documents["discovery"] = right
    assert await provider.get_login_url(request())


async def test_document_stands_below_the_issuer() -> None:
    """Discovery §4.1: a slash at the issuer's end is not doubled."""
    for issuer in (f"{ISSUER}/", f"{ISSUER}/tenant", f"{ISSUER}/tenant/"):
        vendor = Vendor(discovery={"issuer": issuer})
        await begin(vendor, issuer=issuer)
        assert str(vendor.requests[0].url) == f"{issuer.rstrip('/')}/.well-known/openid-configuration"


async def test_document_and_keys_are_fetched_once() -> None:
    """Fifty logins at one moment ask for each once, and so does every later one."""
    vendor = Vendor()
    vendor.pause = 0.01
    provider = make(vendor)
    await asyncio.gather(*(provider.login_callback(response()) for _ in range(50)))
    await provider.login_callback(response())
    assert (vendor.count("openid-configuration"), vendor.count("jwks"), vendor.count("token")) == (1, 1, 51)


class Document:
    """A cached document that counts how often it was fetched, and the clock of its cache."""

    def __init__(self) -> None:
        self.clock = Clock(1000.0)
        self.fetched = 0
        self.is_down = False
        self.cached = CachedDocument(self.fetch, self.clock)

    async def fetch(self) -> str:
        """Return the next document."""
        self.fetched += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise ProviderRefused
        return f"document {self.fetched}"

    async def get(self, *, seen: str = "") -> str:
        """Return what is kept, or what replaces `seen`."""
        if seen:
            return await self.cached.get_newer(self.cached._copy.document)  # type: ignore[union-attr]
        return await self.cached.get()


async def test_cached_document_outlives_an_outage() -> None:
    """Fresh for an hour; then asked for again, at most every half minute, and of use for a day."""
    document = Document()
    assert await document.get() == await document.get() == "document 1"
    document.clock.advance(FRESH_SECONDS - 1)
    assert await document.get() == "document 1"
    document.clock.advance(1)
    document.is_down = True
    assert (await document.get(), await document.get(), document.fetched) == ("document 1", "document 1", 2)
    document.clock.advance(RETRY_PAUSE_SECONDS)
    assert (await document.get(), document.fetched) == ("document 1", 3)
    document.clock.advance(USABLE_SECONDS)
    with pytest.raises(ProviderRefused):
        await document.get()
    document.is_down = False
    assert await document.get() == "document 5"


async def test_newer_document_is_asked_for_once() -> None:
    """One attempt at once, then one every half minute, whatever the number of strange keys."""
    document = Document()
    await document.get()
    assert [await document.get(seen="it") for _ in range(5)] == ["document 2"] * 5
    document.clock.advance(RETRY_PAUSE_SECONDS)
    assert [await document.get(seen="it") for _ in range(5)] == ["document 3"] * 5
    assert document.fetched == 3


async def test_many_who_miss_a_key_ask_once() -> None:
    """Sixty-four that wait for a newer document get the same one."""
    document = Document()
    old = await document.cached.get()
    assert set(await asyncio.gather(*(document.cached.get_newer(old) for _ in range(64)))) == {"document 2"}
    assert document.fetched == 2


async def test_rotated_key() -> None:
    """A token under a key that is not known yet makes us look once; then it logs in."""
    vendor = Vendor()
    provider = make(vendor)
    assert await provider.login_callback(response())
    vendor.documents["jwks"] = {"keys": [OTHER.public_jwk()]}
    vendor.documents["token"]["id_token"] = token(key=OTHER)
    for _ in range(3):
        assert await provider.login_callback(response())
    vendor.documents["token"]["id_token"] = token()
    with pytest.raises(ProviderUnsigned):
        await provider.login_callback(response())
    assert vendor.count("jwks") == 2


async def test_rotated_key_without_a_name() -> None:
    """The same where tokens name no key."""
    vendor = Vendor()
    provider = make(vendor)
    for key in (RSA, OTHER):
        vendor.documents["jwks"] = {"keys": [key.public_jwk()]}
        vendor.documents["token"]["id_token"] = token(key=key, header={"kid": None})
        assert await provider.login_callback(response())
    assert vendor.count("jwks") == 2


async def test_strange_keys_ask_once_in_a_while() -> None:
    """A flood of tokens that no key signed costs one look, whatever key they name."""
    vendor = Vendor()
    provider = make(vendor)
    stranger = SigningKey.generate("RS256", RSA.kid)
    for kid, looks in [(RSA.kid, 2), *((str(n), 2) for n in range(20))]:
        vendor.documents["token"]["id_token"] = token(key=stranger, header={"kid": kid})
        with pytest.raises(ProviderUnsigned):
            await provider.login_callback(response())
        assert vendor.count("jwks") == looks


def jwk(bits: int) -> dict[str, str]:
    """Return a public RSA key of so many bits."""
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    return {"kty": "RSA", "kid": RSA.kid, "n": encode_part(numbers.n.to_bytes(bits // 8)), "e": "AQAB"}


@pytest.mark.parametrize(
    "keys",
    [
        b"[]",
        b"x" * 300_000,
        {},
        {"keys": {}},
        {"keys": [RSA.public_jwk()] * (MOST_KEYS + 1)},
        {"keys": [jwk(1024)]},
        {"keys": [{**RSA.public_jwk(), "use": "enc"}]},
        {"keys": [{**RSA.public_jwk(), "alg": "RS512"}]},
        {"keys": [{**RSA.public_jwk(), "alg": "RSA-OAEP"}]},
        {"keys": [{**RSA.public_jwk(), "key_ops": ["encrypt"]}]},
        {"keys": [{**RSA.public_jwk(), "kty": "EC"}]},
        {"keys": [{**RSA.public_jwk(), "kid": 7}]},
        503,
        404,
    ],
)
async def test_unusable_keys(keys: object) -> None:
    """Too many, too large, too weak, for something else, or none: nobody logs in by them."""
    with pytest.raises(ProviderFault):
        await log_in_with(token(), Vendor(jwks=keys))


@pytest.mark.parametrize(
    "bad", [7, None, {}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}, {"kty": "EC", "crv": "P-256"}, {"kty": []}, "key"]
)
async def test_unusable_key_beside_a_good_one(bad: object) -> None:
    """What cannot be read is passed over (RFC 7517 §5)."""
    assert await log_in_with(token(), Vendor(jwks={"keys": [bad, RSA.public_jwk()]}))


async def test_set_may_tell_a_private_key() -> None:
    """A vendor that publishes its private key by mistake is verified by the public half."""
    private = {**RSA.public_jwk(), "d": "AQAB", "p": "AQAB"}
    assert await log_in_with(token(), Vendor(jwks={"keys": [private]}))


def certificate(key: SigningKey) -> str:
    """Return a certificate of `key`, in base64, as `x5c` has it."""
    private = load_pem_private_key(key.pkcs8_pem().encode(), None)
    name, now = x509.Name([]), datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 1, now, now)  # type: ignore[arg-type]
    return base64.b64encode(builder.sign(private, SHA256()).public_bytes(Encoding.DER)).decode()  # type: ignore[arg-type]


def without(*names: str, key: SigningKey = RSA, **members: object) -> dict[str, object]:
    """Return the JWK of `key` without the members `names`, and with other ones."""
    return {name: value for name, value in {**key.public_jwk(), **members}.items() if name not in names}


ODD_SETS: dict[str, list[object]] = {
    "one key twice": [RSA.public_jwk(), RSA.public_jwk()],
    "two keys of one name": [{**OTHER.public_jwk(), "kid": RSA.kid}, RSA.public_jwk()],
    "without names": [without("kid", key=OTHER), without("kid")],
    "without alg and use": [without("alg", "use")],
    "empty members": [{**RSA.public_jwk(), "alg": "", "use": None, "key_ops": [], "x5c": []}],
    "an empty name": [{**RSA.public_jwk(), "kid": ""}],
    "keys to encrypt for": [{**OTHER.public_jwk(), "kid": RSA.kid, "use": "enc"}, RSA.public_jwk()],
    "unknown types": [{"kty": "AKP", "kid": RSA.kid, "alg": "ML-DSA-44", "pub": "AA"}, RSA.public_jwk()],
    "a secret": [{"kty": "oct", "k": "c2VjcmV0", "kid": RSA.kid}, RSA.public_jwk()],
    "a certificate alone": [{"kid": RSA.kid, "x5c": [certificate(RSA)]}],
    "a certificate with its type": [{"kty": "RSA", "use": "sig", "kid": RSA.kid, "x5c": [certificate(RSA)]}],
    "a broken certificate": [{"kty": "RSA", "kid": RSA.kid, "x5c": ["AAAA"]}, RSA.public_jwk()],
    "padded": [{**RSA.public_jwk(), "n": RSA.public_jwk()["n"] + "=="}],
    "no text": [{"x5c": 7}, {"x5c": [7]}, {"kty": "RSA", "n": 7, "e": "AQAB"}, RSA.public_jwk()],
}


@pytest.mark.parametrize("case", ODD_SETS)
async def test_odd_but_harmless_sets_log_in(case: str) -> None:
    """Every key that fits is tried: what cannot be used beside it costs nobody a login."""
    assert await log_in_with(token(), Vendor(jwks={"keys": ODD_SETS[case]}))


async def test_certificate_of_another_key_verifies_nothing() -> None:
    """The certificate's key counts where there is no other, for its own algorithms."""
    assert await log_in_with(token(key=EC), Vendor(jwks={"keys": [{"kid": EC.kid, "x5c": [certificate(EC)]}]}))
    for bad in (
        {"kid": RSA.kid, "x5c": [certificate(OTHER)]},
        {"kty": "EC", "kid": RSA.kid, "x5c": [certificate(RSA)]},
    ):
        with pytest.raises(ProviderUnsigned):
            await log_in_with(token(), Vendor(jwks={"keys": [bad]}))


async def test_named_key_is_no_other_one() -> None:
    """A token that names a key is not verified by one of another name."""
    with pytest.raises(ProviderUnsigned):
        await log_in_with(token(), Vendor(jwks={"keys": [{**RSA.public_jwk(), "kid": "other"}]}))


async def test_key_replaced_under_its_name() -> None:
    """A vendor may keep the name: the set is fetched once more."""
    vendor = Vendor()
    provider = make(vendor)
    assert await provider.login_callback(response())
    vendor.documents["jwks"] = {"keys": [{**OTHER.public_jwk(), "kid": RSA.kid}]}
    vendor.documents["token"]["id_token"] = token(key=OTHER, header={"kid": RSA.kid})
    assert await provider.login_callback(response())
    assert vendor.count("jwks") == 2


def test_configuration_of_an_issuer_is_checked() -> None:
    """Either https or loopback, no query, no user; what is given is kept as it is."""
    for wrong in ("http://id.example", "https://id.example?x=1", "https://a@id.example", "id.example", ""):
        with pytest.raises(ValueError, match="issuer"):
            make(issuer=wrong)
    assert make(issuer=f"{ISSUER}/").settings.issuer == f"{ISSUER}/"
