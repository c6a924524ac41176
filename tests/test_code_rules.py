"""The rules of this repository that no linter checks: sizes, names, public faces, where tests are, and pages."""

import ast
import io
import os
import re
import sysconfig
import tokenize
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import connect_core
from connect_core import errors, plugin
from connect_core.providers import hookspecs

ROOT = Path(__file__).parents[1]
CODE = sorted([*ROOT.glob("connect_core/**/*.py"), *ROOT.glob("plugins/**/*.py")])
TESTS = sorted(ROOT.glob("tests/**/*.py"))
PLUGINS = sorted(folder.name for folder in ROOT.glob("plugins/connect_*") if folder.is_dir())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.AsyncFor, ast.AsyncWith, ast.For, ast.If, ast.Match, ast.Try, ast.TryStar, ast.While, ast.With)


def short(path: Path) -> str:
    """Return a file's path below the repository."""
    return path.relative_to(ROOT).as_posix()


def functions(paths: list[Path]) -> Iterator[tuple[str, Function]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, Function):
                yield f"{short(path)}:{node.lineno} {node.name}", node


def get_length(node: Function) -> int:
    """Count the lines of a function without its decorators and its docstring."""
    documented = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
    docstring = documented.end_lineno - documented.lineno + 1 if documented and documented.end_lineno else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def get_depth(node: ast.AST, depth: int = 0) -> int:
    """Count nested blocks; an `elif` does not deepen, and functions inside count for themselves."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, get_depth(child, depth + (isinstance(child, BLOCKS) and not is_elif)))
    return deepest


def test_files_are_at_most_400_lines() -> None:
    """A module that has outgrown 400 lines becomes a package."""
    sizes = {short(path): len(path.read_text("utf-8").splitlines()) for path in CODE + TESTS}
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_functions_are_at_most_40_lines() -> None:
    """A function fits a screen, its docstring not counted."""
    sizes = {name: get_length(node) for name, node in functions(CODE + TESTS)}
    assert {name: size for name, size in sizes.items() if size > 40} == {}


MANY_PARAMETERS = {
    "connect_core/cli/imports.py ids",  # the options of a command line
    "connect_core/cli/imports.py javashop",  # the same
    "connect_core/cli/members.py resolve",  # the same
    "connect_core/cli/members.py unbind",  # the same
    "connect_core/cli/plugin/new.py new",  # the same
    "connect_core/cli/serve.py serve",  # the same
    "connect_core/cli/settings.py import_file",  # the same
    "connect_core/identity.py of",  # the fields of a profile, by keyword
}
"""Functions that may have more than six parameters."""


def get_parameters(node: Function) -> list[str]:
    """The names of a function's parameters, without `self` and `cls`."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
    names = [argument.arg for argument in arguments if argument]
    return [name for name in names if name not in ("self", "cls")]


def test_functions_have_at_most_6_parameters() -> None:
    """What belongs together is one value; two functions whose parameters are all named are let be."""
    many = (name for name, node in functions(CODE) if len(get_parameters(node)) > 6)
    assert {re.sub(r":\d+", "", name) for name in many} == MANY_PARAMETERS


FILLERS = {"asked", "found", "one", "own", "told"}
NAMES_OF_OTHERS = {
    "connect_core/web/pages/__init__.py asked",  # a variable that shops' own templates read
}


def test_names_say_what_they_name() -> None:
    """A variable, parameter or attribute called `one` or `found` leaves it to the reader to find out what it is."""
    fillers = set()
    for path in CODE:
        tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
        fillers |= {
            f"{short(path)} {token.string}"
            for token in tokens
            if token.type == tokenize.NAME and token.string in FILLERS
        }
    assert fillers - NAMES_OF_OTHERS == set()


def test_functions_nest_at_most_3_deep() -> None:
    """Nesting is two as a rule and never more than three."""
    depths = {name: get_depth(node) for name, node in functions(CODE + TESTS)}
    assert {name: depth for name, depth in depths.items() if depth > 3} == {}


