"""The process that fetches the RDAP bootstrap for the coordinator, which has no HTTP client of its own and parses no answers.

The coordinator starts one whenever an attempt is due (`python -m actors.coordinator.bootstrap_reader`), with its own
environment. A list that was taken is kept in STATE_DIR; standard output only tells how it went.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from actors.coordinator.list_frames import LONGEST_REASON, Refreshed, pack_frame
from common import config, log
from common.clients.address_guard import Guard
from common.clients.bootstrap import BootstrapClient
from common.clients.http_client import HttpClient
from common.clock import now
from common.config import Settings


def main() -> int:
    """Make an attempt where one is due and tell its result on standard output. 0: told, 1: the pipe was closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the coordinator, which ends this process in its own time
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # nothing but the frame goes out there
    settings = config.load()
    log.setup(settings, "bootstrap-reader", sys.stderr)
    try:
        answers.write(pack_frame(asyncio.run(refresh_bootstrap(settings))))
        answers.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())  # where what was not written can be flushed to
        return 1
    return 0


async def refresh_bootstrap(settings: Settings) -> Refreshed:
    """Make an attempt where one is due."""
    client = HttpClient(settings, Guard(settings))
    try:
        bootstrap = BootstrapClient(settings, client, now)
        found = await bootstrap.refresh()
        return Refreshed(found is not None, bootstrap.next_at, bootstrap.error[:LONGEST_REASON])
    finally:
        await client.close()


if __name__ == "__main__":
    sys.exit(main())
