"""A receiver of the shop's events: checks the signature, takes each event once, and answers within milliseconds.

Run it behind a proxy with TLS: `WEBHOOK_SECRETS="whsec_…" python webhook_receiver.py 8080 events.db`.
"""

import base64
import hmac
import json
import os
import sqlite3
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer

TOLERANCE_SECONDS = 300
"""How old a request may be: an older one is somebody's copy."""
BODY_LIMIT = 65536


def is_genuine(secrets: list[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether the shop has sent `body`, and has sent it now. Check the bytes that came, not parsed JSON."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    content = f"{message_id}.{timestamp}.".encode() + body
    given = headers.get("webhook-signature", "").split()  # two of them while the shop changes its secret
    for secret in secrets:
        digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), content, "sha256")
        expected = f"v1,{base64.b64encode(digest).decode()}"
        if any(hmac.compare_digest(expected.encode(), signature.encode()) for signature in given):
            return True
    return False


def take(database: sqlite3.Connection, message_id: str, event: dict[str, object]) -> None:
    """Store an event, unless it came before: `webhook-id` is the key. Work on it later, in a job of your own."""
    with database:
        database.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", (message_id, event["type"], json.dumps(event)))


def make_server(port: int, path: str, secrets: list[str]) -> HTTPServer:
    """Return the receiver, which stores events in the SQLite file `path`."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("content-length", 0)), BODY_LIMIT))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not is_genuine(secrets, headers, body):
                self.send_error(401)
                return
            database = sqlite3.connect(path)
            take(database, headers["webhook-id"], json.loads(body))
            database.close()
            self.send_response(204)  # only now that the event is stored: anything else than 2xx is sent again
            self.end_headers()

    database = sqlite3.connect(path)
    database.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, type TEXT, content TEXT)")
    database.close()
    return HTTPServer(("127.0.0.1", port), Receiver)


if __name__ == "__main__":
    make_server(int(sys.argv[1]), sys.argv[2], os.environ["WEBHOOK_SECRETS"].split()).serve_forever()
