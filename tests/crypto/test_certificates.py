"""Certificates: bundles are read whole, names are printed as Java prints them, and only a true chain is trusted."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from connect_core.crypto import Certificate, RsaPrivateKey, load_certificates
from connect_core.crypto.minting import new_authority, new_certificate, new_ec_authority

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
LATER = datetime(2040, 1, 1, tzinfo=UTC)
ROOT_KEY, ROOT = new_authority("Root R1")
STRANGE_KEY, STRANGE = new_authority("Root R1")
LEAF_KEY = RsaPrivateKey.generate()
MIDDLE_KEY = RsaPrivateKey.generate()
MIDDLE = new_certificate("Class 2 R1", MIDDLE_KEY.public_key(), ROOT_KEY, ROOT, is_authority=True)
LEAF = new_certificate("Leaf", LEAF_KEY.public_key(), MIDDLE_KEY, MIDDLE)

# A root with the SM2 curve and signature (1.2.156.10197.1.501), as Alipay's root bundle holds one, made with
# `openssl req -x509 -sm3`; and one signed with SHA-1, which nothing here would sign any more.
SM2_ROOT = """-----BEGIN CERTIFICATE-----
MIIBkjCCATmgAwIBAgIUd8/L1giCXWBK8zk/YnC4B/Pt048wCgYIKoEcz1UBg3Uw
MDELMAkGA1UEBhMCQ04xEDAOBgNVBAoMB1NhbmRib3gxDzANBgNVBAMMBlJPT1RD
QTAgFw0yNjExMjEwOTMzMjZaGA8yMTI2MTAyODA5MzMyNlowMDELMAkGA1UEBhMC
Q04xEDAOBgNVBAoMB1NhbmRib3gxDzANBgNVBAMMBlJPT1RDQTBZMBMGByqGSM49
AgEGCCqBHM9VAYItA0IABBcAQapYx02DZIaiH3qHwMFmkKVEEM2qDyhVb2zb4Uyt
5NNp37uFU1UfD8lZxfKXYcJoLzIX5mdrr1WCuVp15uOjLzAtMAwGA1UdEwQFMAMB
Af8wHQYDVR0OBBYEFKSrjHfvfiMZBCvTrRd+um91260wMAoGCCqBHM9VAYN1A0cA
MEQCIDfQDfXujNdEqCrHeCgGTGLsnOrpkmP//LGCcgTMQ97SAiBZi4sVTvlx6h6A
M3qEslcx6G5qQUbDqjz62I9y2lgChQ==
-----END CERTIFICATE-----
"""
SHA1_ROOT = """-----BEGIN CERTIFICATE-----
MIIC5TCCAc2gAwIBAgIUDhW6c9oCGloMwLzgDWWI1X/T2d0wDQYJKoZIhvcNAQEF
BQAwEzERMA8GA1UEAwwIT2xkIHJvb3QwIBcNMjYxMTIxMDkzMzI3WhgPMjEyNjEw
MjgwOTMzMjdaMBMxETAPBgNVBAMMCE9sZCByb290MIIBIjANBgkqhkiG9w0BAQEF
AAOCAQ8AMIIBCgKCAQEAj9CG+6fxeFrRvBgKq+5BK8C8xDHJjWXjHetZEtgmlGZk
D+EETlz8B5Ygi5YEhRFzQwZhSC6fMwMUy7gFdnnwVsAlHQN+MMssJ7anOGfQX4Xc
q4y1KzakPwIfMTcU/RLJGijK/nMpybEvU/OuaZIdt4cD8K3om3aLJoH21NAgZVAl
ba1JPbUtryCfEWI5nZKNOt76FxHdCbEIXjfWu2vRTAoN+F7W50C2GYEtCAiDT4AX
3s6ukV4FzFcfqcz6o+U+l953QvAMhKKxt4iVGP9ezCKGBypuFdxD7HjLswbeNflO
XMuJO/P/qS4G9yo69tEQw2OTleDdgPRVOgoLVjAN/QIDAQABoy8wLTAMBgNVHRME
BTADAQH/MB0GA1UdDgQWBBTr18MfmGLJbRsuleHOP9JNCbYObjANBgkqhkiG9w0B
AQUFAAOCAQEARDpQG97uX/RkUrKXTQ+oZqXu7byypRiCzO5yEi30Idl7WBY15XqF
3AyOJjvNaAmrKZoG2uumyl8rtryfHFnM1VuSpMPMCsmxoTwS86Yz29k7Wi4HuXZE
t6egaZisOnqnVEqP0HZzqWz3lyjlUtAMzchjBWXB9Pa7yj5Srn36UKbTuss6BuNg
A+SqXHHGiIdipaUUp32tTf9Bse1/m7kIZs+PNrkNMlhAHqhLBZVWWOPDAulJ/pcp
KKvm5JcYvwTF4t0LCsQXjKb+hUWSEtUCefCpetHkfLp14H4kLhFAOsuW5o3wCvNj
omZCfrRRVpqn6Ckc1hARoFxIayHIMsVsLQ==
-----END CERTIFICATE-----
"""


def self_signed(
    *extensions: x509.ExtensionType, name: Sequence[tuple[x509.ObjectIdentifier, str]] = (), bits: int = 2048
) -> Certificate:
    """Return a certificate that the kit for tests would not mint; `bits` other than 2048 take a key of their own."""
    pem = ROOT_KEY.pkcs8_pem() if bits == 2048 else ""
    key = load_pem_private_key(pem.encode(), None) if pem else rsa.generate_private_key(65537, bits)
    assert isinstance(key, rsa.RSAPrivateKey)
    text = x509.Name([x509.NameAttribute(oid, value) for oid, value in name or [(NameOID.COMMON_NAME, "R")]])
    builder = x509.CertificateBuilder(
        text, text, key.public_key(), 5, NOW.replace(tzinfo=None) - DAY, NOW.replace(tzinfo=None) + DAY
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return load_certificates(builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode())[0]


def test_a_bundle_is_read_in_file_order() -> None:
    """Every block, with whatever text, blanks and line ends stand between them."""
    bundle = (
        "# roots\r\n"
        + LEAF.pem().replace("\n", "\r\n")
        + "\n \n"
        + new_ec_authority("E1").pem()
        + ROOT.pem().replace("\n", " ")
    )
    certificates = load_certificates(bundle)
    assert [certificates[0], certificates[2]] == [LEAF, ROOT]
    assert certificates[1].signature_oid == "1.2.840.10045.4.3.2"


def test_blocks_that_cannot_be_parsed_are_skipped() -> None:
    """A damaged or foreign block takes nobody else with it."""
    junk = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
    bundle = (
        junk.format("AAAA")
        + ROOT.pem()
        + junk.format("***")
        + ROOT_KEY.public_key().spki_pem()
        + junk.format("")
        + LEAF.pem()
    )
    assert load_certificates(bundle) == (ROOT, LEAF)


def test_an_sm2_root_does_no_harm() -> None:
    """It can be named, has no key to use, and the RSA root behind it is found."""
    foreign, root = load_certificates(SM2_ROOT + ROOT.pem())
    assert root == ROOT
    assert foreign.signature_oid == "1.2.156.10197.1.501"
    with pytest.raises(ValueError, match="RSA"):
        foreign.public_key()
    assert not foreign.chains_to([foreign], (), LATER)


def test_a_bundle_of_openings_costs_nothing() -> None:
    """A stranger's text may be as long as an answer; reading it must not take quadratic time."""
    start = time.process_time()
    with pytest.raises(ValueError, match="CERTIFICATE"):
        load_certificates("-----BEGIN CERTIFICATE-----\n" * 20_000)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text", ["", "no armour", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", ROOT_KEY.pkcs8_pem()]
)
def test_a_bundle_without_certificates_is_refused(text: str) -> None:
    """Nothing readable is a `ValueError`, never an empty trust store."""
    with pytest.raises(ValueError, match="CERTIFICATE"):
        load_certificates(text)