def test_every_test_states_its_rule() -> None:
    """A test without a docstring does not say what breaks when it fails."""
    silent = [name for name, node in functions(TESTS) if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert silent == []


OWN_LOOPS = {
    "tests/login/test_crowds.py test_a_process_that_dies_between_two_steps_leaves_a_whole_database",  # ends its loop
    "tests/store/engine/test_sqlite_loop.py test_a_loop_that_ends_leaves_the_database_to_the_next",  # is about loops
    "tests/test_deadlines.py test_ctrl_c_ends_a_program_in_whose_code_it_lands",  # ends its loop
    "tests/http/test_pool.py test_event_loops_one_after_the_other_each_have_their_pool",  # is about loops
}
"""Functions of test modules that start event loops; benchmarks, which measure in loops of their own, are let be."""


def test_tests_that_await_are_async_functions() -> None:
    """They run in the loop of the test runner and have a manager from a fixture, not `work` to hand to a loop."""
    starters = set()
    for name, node in functions([path for path in TESTS if path.stem.startswith("test_")]):
        calls = {ast.unparse(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
        is_work = isinstance(node, ast.AsyncFunctionDef) and node.name == "work"
        if (calls & {"asyncio.run", "using"} or is_work) and not name.startswith("tests/benchmarks/"):
            starters.add(re.sub(r":\d+", "", name))
    assert starters == OWN_LOOPS


UNMIRRORED = {"api", "benchmarks", "browser", "clients", "docs", "failover", "galera", "interop"}
UNMIRRORED |= {"kit", "operations", "plugins", "reliability"}
"""Folders of tests that belong to no single package of `connect_core`."""


def test_tests_mirror_the_packages_of_the_code() -> None:
    """The tests of `connect_core/a/b` are in `tests/a/b`; a folder of tests that has no such package is a mistake."""
    folders = {path.parent.relative_to(ROOT / "tests") for path in TESTS}
    mirrored = [folder for folder in folders if folder.parts and folder.parts[0] not in UNMIRRORED]
    assert [folder.as_posix() for folder in mirrored if not (ROOT / "connect_core" / folder).is_dir()] == []


def test_test_modules_at_the_top_belong_to_a_module_at_the_top() -> None:
    """`tests/test_x.py` and `tests/test_x_….py` test `connect_core/x.py`; tests of a package are in its folder."""
    modules = {path.stem for path in ROOT.glob("connect_core/*.py")}
    names = [path.stem.removeprefix("test_") for path in ROOT.glob("tests/test_*.py") if path != Path(__file__)]
    assert [name for name in names if name not in modules and name.partition("_")[0] not in modules] == []


def test_no_test_module_imports_another() -> None:
    """What several test modules share is in `tests/kit`, in a support module of their folder, or a fixture."""
    imports = [
        (short(path), name)
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        for name in [*(node.module or "").split("."), *(alias.name for alias in node.names if not node.module)]
    ]
    assert [(path, name) for path, name in imports if name.startswith("test_")] == []


def test_modules_are_named_for_their_job() -> None:
    """No module has a name that anything could go under."""
    vague = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
    assert [short(path) for path in CODE if path.stem in vague] == []


def test_no_two_public_classes_share_a_name() -> None:
    """A class name in an import, a log line or a traceback means the same class everywhere, in core and plugins."""
    modules: dict[str, list[str]] = {}
    for path in CODE:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules.setdefault(node.name, []).append(short(path))
    assert {name: paths for name, paths in modules.items() if len(paths) > 1} == {}


def test_plugin_face_is_what_it_says() -> None:
    """`__all__` of the plugin author's face is sorted and names exactly what stands there."""
    reality = sorted(name for name in vars(plugin) if not name.startswith("_"))
    assert plugin.__all__ == reality


def test_errors_are_drawn_as_they_are() -> None:
    """The tree at the top of `errors.py` has every class, in order, with its status and code."""
    drawn = [line for line in (errors.__doc__ or "").splitlines() if re.match(r" {4}[│ ├└─]*\w+", line)]
    names = [(re.search(r"\w", line).start(), line.split("──")[-1].split()[0]) for line in drawn]  # type: ignore[union-attr]
    assert names == list(walk_errors(errors.ConnectError, 4))
    codes = {line.split("──")[-1].split()[0]: " ".join(line.split("──")[-1].split()[1:]) for line in drawn}
    leaves = {leaf.__name__: f"{leaf.status} {leaf.code}" for leaf in errors.every_error()}
    assert {name: codes[name] for name in leaves} == leaves


def walk_errors(family: type[errors.ConnectError], column: int) -> Iterator[tuple[int, str]]:
    yield column, family.__name__
    for child in family.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from walk_errors(child, column + 4)


def get_hooks() -> dict[str, str]:
    """Every hook with its signature as it is written in `hookspecs.py`, without `self`."""
    module = ast.parse(Path(hookspecs.__file__).read_text("utf-8"))
    [specs] = [node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Hooks"]
    hooks = {}
    for node in specs.body:
        if isinstance(node, ast.FunctionDef) and node.returns:
            node.args.args = node.args.args[1:]
            hooks[node.name] = f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
    return hooks


def test_every_hook_has_its_page() -> None:
    """A hook exists only with its exact signature as a heading of `docs/reference/hooks.md`, and no other there."""
    page = (ROOT / "docs/reference/hooks.md").read_text("utf-8")
    assert re.findall(r"^### `(connect_.+)`$", page, re.MULTILINE) == list(get_hooks().values())


def test_every_hook_has_a_test() -> None:
    """A hook exists only with a test that has the hook's name in its own."""
    tests = {node.name for _, node in functions(TESTS)}
    assert [hook for hook in get_hooks() if not any(test.startswith(f"test_{hook}") for test in tests)] == []


def get_requirements() -> set[str]:
    project = PROJECT["project"]
    groups = [*project.get("optional-dependencies", {}).values(), *PROJECT["dependency-groups"].values()]
    lines = [*project["dependencies"], *(line for group in groups for line in group if isinstance(line, str))]
    return {Requirement(line).name for line in lines} - {project["name"]}


def test_every_dependency_has_its_reason() -> None:
    """A dependency exists only with a row in `docs/decisions/dependencies.md`, and a row only with a dependency."""
    page = (ROOT / "docs/decisions/dependencies.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `([\w.-]+)` \|", page, re.MULTILINE)) == sorted(get_requirements())


def test_every_dependency_is_locked() -> None:
    """`.ci/lock.txt` holds what pyproject.toml asks for; `tox -e lock` renews it."""
    locked = re.findall(r"^([\w.-]+)==", (ROOT / ".ci/lock.txt").read_text("utf-8"), re.MULTILINE)
    assert get_requirements() - set(locked) == set()


PLUGIN_LISTS = {
    "project.entry-points.connect_login",
    "tool.coverage.run.source_pkgs",
    "tool.importlinter.contracts.The core imports no plugin, and no plugin imports another.layers",
    "tool.importlinter.root_packages",
}
"""The places in pyproject.toml that list the plugins by name, because the tool there has no pattern for them."""


def walk_texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a TOML document with the path of the list or table that holds it."""
    match value:
        case dict():
            for key, item in value.items():
                yield from [(path, item)] if isinstance(item, str) else walk_texts(item, f"{path}.{key}".lstrip("."))
        case list():
            for item in value:
                name = f".{item['name']}" if isinstance(item, dict) and "name" in item else ""
                yield from [(path, item)] if isinstance(item, str) else walk_texts(item, path + name)


def get_plugin_lists() -> dict[str, list[str]]:
    """Return the plugin packages that each list or table of pyproject.toml names, by its path."""
    lists: dict[str, list[str]] = {}
    for path, text in walk_texts(PROJECT):
        if names := re.findall(r"\bconnect_(?!core\b)\w+", text):
            lists.setdefault(path, []).extend(names)
    return lists


def test_every_list_of_plugins_is_complete() -> None:
    """Whatever in pyproject.toml lists plugins lists exactly the folders of `plugins/`, and no list is lost."""
    assert get_plugin_lists() == dict.fromkeys(PLUGIN_LISTS, PLUGINS)


def test_a_plugins_entry_point_is_its_short_name() -> None:
    """`connect_weibo` is the plugin `weibo`."""
    points = PROJECT["project"]["entry-points"]["connect_login"]
    assert points == {package.removeprefix("connect_").replace("_", "-"): package for package in PLUGINS}


def get_lines_without_imports(path: Path) -> list[str]:
    text = path.read_text("utf-8")
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {n for node in imports for n in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    lines = enumerate(map(str.strip, text.splitlines()), 1)
    return [line for n, line in lines if line and n not in imported]


def test_plugins_do_not_repeat_each_other() -> None:
    """Six equal lines in two plugins, imports not counted, belong into a base provider or the kit of the sandboxes."""
    seen: dict[tuple[str, ...], str] = {}
    repeated = []
    for path in sorted(ROOT.glob("plugins/**/*.py")):
        lines = get_lines_without_imports(path)
        for place in range(len(lines) - 5):
            run = tuple(lines[place : place + 6])
            if seen.setdefault(run, path.parent.name) != path.parent.name:
                repeated.append(f"{short(path)}: {run[0]}")
    assert repeated == []


LONGER = dict.fromkeys(("connect_eleme", "connect_telegram", "connect_unionpay"), 90)  # other signed calls or data
LONGER |= {"connect_dingtalk": 46, "connect_wecom": 82, "connect_apple": 43, "connect_bilibili": 41, "connect_qq": 41}
LONGER |= {"connect_huawei": 65, "connect_douyin": 84, "connect_wechat": 250}  # phone codes; a dialect
"""Lines of plugins that are not a standard vendor's data plus one mapping."""


def get_code_lines(path: Path) -> int:
    """Count the lines that say something: none of docstrings, comments, imports, blanks and brackets alone."""
    text = path.read_text("utf-8")
    silent = {line for node in ast.walk(ast.parse(text)) for line in get_silent_lines(node)}
    lines = [line for number, line in enumerate(text.splitlines(), 1) if number not in silent]
    return sum(bool(line.partition("#")[0].strip(" ()[]{},")) for line in lines)


def get_silent_lines(node: ast.AST) -> Iterator[int]:
    """The lines of an import, or of the docstring of a module, class or function."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)
    if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node) is not None:
        yield from range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)


def has_base_provider(package: str) -> bool:
    source = (ROOT / "plugins" / package / "__init__.py").read_text("utf-8")
    return "OAuth2Provider" in source or "OidcProvider" in source


@pytest.mark.parametrize("package", [name for name in PLUGINS if has_base_provider(name) or name in LONGER])
def test_plugins_are_short(package: str) -> None:
    """A provider on a base provider has at most 40 lines of code, without sandbox, examples, notices and checks."""
    ours = (ROOT / "plugins" / package).glob("*.py")
    paths = [path for path in ours if not path.stem.startswith(("sandbox", "documented", "notices", "checks"))]
    assert sum(map(get_code_lines, paths)) <= LONGER.get(package, 40)


FACES = {"plugin", "sandbox", "settings", "testing", "web"}
SCRIPTS = {"conf.py", "contracts.py", "generate.py", "icons.py", "screenshots.py"}
"""The documentation's own scripts, which readers do not copy."""


def test_the_documentation_imports_public_faces_alone() -> None:
    """What a reader copies must not break when a module inside moves."""
    pages = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/**/*.py"), *ROOT.glob("README*.md")]
    imported = {
        f"{short(page)}: {module}"
        for page in pages
        if page.name not in SCRIPTS
        for module in re.findall(r"^\s*from connect_core\.([\w.]+) import", page.read_text("utf-8"), re.MULTILINE)
        if module not in FACES
    }
    assert imported == set()


def test_changelog_knows_this_version() -> None:
    """The changelog has a heading for the version that is being built."""
    assert f"\n## {connect_core.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.fixture
def installed() -> None:
    if "TOX_ENV_NAME" not in os.environ:
        pytest.skip("the checkout is under test here; tox tests the wheel")


@pytest.mark.usefixtures("installed")
def test_the_wheel_is_tested_not_the_checkout() -> None:
    """What users install is what the tests import."""
    assert Path(connect_core.__file__).is_relative_to(sysconfig.get_path("purelib"))
    assert version("connect-login") == connect_core.__version__


@pytest.mark.usefixtures("installed")
def test_entry_points_are_registered() -> None:
    """The installed distribution offers our plugins through the same entry-point group as a stranger's."""
    offered = {point.name: point.value for point in entry_points(group="connect_login")}
    assert offered == PROJECT["project"]["entry-points"]["connect_login"]
