"""Loads a plugin that is no installed package: a single file, or a package's folder, on this machine.

Imports it and checks that it has a hook. Registers nothing: pass the result to `Plugins`.
"""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from connect_core.errors import PluginError
from connect_core.providers.hookspecs import NAME
from connect_core.providers.plugin_checks import describe_failure


def load_plugin_file(path: Path) -> tuple[str, ModuleType]:
    """Import the plugin at `path` and return its name and module.

    `path` is a Python file, the folder of a package, or the folder of a project with one package `connect_…` in it.

    The name is the file's without `.py`. The module is imported under it, so that `acme:AcmeSandbox` refers to a class
    in `acme.py`. What lies beside the file can be imported too, after everything that is installed. The pair is what
    `Plugins` takes as one of `extra`.

    Raises `PluginError` when there is no such file, when its name is no Python name or that of another module, when its
    import fails, and when it has no hook.
    """
    if not path.exists():
        raise PluginError(f"{path}: there is no such file")
    source = _find_package(path) / "__init__.py" if path.is_dir() else path
    if not source.is_file() or source.suffix != ".py":
        raise PluginError(f"{path}: is neither a Python file nor a package")
    target = source.resolve()
    package = target.parent if target.name == "__init__.py" else target
    if not package.stem.isidentifier() or package.stem.startswith("__"):
        raise PluginError(f"{path}: rename it; a name of letters, digits and _ can be imported")
    if str(package.parent) not in sys.path:
        sys.path.append(str(package.parent))
    module = _import(path, package.stem, target)
    # by this attribute pluggy recognizes what `hookimpl` has decorated
    if not any(hasattr(value, f"{NAME}_impl") for value in vars(module).values()):
        raise PluginError(f"{path}: has no hook; assign provider_hook(…) to connect_register_providers")
    return package.stem, module


def _find_package(folder: Path) -> Path:
    """Return the folder of the one package in a project's folder, or `folder` where that is a package itself."""
    if (folder / "__init__.py").exists():
        return folder
    sources = [*folder.glob("connect_*/__init__.py"), *folder.glob("src/*/__init__.py")]
    return sources[0].parent if len(sources) == 1 else folder


def _import(path: Path, name: str, target: Path) -> ModuleType:
    importlib.invalidate_caches()
    spec = find_spec(name)
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != target:
        raise PluginError(f"{path}: rename it; another module is called {name}")
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - an import may raise anything, SystemExit too; the author sees it
        reason = describe_failure(error)
    raise PluginError(f"{path}: cannot be imported: {reason}")
