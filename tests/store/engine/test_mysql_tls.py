"""TLS towards a server of the MySQL family: what PyMySQL makes anew for each connection is made once."""

import pytest

from connect_core.store.engine.mysql_tls import open_connection

pymysql = pytest.importorskip("pymysql")


def test_connections_whose_address_says_nothing_of_tls_share_a_context() -> None:
    """Reading the machine's certificates takes longer than a login; the server's is not verified either way."""
    first, second = (open_connection(pymysql, host="127.0.0.1", defer_connect=True) for _ in range(2))
    assert first.ctx is second.ctx
    assert not first._ssl_required


def test_what_the_address_demands_of_tls_is_a_connections_own() -> None:
    """Parameters of one database never reach the connections of another."""
    plain = open_connection(pymysql, host="127.0.0.1", defer_connect=True)
    strict = open_connection(pymysql, host="127.0.0.1", defer_connect=True, ssl_verify_cert=True)
    assert strict.ctx is not plain.ctx
    assert (strict.ctx.verify_mode, plain.ctx.verify_mode) == (2, 0)
    without = open_connection(pymysql, host="127.0.0.1", defer_connect=True, ssl_disabled=True)
    assert not without.ssl