# what X509Certificate.getIssuerX500Principal().getName() of OpenJDK 17 prints for these names
JAVA = {
    "CN=Ant Class 2 R1,OU=Authority,O=Ant Financial,C=CN": (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "Ant Financial"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Authority"),
        (NameOID.COMMON_NAME, "Ant Class 2 R1"),
    ),
    "CN=x,O=A\\, Inc\\+B,L=杭州,ST=浙江,C=CN": (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.STATE_OR_PROVINCE_NAME, "浙江"),
        (NameOID.LOCALITY_NAME, "杭州"),
        (NameOID.ORGANIZATION_NAME, "A, Inc+B"),
        (NameOID.COMMON_NAME, "x"),
    ),
    'CN=\\"q\\",O=\\#lead\\ ': ((NameOID.ORGANIZATION_NAME, "#lead "), (NameOID.COMMON_NAME, '"q"')),
    "CN=a\\\\b\\;\\<\\>,STREET=s,UID=u1,DC=com": (
        (NameOID.DOMAIN_COMPONENT, "com"),
        (NameOID.USER_ID, "u1"),
        (NameOID.STREET_ADDRESS, "s"),
        (NameOID.COMMON_NAME, "a\\b;<>"),
    ),
}


@pytest.mark.parametrize(("text", "name"), JAVA.items())
def test_the_issuer_is_printed_as_java_prints_it(text: str, name: Sequence[tuple[x509.ObjectIdentifier, str]]) -> None:
    """RFC 2253: reversed, short names, no blank after a comma, its escapes."""
    assert self_signed(name=name).issuer_text == text


