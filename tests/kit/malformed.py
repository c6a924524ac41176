"""Cookies, bearers and bodies that no client of ours sends."""

import json

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

BODIES = [
    b"\xff\xfe{}",
    b"[]",
    b"null",
    b"1",
    b'"state"',
    b"{",
    b'{"state":"a","state":"b"}',
    b'{"state":1}',
    b'{"state":true}',
    b'{"state":"\\ud800"}',
    b'{"code":"\\ud800"}',
    b'{"device_id":"\\udfff","code":"a"}',
    b'{"state":"a\\u0000"}',
    b'{"state":"a\\nb"}',
    b'{"state[]":"a"}',
    b"[" * 10_000,
    b'{"a":' * 2_000,
    b'{"n":' + b"9" * 5_000 + b"}",
    b'{"x":"' + b"a" * 70_000 + b'"}',
    json.dumps({f"x{number}": "1" for number in range(21)}).encode(),
]
