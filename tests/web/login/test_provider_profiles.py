"""A plugin that raises when it should fetch a profile: the person is proved by then, and logged in."""

import pytest

from connect_core.harness import Visitor

from ...kit.web_shops import acme_shop


@pytest.mark.parametrize("kind", [RuntimeError, RecursionError, MemoryError, SystemExit, GeneratorExit])
def test_plugin_that_raises_for_a_profile_fails_nobody(kind: type[BaseException]) -> None:
    """The login stands without a name, and nothing of the exception is told."""

    async def fail(self: object, _: object) -> object:
        raise kind("c4n4ry")

    with acme_shop(fetch_profile=fail) as running_shop, Visitor(running_shop) as visitor:
        answer = visitor.http.post("/connect/acme/mini/token", json={"code": "code1"})
        assert answer.status_code == 200, answer.text
        assert "c4n4ry" not in answer.text
