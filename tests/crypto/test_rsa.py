"""RSA keys: every form a console hands out is read, nothing else is, and no text of a key ever leaks."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from connect_core.crypto import RsaPrivateKey, load_private_key, load_public_key

KEY = RsaPrivateKey.generate()
OTHER = RsaPrivateKey.generate()
SMALL = rsa.generate_private_key(65537, 1024)
PKCS1_PUBLIC = (
    load_pem_public_key(KEY.public_key().spki_pem().encode()).public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
)


def bare(pem: str) -> str:
    """The base64 between the armour, on one line."""
    return "".join(pem.strip().splitlines()[1:-1])


PRIVATE_FORMS = {
    "pkcs8": KEY.pkcs8_pem(),
    "pkcs1": KEY.pkcs1_pem(),
    "pkcs8 bare": bare(KEY.pkcs8_pem()),
    "pkcs1 bare": bare(KEY.pkcs1_pem()),
    "crlf": KEY.pkcs8_pem().replace("\n", "\r\n"),
    "blanks": "  \t" + KEY.pkcs8_pem().replace("\n", " \n \u00a0") + "\n\n",
    "blank lines": KEY.pkcs1_pem().replace("\n", "\n\n"),
    "literal line breaks": KEY.pkcs8_pem().replace("\n", "\\n"),
    "literal CRLF": KEY.pkcs1_pem().replace("\n", "\\r\\n"),
    "one line": KEY.pkcs8_pem().replace("\n", ""),
    "one line with blanks": KEY.pkcs1_pem().replace("\n", " "),
    "byte order mark": "\ufeff" + KEY.pkcs8_pem(),
    "text before": "Bag Attributes\n" + KEY.pkcs8_pem(),
    "label of the other form": KEY.pkcs1_pem().replace(" RSA ", " "),
}

PUBLIC_FORMS = {
    "spki": KEY.public_key().spki_pem(),
    "pkcs1": PKCS1_PUBLIC,
    "spki bare": bare(KEY.public_key().spki_pem()),
    "pkcs1 bare": bare(PKCS1_PUBLIC),
    "crlf": KEY.public_key().spki_pem().replace("\n", "\r\n"),
    "one line": KEY.public_key().spki_pem().replace("\n", " "),
    "literal line breaks": KEY.public_key().spki_pem().replace("\n", "\\n"),
}


@pytest.mark.parametrize("form", PRIVATE_FORMS)
def test_every_form_of_a_private_key_is_read(form: str) -> None:
    """PKCS#1 and PKCS#8, with and without armour, however the lines were broken: it is the same key."""
    assert load_private_key(PRIVATE_FORMS[form]).public_key() == KEY.public_key()


@pytest.mark.parametrize("form", PUBLIC_FORMS)
def test_every_form_of_a_public_key_is_read(form: str) -> None:
    """SPKI and PKCS#1, with and without armour: it is the same key."""
    assert load_public_key(PUBLIC_FORMS[form]) == KEY.public_key()


def unreadable_private_keys() -> dict[str, str]:
    """Texts that are no usable private key."""
    curve = ec.generate_private_key(ec.SECP256R1())
    inner = load_pem_private_key(KEY.pkcs8_pem().encode(), None)
    return {
        "empty": "",
        "blank": " \n",
        "armour alone": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
        "no base64": "-----BEGIN PRIVATE KEY-----\nMIIE*secret*\n-----END PRIVATE KEY-----",
        "cut off": KEY.pkcs8_pem()[:900],
        "cut off bare": bare(KEY.pkcs8_pem())[:1000],
        "public": KEY.public_key().spki_pem(),
        "public bare": bare(KEY.public_key().spki_pem()),
        "elliptic": curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "encrypted": inner.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode(),
        "encrypted pkcs1": inner.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")
        ).decode(),
        "1024 bits": SMALL.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    }


