"""Where the service is mounted: below which path browsers reach its routes, whichever application or proxy is in front.

That path is ASGI's `root_path` (of the server, a FastAPI or a mount), or the setting `root_path`. It is known for each
request and kept in a context variable, because a link may be made anywhere. Never read from a header.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

from starlette.types import Scope

_ROOT: ContextVar[str] = ContextVar("connect_root_path", default="")


def get_root() -> str:
    """Return the path below which this request's browser reaches the routes, such as `/shop`; empty for none."""
    return _ROOT.get()


@contextmanager
def below_root(root: str) -> Iterator[None]:
    """Make addresses begin with `root` until the block ends."""
    is_path = bool(root) and not root.startswith("//")
    token = _ROOT.set(quote(root.rstrip("/"), safe="/~!$&'()*+,;=:@") if is_path else "")
    try:
        yield
    finally:
        _ROOT.reset(token)


def find_route(scope: Scope, root: str, is_ours: Callable[[str], bool]) -> str:
    """Return the path of one of our routes: the request's without what is in front of it.

    Servers disagree on whether `path` begins with `root_path`, and a proxy may have cut off all of it, a part or
    nothing: `root` `/shop/login` and the path `/login/connect/me` come from a mount behind a proxy that cuts `/shop`.
    So the longest part of `root` goes with which the rest `is_ours`; of any other path `root` itself.
    """
    path: str = scope["path"]
    for beginning in _find_beginnings(root):
        if path.startswith(f"{beginning}/") and is_ours(path[len(beginning) :]):
            return path[len(beginning) :]
    return path[len(root) :] if path == root or path.startswith(f"{root}/") else path


def _find_beginnings(root: str) -> Iterator[str]:
    """Yield `/a/b/c`, `/b/c`, `/c` and the empty text for `/a/b/c`."""
    parts = root.strip("/").split("/") if root.strip("/") else []
    for place in range(len(parts)):
        yield "/" + "/".join(parts[place:])
    yield ""
