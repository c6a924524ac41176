"""A shop that is killed between the commit of a login and its notices: `dying.py URL`."""

import logging
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.acme import hand_in, using

from connect_core.plugin import LoginEvent, hookimpl


class Listener:
    """Listens, and lives too short to hear."""

    @hookimpl
    def connect_registered(self, event: LoginEvent) -> None:
        """Listen."""
        raise NotImplementedError

    @hookimpl
    def connect_logged_in(self, event: LoginEvent) -> None:
        """Listen."""
        raise NotImplementedError


class Death(logging.Handler):
    """The log's line of a login comes after its commit and before its notices."""

    def emit(self, record: logging.LogRecord) -> None:
        """Die."""
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    logging.getLogger("connect_login").addHandler(Death())
    logging.getLogger("connect_login").setLevel(logging.INFO)
    with TemporaryDirectory() as folder:
        extra = [("listener", Listener())]
        using(Path(folder), lambda shop: hand_in(shop, "lihua.1"), extra=extra, service={"database_url": sys.argv[1]})