@pytest.mark.parametrize("serial_number", [1, 0x7F, 0x80, 0xFF00, 2**64, 2**158 + 1])
def test_a_serial_number_is_a_positive_integer_of_any_size(serial_number: int) -> None:
    """A high first bit is no sign, and nothing is rounded."""
    leaf = new_certificate("x", LEAF_KEY.public_key(), ROOT_KEY, ROOT, serial_number=serial_number)
    assert load_certificates(leaf.pem())[0].serial_number == serial_number


def test_the_signature_oid_is_that_of_the_signature() -> None:
    """sha256WithRSAEncryption for what an RSA key signed."""
    assert LEAF.signature_oid == "1.2.840.113549.1.1.11"


def test_the_public_key_is_the_certified_one() -> None:
    """Parsed once, the same object afterwards; no RSA key is a `ValueError`."""
    assert LEAF.public_key() == LEAF_KEY.public_key()
    assert LEAF.public_key() is LEAF.public_key()
    with pytest.raises(ValueError, match="RSA"):
        new_ec_authority("E1").public_key()


def test_a_short_key_is_refused_when_asked_for() -> None:
    """A certificate over 1024 bits can be read and named, but not verified with."""
    weak = self_signed(bits=1024)
    assert weak.issuer_text == "CN=R"
    with pytest.raises(ValueError, match="2048"):
        weak.public_key()


def test_validity_includes_both_ends() -> None:
    """From the first second to the last."""
    start, end = NOW.replace(microsecond=0), NOW.replace(microsecond=0) + DAY
    leaf = new_certificate("x", LEAF_KEY.public_key(), ROOT_KEY, ROOT, not_before=start, not_after=end)
    assert leaf.is_valid_at(start)
    assert leaf.is_valid_at(end)
    assert not leaf.is_valid_at(start - timedelta(seconds=1))
    assert not leaf.is_valid_at(end + timedelta(seconds=1))


def test_a_chain_leads_to_its_root() -> None:
    """Directly, or over an intermediate that came along; roots may hold strangers."""
    direct = new_certificate("x", LEAF_KEY.public_key(), ROOT_KEY, ROOT)
    roots = [new_ec_authority("E1"), STRANGE, ROOT]
    assert direct.chains_to(roots, (), NOW)
    assert LEAF.chains_to(roots, [MIDDLE], NOW)
    assert LEAF.chains_to(roots, [LEAF, STRANGE, MIDDLE], NOW)
    assert ROOT.chains_to(roots, (), NOW)


def test_no_chain_without_every_link() -> None:
    """A missing intermediate, no roots, or roots that only share the name: no trust."""
    assert not LEAF.chains_to([ROOT], (), NOW)
    assert not LEAF.chains_to([], [MIDDLE], NOW)
    assert not LEAF.chains_to([STRANGE], [MIDDLE], NOW)


def test_intermediates_are_never_roots() -> None:
    """A self-signed certificate among the intermediates proves nothing."""
    rogue = new_certificate("x", LEAF_KEY.public_key(), STRANGE_KEY, STRANGE)
    assert not rogue.chains_to([ROOT], [STRANGE], NOW)


def test_a_leaf_may_not_issue() -> None:
    """Basic constraints: what is no CA signs for nobody, though names and signature fit."""
    forged = new_certificate("Forged", MIDDLE_KEY.public_key(), LEAF_KEY, LEAF)
    assert not forged.chains_to([ROOT], [LEAF, MIDDLE], NOW)
    assert not forged.chains_to([LEAF], (), NOW)


def test_names_must_fit_the_signature() -> None:
    """A certificate that the right key signed under another issuer's name is refused."""
    _, other = new_authority("Other name")
    misnamed = new_certificate("x", LEAF_KEY.public_key(), ROOT_KEY, other)
    assert not misnamed.chains_to([ROOT, other], (), NOW)


