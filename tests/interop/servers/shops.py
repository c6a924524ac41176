"""A FastAPI shop that mounts the service, for any ASGI server: `python shops.py SERVER PORT ROOT_PATH`.

`CONNECT_CONFIG` names its connect.toml; `CONNECT_TEST_MOUNT` is where it mounts the service, empty: the service alone.
"""

import asyncio
import logging
import os
import sys
from pathlib import Path

from connect_core.settings import load_settings
from connect_core.web import create_app


def make_app() -> object:
    """Return the application that a server runs; its lifespan does not run the service's, which is the mistake."""
    from fastapi import FastAPI  # noqa: PLC0415 - only the environment `servers` has it

    logging.basicConfig(level="INFO", format="%(message)s")
    connect = create_app(load_settings(Path(os.environ["CONNECT_CONFIG"])))
    if not (mount := os.environ["CONNECT_TEST_MOUNT"]):
        return connect
    shop = FastAPI(root_path=os.environ.get("CONNECT_TEST_FASTAPI_ROOT", ""))
    shop.mount(mount, connect)
    return shop


def main(server: str, port: int, root_path: str) -> None:
    """Run the shop until it is told to end."""
    if server == "uvicorn":
        import uvicorn  # noqa: PLC0415

        uvicorn.run(make_app, factory=True, port=port, root_path=root_path, log_config=None)  # type: ignore[arg-type]
    elif server == "hypercorn":
        from hypercorn.asyncio import serve  # noqa: PLC0415
        from hypercorn.config import Config  # noqa: PLC0415

        config = Config()
        config.bind, config.root_path = [f"127.0.0.1:{port}"], root_path
        asyncio.run(serve(make_app(), config))  # type: ignore[arg-type]
    else:
        from granian import Granian  # noqa: PLC0415
        from granian.constants import Interfaces  # noqa: PLC0415

        Granian(
            "shops:make_app",
            port=port,
            interface=Interfaces.ASGI,
            factory=True,
            url_path_prefix=root_path or None,
            working_dir=Path(__file__).parent,
        ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
