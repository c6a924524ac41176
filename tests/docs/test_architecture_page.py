"""The page on the architecture knows the code as it is: its packages, its layers, and the names that it mentions."""

import importlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "connect_core"
PAGE = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]


def get_section(title: str) -> str:
    """Return the text below the heading `title`, up to the next heading of any level."""
    _, _, rest = PAGE.partition(f"# {title}\n")
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def get_layers(container: str) -> list[set[str]]:
    """Return the layers that import-linter checks in `container`, from the top, without names that do not exist yet."""
    layers = next(contract["layers"] for contract in CONTRACTS if contract.get("containers") == [container])
    folder = ROOT.joinpath(*container.split("."))
    names = [set(re.findall(r"\w+", layer)) for layer in layers]
    return [{name for name in layer if any(folder.glob(f"{name}.py")) or (folder / name).is_dir()} for layer in names]


def test_every_package_and_module_is_described() -> None:
    """A package or a top-level module of the core has a row that says what it owns."""
    modules = {path.stem for path in CORE.glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in CORE.glob("*/__init__.py")}
    rows = get_section("What runs a login") + get_section("What people run")
    assert set(re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE)) == modules | packages


def test_layers_are_those_that_are_checked() -> None:
    """The table of layers, and the one of layers within packages, are the contracts of import-linter."""
    section = get_section("Who may import whom")
    rows = re.findall(r"^\| \d+ \| (.+) \|$", section, re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == [*filter(None, get_layers("connect_core"))]
    for package in ("web", "login", "members", "providers"):
        row = re.search(rf"^\| `{package}` \| (.+→.+) \|$", section, re.MULTILINE)
        assert row is not None, package
        layers = [set(re.findall(r"`(\w+)`", layer)) for layer in row[1].split("→")]
        assert layers == [*filter(None, get_layers(f"connect_core.{package}"))], package


def test_mentioned_files_exist() -> None:
    """A path that the page sends a contributor to is there."""
    paths = re.findall(r"`((?:\w+/)*(?:\w+\.py|\w+/))`", PAGE)
    missing = [path for path in paths if not (CORE / path).exists() and not (ROOT / path).exists()]
    assert paths
    assert missing == []


def test_mentioned_functions_exist() -> None:
    """A function or method that the way of a login names is called so in the code."""
    text = "\n".join(path.read_text("utf-8") for path in CORE.rglob("*.py"))
    names = re.findall(r"`(?:ConnectManager|Starter|Targets|Callbacks|Completion|Dispatcher)\.(\w+)`", PAGE)
    names += re.findall(r"`(?:calls|flow|linking|resolution)\.(\w+)`", PAGE)
    assert names
    assert [name for name in names if not re.search(rf"def {name}\(", text)] == []


def test_every_outcome_is_described() -> None:
    """How a login can end is a row of the page for each member of the union `Outcome`."""
    outcomes = importlib.import_module("connect_core.login.values").Outcome.__args__
    rows = re.findall(r"^\| `(\w+)` \|", get_section("How a login can end"), re.MULTILINE)
    assert rows == [outcome.__name__ for outcome in outcomes]