@pytest.mark.parametrize("late", ["leaf", "intermediate", "root"])
def test_every_link_must_be_valid_now(late: str) -> None:
    """One expired certificate anywhere breaks the chain."""
    times = {
        name: (NOW - 2 * DAY, NOW - DAY if name == late else NOW + DAY) for name in ("leaf", "intermediate", "root")
    }
    anchor = new_certificate(
        "Anchor",
        MIDDLE_KEY.public_key(),
        ROOT_KEY,
        ROOT,
        not_before=times["root"][0],
        not_after=times["root"][1],
        is_authority=True,
    )
    middle = new_certificate(
        "Middle",
        LEAF_KEY.public_key(),
        MIDDLE_KEY,
        anchor,
        not_before=times["intermediate"][0],
        not_after=times["intermediate"][1],
        is_authority=True,
    )
    leaf = new_certificate(
        "x", ROOT_KEY.public_key(), LEAF_KEY, middle, not_before=times["leaf"][0], not_after=times["leaf"][1]
    )
    assert leaf.chains_to([anchor], [middle], NOW - 1.5 * DAY)
    assert not leaf.chains_to([anchor], [middle], NOW)


def test_a_certificate_that_is_not_valid_yet_is_refused() -> None:
    """Validity has two ends."""
    early = new_certificate("x", LEAF_KEY.public_key(), ROOT_KEY, ROOT, not_before=NOW + DAY)
    assert not early.chains_to([ROOT], (), NOW)
    assert early.chains_to([ROOT], (), NOW + 2 * DAY)


@pytest.mark.parametrize("length", [0, 1, None])
def test_path_length_is_kept(length: int | None) -> None:
    """A root that allows no intermediate is not reached over one."""
    root = self_signed(x509.BasicConstraints(True, length))
    middle = new_certificate("M", MIDDLE_KEY.public_key(), ROOT_KEY, root, is_authority=True)
    leaf = new_certificate("x", LEAF_KEY.public_key(), MIDDLE_KEY, middle)
    assert middle.chains_to([root], (), NOW)
    assert leaf.chains_to([root], [middle], NOW) is (length != 0)


@pytest.mark.parametrize("may_sign", [True, False])
def test_key_usage_is_kept(*, may_sign: bool) -> None:
    """An authority whose key usage lacks keyCertSign signs for nobody."""
    usage = x509.KeyUsage(not may_sign, False, False, False, False, may_sign, False, False, False)
    root = self_signed(x509.BasicConstraints(True, None), usage)
    assert new_certificate("x", LEAF_KEY.public_key(), ROOT_KEY, root).chains_to([root], (), NOW) is may_sign


def test_a_root_without_basic_constraints_is_no_authority() -> None:
    """A leaf that was put among the roots by mistake vouches for nobody."""
    assert not new_certificate("x", LEAF_KEY.public_key(), ROOT_KEY, self_signed()).chains_to([self_signed()], (), NOW)


def test_sha1_signatures_prove_nothing() -> None:
    """A link signed with SHA-1 can be forged by collision."""
    old = load_certificates(SHA1_ROOT)[0]
    assert old.signature_oid == "1.2.840.113549.1.1.5"
    assert old.is_valid_at(LATER)
    assert not old.chains_to([old], (), LATER)


def test_a_long_chain_ends_somewhere() -> None:
    """More intermediates than the limit are not looked at, and a ring of them does not turn for ever."""
    ring: list[Certificate] = [MIDDLE]
    issuer = MIDDLE
    for step in range(10):
        issuer = new_certificate(f"I{step}", MIDDLE_KEY.public_key(), MIDDLE_KEY, issuer, is_authority=True)
        ring.append(issuer)
    leaf = new_certificate("x", LEAF_KEY.public_key(), MIDDLE_KEY, issuer)
    assert ring[7].chains_to([ROOT], ring[:7], NOW)
    assert not leaf.chains_to([ROOT], ring, NOW)
    again = new_certificate("Class 2 R1", MIDDLE_KEY.public_key(), MIDDLE_KEY, ring[1], is_authority=True)
    assert not LEAF.chains_to([STRANGE], [again, *ring[:2]], NOW)


def test_a_certificate_survives_its_own_pem() -> None:
    """`pem` writes one block that reads back as the same certificate, equal and with the same hash."""
    assert {LEAF, load_certificates(LEAF.pem())[0]} == {LEAF}
    assert LEAF.pem() != LEAF
    assert repr(LEAF).startswith("<Certificate ")