@pytest.mark.parametrize(("form", "text"), unreadable_private_keys().items())
def test_an_unusable_private_key_is_refused_without_quoting_it(form: str, text: str) -> None:
    """Anything else is a `ValueError` that names no piece of the text, and hangs no cause that might."""
    with pytest.raises(ValueError, match=r"PRIVATE KEY|RSA private key") as refused:
        load_private_key(text)
    assert not any(line and line in str(refused.value) for line in text.split() if len(line) > 8)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a key",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        KEY.pkcs8_pem(),
        bare(KEY.pkcs8_pem()),
        SMALL.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
)
def test_an_unusable_public_key_is_refused(text: str) -> None:
    """No RSA key, a private one or one under 2048 bits: a `ValueError`."""
    with pytest.raises(ValueError, match=r"PUBLIC KEY|RSA public key"):
        load_public_key(text)


def test_a_signature_verifies_with_its_key_and_data_only() -> None:
    """RSASSA-PKCS1-v1_5: right key and same data, or False."""
    signature = KEY.sign("签名 text".encode())
    assert len(signature) == 256
    assert KEY.public_key().verify(signature, "签名 text".encode())
    assert not KEY.public_key().verify(signature, "签名 Text".encode())
    assert not OTHER.public_key().verify(signature, "签名 text".encode())
    for damaged in (b"", signature[:-1], signature + b"\0", bytes(256), bytes([signature[0] ^ 1]) + signature[1:]):
        assert not KEY.public_key().verify(damaged, "签名 text".encode())


def test_the_digest_is_pinned_to_sha256() -> None:
    """A SHA-1 signature of the right key is refused: the digest never comes from the signature."""
    inner = load_pem_private_key(KEY.pkcs8_pem().encode(), None)
    assert isinstance(inner, rsa.RSAPrivateKey)
    assert KEY.public_key().verify(inner.sign(b"text", PKCS1v15(), SHA256()), b"text")
    assert not KEY.public_key().verify(inner.sign(b"text", PKCS1v15(), SHA1()), b"text")


def test_keys_show_nothing_of_themselves() -> None:
    """Both repr and str hold the size alone."""
    assert repr(KEY) == str(KEY) == "<RsaPrivateKey 2048 bits>"
    assert repr(KEY.public_key()) == "<RsaPublicKey 2048 bits>"
    assert not hasattr(KEY, "__dict__")


def test_public_keys_are_equal_by_value() -> None:
    """Two parses of one key are one key, in sets too; another key is another."""
    again = load_public_key(KEY.public_key().spki_pem())
    assert again == KEY.public_key()
    assert len({again, KEY.public_key(), OTHER.public_key()}) == 2
    assert again != KEY.public_key().spki_pem()


def test_a_new_key_has_the_size_asked_for() -> None:
    """`generate` takes the size in bits and refuses weak ones."""
    assert repr(RsaPrivateKey.generate(3072)) == "<RsaPrivateKey 3072 bits>"
    with pytest.raises(ValueError, match="2048"):
        RsaPrivateKey.generate(1024)


def test_the_written_forms_are_what_they_say() -> None:
    """`pkcs8_pem` and `pkcs1_pem` carry the labels that openssl gives them, and DER of a sequence."""
    assert KEY.pkcs8_pem().startswith("-----BEGIN PRIVATE KEY-----\n")
    assert KEY.pkcs1_pem().startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert KEY.public_key().spki_pem().startswith("-----BEGIN PUBLIC KEY-----\n")
    assert base64.b64decode(bare(KEY.pkcs1_pem()))[:1] == b"\x30"


def test_what_is_encrypted_for_a_key_is_opened_by_it_alone() -> None:
    """RSAES-PKCS1-v1_5, as vendors encrypt for the key of an app; another key finds nothing of the message."""
    sealed = KEY.public_key().encrypt(b'{"purePhoneNumber": "13912345678"}')
    assert KEY.decrypt(sealed) == b'{"purePhoneNumber": "13912345678"}'
    with suppress(ValueError):  # newer OpenSSL answers random bytes instead
        assert b"139" not in OTHER.decrypt(sealed)
    with pytest.raises(ValueError, match=r"."):
        KEY.decrypt(sealed[:-1])
