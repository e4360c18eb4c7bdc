"""What arrives at an error tracker on loopback when an actor crashes."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from common import version

ROOT = Path(__file__).resolve().parents[1]
#: A process that fails in code of ours, called by code of a library.
CHILD = """
from common import (sentry)
from common.config import (load)
from common.errors import (StoreError)
import asyncio, msgspec, sentry_sdk

settings = load()
sentry.start_reporting(settings, "coordinator")

async def work():
    from common.setting_parsers import (seconds)
    seconds("hunter2222")

try:
    asyncio.run(work())
except ValueError as error:
    sentry.report_error(settings, error)
sentry_sdk.flush(10)
"""


@contextmanager
def tracker() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that takes envelopes; gives its DSN and the events that came."""
    events: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Keep the events of an envelope: lines of JSON, a header before each item."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            events.extend(row for row in map(json.loads, body.splitlines()[1:]) if "exception" in row)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://key-cccc@127.0.0.1:{server.server_port}/1", events
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_report_names_the_release_and_our_own_frames(tmp_path: Path) -> None:
    """So that errors are grouped by release and by the line of ours that failed, not by the library that called it."""
    with tracker() as (dsn, events):
        environ = {
            **os.environ,
            "SENTRY_DSN": dsn,
            "STATE_DIR": str(tmp_path),
            "API_AUTH_TOKEN": "hunter2222",
            "INSTANCE_ID": "here",
        }
        subprocess.run(
            [sys.executable, "-c", CHILD], cwd=tmp_path, env={**environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=60
        )

    (event,) = events
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert event["release"] == f"domain-monitor@{version.current()}"
    assert (event["server_name"], event["tags"]["actor"], event["tags"]["instance"]) == ("here", "coordinator", "here")
    assert {
        frame["module"]: frame.get("in_app", False)
        for frame in frames
        if frame.get("module", "").startswith(("common", "asyncio"))
    } == {
        "asyncio.runners": False,
        "asyncio.base_events": False,
        "common.setting_parsers": True,
    }
    assert "hunter2222" not in json.dumps(event)
