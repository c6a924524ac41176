"""The mini programs of `docs/how-to/mini-programs.md` log in at a running shop, in a simulated `wx` and `my`."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connect_core.harness import RunningShop, Visitor

from ..kit.databases import run_shop
from ..kit.web_shops import alipay_and_wechat

EXAMPLES = Path(__file__).parents[2] / "docs/examples/mini_programs"


@pytest.fixture(scope="module")
def shop() -> Iterator[RunningShop]:
    """A shop with Alipay and WeChat."""
    with run_shop(alipay_and_wechat()) as running_shop:
        yield running_shop


@pytest.mark.parametrize("platform", ["wechat", "alipay"])
def test_a_mini_program_logs_in_and_stays_logged_in(
    platform: str, shop: RunningShop, tmp_path: Path, require: Callable[[object, str], None]
) -> None:
    """Two requests share one login and one renewal; a login that has ended is begun anew; a refusal has its code."""
    require(shutil.which("node"), "Node.js is missing")
    for file in (*EXAMPLES.glob("*.js"), Path(__file__).with_name("mini_program_driver.mjs")):
        text = file.read_text("utf-8").replace("https://shop.example", shop.url)
        (tmp_path / file.name).write_text(text, "utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    with Visitor(shop) as visitor:
        codes = [next(iter(visitor.client_parameters(platform, "mini").values())) for _ in range(2)]
    command = ["node", "mini_program_driver.mjs", platform, *codes]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    story = json.loads(done.stdout)
    assert len(set(story.pop("uids"))) == 1
    assert story == {"loginsOfTwo": 1, "refreshes": 1, "logins": 3, "isForgotten": True, "refusal": "code_invalid"}
