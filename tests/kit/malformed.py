"""Cookies, bearers and bodies that no client of ours sends."""

COOKIE_HEADERS = [
    b"",
    b";;;",
    b"=",
    b"connect_session",
    b"connect_session=",
    b"connect_session=\xff\xfe\xfd",
    b'connect_session="a;b',
    b"connect_session=%00",
    b"$Version=1; connect_session=a",
    b"; ".join(b"c%d=%d" % (n, n) for n in range(100)),
    b"connect_flow_0123456789abcdef=v1.x.y; connect_session=" + b"a" * 8000,
]

BEARERS = [
    b"Bearer",
    b"bearer a b c",
    b"Bearer \xff\xfe",
    b"Bearer " + b"a" * 8000,
    b"Bearer a.b.c",
    b"Bearer " + b".".join([b"e30"] * 3),
    b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    b"Basic dXNlcjpwYXNz",
    b"Bearer " + b"." * 50,
    b"Bearer bnVsbA.bnVsbA.bnVsbA",
    b"Bearer W10.W10.W10",
]

BODIES = [  # no JSON object
    b"\xff\xfe{}",
    b"[]",
    b"null",
    b"1",
    b'"state"',
    b"{",
    b"[" * 10_000,
    b'{"a":' * 2_000,
]

TEXTS = [  # JSON of values that no reader takes for a text
    "true",
    "1.5",
    "9" * 5_000,
    r'"\ud800"',
    r'"a\u0000"',
    r'"a\nb"',
    '"a\x00b"',
    '"a", "NAME": "b"',
    f'"{"a" * 70_000}"',
]
"""`NAME` stands for the name of the member."""
